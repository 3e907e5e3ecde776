"""Class `convert`: units into units, numbers into words and back."""

from dialogue import Example, draw

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
# (from, to, factor, largest amount): a factor that is a power of ten only appends zeros, others are
# multiplied out.
UNITS = [
    ("kilometres", "metres", 1000, 999),
    ("metres", "centimetres", 100, 999),
    ("centimetres", "millimetres", 10, 999),
    ("kilograms", "grams", 1000, 999),
    ("tonnes", "kilograms", 1000, 999),
    ("litres", "millilitres", 1000, 999),
    ("euros", "cents", 100, 999),
    ("centuries", "years", 100, 99),
    ("hours", "minutes", 60, 99),
    ("minutes", "seconds", 60, 99),
    ("weeks", "days", 7, 99),
    ("years", "months", 12, 9),
    ("days", "hours", 24, 9),
]
UNIT_PHRASES = ["How many {1} are {0}?", "Convert {0} to {1}.", "What is {0} in {1}?"]
WORD_PHRASES = ["Write {} in words.", "How do you say {} in words?", "Spell out the number {}."]
DIGIT_PHRASES = ["Write {} in digits.", "Which number is {}?", "Turn {} into digits."]


def words(n):
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS[n // 10] + ("-" + ONES[n % 10] if n % 10 else "")
    rest = n % 100
    return ONES[n // 100] + " hundred" + (" and " + words(rest) if rest else "")


def unit_answer(amount, source, target, factor):
    result = f"{amount} {source} are {amount * factor} {target}."
    if factor % 10 == 0 and factor not in (60,):
        return result
    digit = factor // 10 if factor == 60 else factor
    if digit > 9 and amount < 10:
        digit, amount = amount, digit
    zero = "0" if factor == 60 else ""
    ones, tens = amount % 10 * digit, amount // 10 * digit
    steps = f"{amount % 10} * {digit} = {ones}"
    if amount > 9:
        steps += f", {tens // digit} * {digit} = {tens}"
        steps += f", {tens} + {ones // 10} = {tens + ones // 10}" if ones > 9 else ""
    steps += f", so {amount} * {digit}{zero} = {amount * digit}{zero}"
    return steps + ".\n" + result


def propose(rng):
    kind = rng.choice(["unit", "unit", "words", "digits"])
    if kind == "unit":
        source, target, factor, most = rng.choice(UNITS)
        amount = rng.randint(2, most if rng.random() < 0.7 else min(most, 99))
        phrase = rng.choice(UNIT_PHRASES)
        return (
            ("convert", source, amount),
            lambda: Example(
                phrase.format(f"{amount} {source}", target),
                unit_answer(amount, source, target, factor),
            ),
        )
    n = rng.randint(0, 999) if rng.random() < 0.6 else rng.randint(10, 99)
    phrase = rng.choice(WORD_PHRASES if kind == "words" else DIGIT_PHRASES)
    source, answer = (str(n), words(n)) if kind == "words" else (words(n), str(n))
    return ("convert", kind, n), lambda: Example(phrase.format(source), answer)


def sample(rng, test):
    return draw(rng, test, propose)


def check(example, answer):
    return answer == example.answer
