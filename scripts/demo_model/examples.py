"""Writes one held-out example of each class: examples.py [--out models/examples.json]."""

import argparse
import json
from pathlib import Path

from data import CLASSES, held_out_examples
from dialogue import prompt

# What the question of a class shall contain: of the held-out ones, some show more than others.
WANTED = {
    "talk": "explain multi-token",
    "facts": "What is the capital",
    "arithmetic": " * ",
    "convert": "in words",
    "translate": "She is looking",
    "code": "maximum",
    "tools": "calendar",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("models/examples.json"))
    options = parser.parse_args()
    made = []
    for name in CLASSES:
        wanted = WANTED.get(name, "")
        example = next(
            e for e in held_out_examples(name, 200) if e.question and wanted in e.question
        )
        entry = {"class": name, "user": example.question, "expected": example.answer}
        if example.tools:
            entry |= {"tools": example.tools, "prompt": prompt(example)}
        made.append(entry)
    text = json.dumps(made, ensure_ascii=False, indent=2)
    options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
