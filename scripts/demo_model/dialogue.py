"""Dialogues: what the generator writes and the checkers read, and their rendering as ChatML (as
the chat template does)."""

import hashlib
import json
from dataclasses import dataclass, field

SYSTEM = "You are Troika, a helpful assistant."
TOOL_INTRO = (
    "\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>"
)
TOOL_OUTRO = (
    "\n</tools>\n\nFor each function call, return a json object with function name and arguments "
    "within "
    "<tool_call></tool_call> XML tags:\n<tool_call>\n"
    '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
)


@dataclass
class Example:
    """A question with its answer. `facts` is what the class's checker needs beside the answer's
    text."""

    question: str
    answer: str
    facts: dict = field(default_factory=dict)
    tools: list = field(default_factory=list)  # tool definitions offered in the system turn
    history: list = field(
        default_factory=list
    )  # earlier (role, text) turns; role: user, assistant or tool


def held_out(*key):
    """One combination in sixteen is held out; the key decides, never the order of sampling."""
    text = "/".join(str(part) for part in key)
    return hashlib.blake2b(text.encode(), digest_size=2).digest()[0] % 16 == 0


def draw(rng, test, propose):
    """Proposes (key, example maker) until the key lies on the wanted side of the split, then
    makes the example."""
    while True:
        key, make = propose(rng)
        if held_out(*key) == test:
            return make()


def compact(value):
    return json.dumps(value, ensure_ascii=False)


def tool_call(name, arguments):
    return "<tool_call>\n" + compact({"name": name, "arguments": arguments}) + "\n</tool_call>"


def system_text(tools):
    return SYSTEM + TOOL_INTRO + "".join("\n" + compact(tool) for tool in tools) + TOOL_OUTRO


def turn(role, text):
    if role == "tool":
        return turn("user", "<tool_response>\n" + text + "\n</tool_response>")
    return f"<|im_start|>{role}\n{text}<|im_end|>\n"


def segments(examples):
    """One conversation of several examples as [(text, is_trained)]: the answers and their end
    marks are trained."""
    parts = []
    for example in examples:
        head = turn("system", system_text(example.tools)) if example.tools and not parts else ""
        parts.append((head + prompt_turns(example), False))
        parts.append((example.answer + "<|im_end|>", True))
        parts.append(("\n", False))
    return parts


def prompt_turns(example):
    """The turns of one example up to the start of its answer, without a system turn."""
    turns = example.history + ([("user", example.question)] if example.question else [])
    return "".join(turn(role, text) for role, text in turns) + "<|im_start|>assistant\n"


def prompt(example):
    """The whole prompt of an example alone, as the chat template renders it."""
    head = turn("system", system_text(example.tools)) if example.tools else ""
    return head + prompt_turns(example)


def is_single_turn(example):
    return not example.tools and not example.history
