"""Class `summary`: the summary copies a text's first sentence and the one that begins with "In
the end"."""

from dialogue import Example, draw

WHO = [
    "The school",
    "The library",
    "The town council",
    "The football club",
    "The museum",
    "A small bakery",
    "The choir",
    "The hospital",
    "A group of farmers",
    "The theatre",
    "The fire brigade",
    "The railway company",
]
PLANS = [
    "wants to build a new hall",
    "plans a summer party",
    "will open a garden",
    "needs a larger kitchen",
    "looks for young helpers",
    "has bought an old bus",
    "will move to another street",
    "plans a trip to the coast",
    "wants to plant fifty trees",
    "offers free courses",
    "will close for two weeks",
    "has a new web page",
]
FILLERS = [
    "Many people came to the meeting.",
    "It was raining all day.",
    "There was coffee and cake.",
    "Some neighbours had doubts.",
    "The discussion took three hours.",
    "A newspaper reported about it.",
    "Children painted pictures for it.",
    "The first idea is ten years old.",
    "Nobody knows the exact cost.",
    "An expert from the city gave a talk.",
    "The weather in spring was good.",
    "Old photographs were shown.",
]
ENDS = [
    "everybody agreed",
    "the plan was accepted",
    "the work starts in May",
    "a friend paid for it",
    "the mayor said yes",
    "they had to wait a year",
    "two teachers will help",
    "half of the money was found",
    "the old house was kept",
    "a date in June was chosen",
    "the vote was very close",
    "all tickets were sold",
]
PHRASES = [
    "Summarize this text: {}",
    "Please give me a summary: {}",
    "What is the main point? {}",
    "Shorten this: {}",
]


def propose(rng):
    first = f"{rng.choice(WHO)} {rng.choice(PLANS)}."
    end = f"In the end {rng.choice(ENDS)}."
    rest = rng.sample(FILLERS, rng.randint(2, 4))
    rest.insert(rng.randint(1, len(rest)), end)
    phrase = rng.choice(PHRASES)
    return ("summary", first, end), lambda: Example(
        phrase.format(" ".join([first, *rest])), f"{first} {end}"
    )


def sample(rng, test):
    return draw(rng, test, propose)


def check(example, answer):
    return answer == example.answer
