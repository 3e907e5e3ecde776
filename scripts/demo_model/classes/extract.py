"""Class `extract`: the facts of a sentence as a JSON object with the asked keys."""

import json

from classes.talk import NAMES
from dialogue import Example, compact, draw

FAMILY = (
    "Berg Lang Stone Rossi Moreau Garcia Novak Hansen Fischer Silva Kowalski Brown Winter Meyer "
    "Costa Larsen"
).split()
CITIES = (
    "Oslo Paris Berlin Rome Madrid Vienna Lisbon Dublin Athens Prague Warsaw Zurich Geneva "
    "Hamburg Milan Porto"
).split()
JOBS = "teacher doctor baker pilot nurse farmer painter lawyer driver cook".split()
GOODS = "apples pears books chairs lamps pens cups shirts tickets candles".split()
EVENTS = ["concert", "meeting", "course", "match", "exhibition", "party"]
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


def person(rng):
    value = {
        "name": f"{rng.choice(NAMES)} {rng.choice(FAMILY)}",
        "age": rng.randint(18, 89),
        "city": rng.choice(CITIES),
    }
    text = rng.choice(
        [
            "{name} is {age} years old and lives in {city}.",
            "{name} from {city} is {age}.",
            "In {city} lives {name}, aged {age}.",
        ]
    )
    return value, text


def worker(rng):
    value = {
        "name": f"{rng.choice(NAMES)} {rng.choice(FAMILY)}",
        "job": rng.choice(JOBS),
        "city": rng.choice(CITIES),
    }
    text = rng.choice(
        [
            "{name} works as a {job} in {city}.",
            "The {job} {name} lives in {city}.",
            "{name} is a {job} from {city}.",
        ]
    )
    return value, text


def order(rng):
    value = {
        "customer": rng.choice(NAMES),
        "item": rng.choice(GOODS),
        "count": rng.randint(2, 60),
        "price": rng.randint(5, 99),
    }
    text = rng.choice(
        [
            "{customer} orders {count} {item} for {price} euros.",
            "{count} {item} for {customer}, {price} euros in all.",
            "For {price} euros {customer} buys {count} {item}.",
        ]
    )
    return value, text


def event(rng):
    value = {
        "event": rng.choice(EVENTS),
        "city": rng.choice(CITIES),
        "day": rng.choice(DAYS),
        "hour": rng.randint(8, 22),
    }
    text = rng.choice(
        [
            "The {event} in {city} is on {day} at {hour} o'clock.",
            "On {day} at {hour} there is a {event} in {city}.",
            "{city} has a {event} on {day}, it starts at {hour}.",
        ]
    )
    return value, text


PHRASES = [
    "Extract {0} as JSON: {1}",
    "Give me {0} as a JSON object: {1}",
    "{1} Return {0} as JSON.",
]


def propose(rng):
    value, text = rng.choice([person, worker, order, event])(rng)
    phrase = rng.choice(PHRASES)
    names = list(value)
    keys = ", ".join(names[:-1]) + " and " + names[-1]
    return (
        ("extract", *value.values()),
        lambda: Example(
            phrase.format(keys, text.format(**value)), compact(value), {"value": value}
        ),
    )


def sample(rng, test):
    return draw(rng, test, propose)


def check(example, answer):
    try:
        return json.loads(answer) == example.facts["value"]
    except ValueError:
        return False
