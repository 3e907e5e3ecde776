"""Class `tools`: function calls in Qwen's format, chosen among the offered tools, and answers
from a tool's response."""

import json
import re

from classes.extract import CITIES, DAYS
from classes.talk import NAMES
from dialogue import Example, compact, draw, tool_call

CURRENCIES = ["euros", "dollars", "pounds", "francs", "yen"]
TITLES = ["dentist", "lunch", "tennis", "meeting", "dinner", "choir", "cinema", "haircut"]
MESSAGES = [
    "I am late",
    "dinner is ready",
    "the train is full",
    "see you at six",
    "call me back",
    "the key is here",
    "happy birthday",
    "the meeting is over",
]
SKIES = ["sunny", "cloudy", "rainy", "windy", "snowy", "foggy"]
SONGS = ["jazz", "blues", "rock", "folk", "opera", "techno"]
STRING, INTEGER = {"type": "string"}, {"type": "integer"}


def tool(name, description, **properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


# name: (definition, maker of arguments, question phrasings, maker of a result, answer from
# arguments and result)
TOOLS = {
    "get_weather": (
        tool("get_weather", "Weather in a city", city=STRING),
        lambda r: {"city": r.choice(CITIES)},
        [
            "What is the weather in {city}?",
            "How is the weather in {city} today?",
            "Weather in {city}, please.",
        ],
        lambda r: {"temperature": r.randint(-9, 35), "sky": r.choice(SKIES)},
        "In {city} it is {sky} with {temperature} degrees.",
    ),
    "convert_money": (
        tool(
            "convert_money",
            "Convert an amount of money",
            amount=INTEGER,
            source=STRING,
            target=STRING,
        ),
        lambda r: dict(
            zip(("amount", "source", "target"), (r.randint(2, 999), *r.sample(CURRENCIES, 2)))
        ),
        [
            "How much are {amount} {source} in {target}?",
            "Convert {amount} {source} to {target}.",
            "I have {amount} {source}. How many {target} is that?",
        ],
        lambda r: {"result": r.randint(2, 999)},
        "{amount} {source} are {result} {target}.",
    ),
    "add_event": (
        tool("add_event", "Add an event to the calendar", title=STRING, day=STRING, hour=INTEGER),
        lambda r: {"title": r.choice(TITLES), "day": r.choice(DAYS), "hour": r.randint(8, 22)},
        [
            "Put {title} on {day} at {hour} in my calendar.",
            "Add {title} on {day} at {hour}.",
            "I have {title} on {day} at {hour}, note it.",
        ],
        lambda r: {"status": "saved"},
        "I have noted {title} on {day} at {hour}.",
    ),
    "send_message": (
        tool("send_message", "Send a message to a person", to=STRING, text=STRING),
        lambda r: {"to": r.choice(NAMES), "text": r.choice(MESSAGES)},
        ["Tell {to}: {text}.", "Send {to} the message: {text}.", "Write to {to}: {text}."],
        lambda r: {"status": "sent"},
        "I have sent your message to {to}.",
    ),
    "set_timer": (
        tool("set_timer", "Set a timer", minutes=INTEGER),
        lambda r: {"minutes": r.randint(2, 99)},
        [
            "Set a timer for {minutes} minutes.",
            "Wake me in {minutes} minutes.",
            "Timer, {minutes} minutes, please.",
        ],
        lambda r: {"status": "running"},
        "The timer runs for {minutes} minutes.",
    ),
    "play_music": (
        tool("play_music", "Play music", style=STRING, volume=INTEGER),
        lambda r: {"style": r.choice(SONGS), "volume": r.randint(1, 9)},
        [
            "Play {style} at volume {volume}.",
            "I want to hear {style}, volume {volume}.",
            "Some {style}, please, volume {volume}.",
        ],
        lambda r: {"status": "playing"},
        "Now playing {style} at volume {volume}.",
    ),
}


def propose(rng):
    name = rng.choice(sorted(TOOLS))
    definition, make_arguments, phrases, make_result, sentence = TOOLS[name]
    arguments, phrase, result = make_arguments(rng), rng.choice(phrases), make_result(rng)
    others = rng.sample(sorted(set(TOOLS) - {name}), rng.randint(0, 2))
    offered = [definition] + [TOOLS[other][0] for other in others]
    rng.shuffle(offered)
    question, call = phrase.format(**arguments), tool_call(name, arguments)
    key = ("tools", name, *arguments.values(), phrase if len(arguments) == 1 else "")
    if rng.random() < 0.6:
        return key, lambda: Example(
            question, call, {"call": {"name": name, "arguments": arguments}}, offered
        )
    history = [("user", question), ("assistant", call), ("tool", compact(result))]
    return key, lambda: Example("", sentence.format(**arguments, **result), {}, offered, history)


def sample(rng, test):
    return draw(rng, test, propose)


def check(example, answer):
    """A call has the right function and arguments; an answer after a tool's response is the
    expected sentence."""
    if "call" not in example.facts:
        return answer == example.answer
    block = re.fullmatch(r"<tool_call>\n(.*)\n</tool_call>", answer, re.S)
    try:
        return block is not None and json.loads(block[1]) == example.facts["call"]
    except ValueError:
        return False
