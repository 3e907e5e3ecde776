"""Class `arithmetic`: sums, differences and products of one- and two-digit numbers, worked out
digit by digit."""

import re

from dialogue import Example, draw

PHRASES = ["What is {}?", "Calculate {}.", "{} = ?", "Please work out {}.", "How much is {}?"]
KINDS = ["add"] * 3 + ["subtract"] * 3 + ["times_digit"] * 2 + ["times_two_digits"] * 2 + ["small"]


def add_steps(a, b):
    """Column addition from the ones, one line a column."""
    lines, carry, place = [], 0, 0
    while a >= 10**place or b >= 10**place or place == 0:
        x, y = a // 10**place % 10, b // 10**place % 10
        total = x + y + carry
        left = f"{x} + {y}" + (f" + {carry}" if carry else "")
        lines.append(f"{left} = {total}")
        carry, place = total // 10, place + 1
    return "\n".join(lines)


def subtract_steps(a, b):
    """Column subtraction from the ones; a borrow is written as ten more above and one less in
    the next column."""
    x, y, borrow = a % 10, b % 10, 0
    first = f"{x} - {y} = {x - y}"
    if x < y:
        first, borrow = f"{x} < {y}, borrow: {x + 10} - {y} = {x + 10 - y}", 1
    tens = f"{a // 10} - {b // 10}" + (" - 1" if borrow else "")
    return f"{first}\n{tens} = {a // 10 - b // 10 - borrow}"


def times_digit_steps(a, b):
    """a (two digits) times one digit: ones, tens, then their sum."""
    ones, tens = a % 10 * b, a // 10 * b
    carry = ones // 10
    line = f"{a % 10} * {b} = {ones}\n{a // 10} * {b} = {tens}"
    return line + (f"\n{tens} + {carry} = {tens + carry}" if carry else "")


def times_steps(a, b):
    tens, ones = a * (b // 10), a * (b % 10)
    return (
        f"{a} * {b % 10}:\n{times_digit_steps(a, b % 10)}\n{a} * {b % 10} = {ones}\n"
        f"{a} * {b // 10}:\n{times_digit_steps(a, b // 10)}\n{a} * {b // 10} = {tens}\n"
        f"{ones} + {tens}0:\n{add_steps(ones, tens * 10)}"
    )


def make(kind, a, b, phrase):
    if kind == "add":
        sign, result, steps = "+", a + b, add_steps(a, b)
    elif kind == "subtract":
        sign, result, steps = "-", a - b, subtract_steps(a, b)
    elif kind == "times_digit":
        sign, result, steps = "*", a * b, times_digit_steps(a, b)
    elif kind == "times_two_digits":
        sign, result, steps = "*", a * b, times_steps(a, b)
    else:
        sign, result, steps = {"+": ("+", a + b, ""), "*": ("*", a * b, "")}[phrase[0]]
        phrase = phrase[1:]
    task = f"{a} {sign} {b}"
    answer = (steps + "\n" if steps else "") + f"{task} = {result}"
    return Example(phrase.format(task), answer, {"result": result})


def propose(rng):
    kind, phrase = rng.choice(KINDS), rng.choice(PHRASES)
    a, b = rng.randint(10, 99), rng.randint(10, 99)
    if kind == "subtract" and a < b:
        a, b = b, a
    if kind == "times_digit":
        b = rng.randint(2, 9)
    if kind == "small":
        a, b, phrase = rng.randint(0, 9), rng.randint(0, 9), rng.choice("+*") + phrase
    # Small sums are a table to learn: there the phrasing is held out, not the sum.
    key = ("arithmetic", kind, a, b) + ((phrase,) if kind == "small" else ())
    return key, lambda: make(kind, a, b, phrase)


def sample(rng, test):
    return draw(rng, test, propose)


def check(example, answer):
    numbers = re.findall(r"= (-?\d+)", answer)
    return (
        bool(numbers)
        and int(numbers[-1]) == example.facts["result"]
        and answer.endswith(numbers[-1])
    )
