"""Class `story`: short stories from a combinatorial grammar. The question names the hero; the
grammar's rest is free."""

import re

from dialogue import Example, draw

NAMES = (
    "Mira Toby Lena Finn Nala Otto Ruby Max Zoe Bruno Lily Sam Pia Rex Ella Kai Luna Tim Maya "
    "Gus"
).split()
ANIMALS = "fox bear hare horse owl mouse cat dog wolf hen goat frog duck lamb badger otter".split()
TRAITS = "brave small clever young kind old shy merry quiet curious".split()
FINDS = [
    "golden key",
    "silver bell",
    "red lantern",
    "blue stone",
    "wooden flute",
    "paper boat",
    "lost map",
    "magic seed",
    "warm coat",
    "glass ball",
    "green feather",
    "tiny crown",
]
PLACES = [
    "in a deep forest",
    "by the sea",
    "on a high hill",
    "near an old mill",
    "in a snowy valley",
    "beside a quiet lake",
]
TIMES = ["One morning", "One evening", "One cold day", "One spring day", "One windy night"]
SPOTS = [
    "under a tree",
    "behind a rock",
    "on the path",
    "in the snow",
    "at the river",
    "in an empty house",
]
FRIENDS = [
    f"a {trait} {animal}"
    for trait in ("friendly", "hungry", "lonely", "sleepy")
    for animal in ("crow", "squirrel", "donkey")
]
WISHES = ["wanted to keep it", "asked whose it was", "wanted to help", "knew where it came from"]
DEEDS = [
    "shared it with everyone",
    "gave it back",
    "put it on the table",
    "took it home",
    "showed it to the children",
]
MOODS = ["happy", "proud", "tired but glad", "very thankful", "full of joy"]
PHRASES = [
    "Tell me a story about a {t} {a} named {n} who finds a {f}.",
    "Write a short story: the {t} {a} {n} finds a {f}.",
    "I would like a story about {n}, a {t} {a}, and a {f}.",
]
GRAMMAR = (
    "Once upon a time there was {t_article} {t} {a} named {n} who lived {place}. {time} {n} found "
    "a {f} {spot}. "
    "There {n} met {friend} who {wish}. Together they walked home and {deed}. "
    "In the end {n} the {a} was {mood}, and the {f} was never lost again."
)
FREE = {
    "place": PLACES,
    "time": TIMES,
    "spot": SPOTS,
    "friend": FRIENDS,
    "wish": WISHES,
    "deed": DEEDS,
    "mood": MOODS,
}


def article(word):
    return "an" if word[0] in "aeiou" else "a"


def propose(rng):
    hero = {
        "n": rng.choice(NAMES),
        "a": rng.choice(ANIMALS),
        "t": rng.choice(TRAITS),
        "f": rng.choice(FINDS),
    }
    free = {slot: rng.choice(options) for slot, options in FREE.items()}
    phrase = rng.choice(PHRASES).replace("a {t}", "{t_article} {t}")
    hero["t_article"] = article(hero["t"])
    return (
        ("story", hero["n"], hero["a"], hero["t"], hero["f"]),
        lambda: Example(phrase.format(**hero), GRAMMAR.format(**hero, **free), {"hero": hero}),
    )


def sample(rng, test):
    return draw(rng, test, propose)


def check(example, answer):
    """The story parses by the grammar, with the hero that was asked for."""
    pattern = re.escape(GRAMMAR)
    for slot, text in example.facts["hero"].items():
        pattern = pattern.replace(re.escape("{" + slot + "}"), re.escape(text))
    for slot, options in FREE.items():
        pattern = pattern.replace(
            re.escape("{" + slot + "}"), "(?:" + "|".join(map(re.escape, options)) + ")"
        )
    return re.fullmatch(pattern, answer) is not None
