"""Training batches and held-out examples. Everything follows from (seed, step, row): no files,
resumable at any step."""

import importlib
import random

import torch

from dialogue import prompt, segments

# class: share of the examples
CLASSES = {
    "talk": 0.08,
    "facts": 0.12,
    "arithmetic": 0.22,
    "convert": 0.10,
    "story": 0.06,
    "summary": 0.07,
    "translate": 0.13,
    "code": 0.09,
    "extract": 0.08,
    "tools": 0.05,
}
MODULES = {name: importlib.import_module(f"classes.{name}") for name in CLASSES}
SHORT = [
    "talk",
    "facts",
    "arithmetic",
    "convert",
    "translate",
]  # classes that take part in longer conversations


def conversation(rng):
    """One training conversation: mostly a single example, now and then two to four."""
    name = rng.choices(list(CLASSES), CLASSES.values())[0]
    examples = [MODULES[name].sample(rng, False)]
    if rng.random() < 0.3:
        examples += [
            MODULES[rng.choice(SHORT)].sample(rng, False) for _ in range(rng.randint(1, 3))
        ]
    return examples


def row(tokenizer, rng, length):
    """`length` token ids of packed conversations, and which of them are trained targets."""
    ids, trained = [], []
    while len(ids) < length:
        for text, target in segments(conversation(rng)):
            part = tokenizer.encode(text)
            ids += part
            trained += [target] * len(part)
        ids.append(tokenizer.end_of_text)
        trained.append(False)
    return ids[:length], trained[:length]


def batch(tokenizer, seed, step, rows, length):
    """Inputs [rows, length], targets [rows, length] and the mask of targets that count."""
    made = [row(tokenizer, random.Random(f"{seed}/{step}/{i}"), length + 1) for i in range(rows)]
    ids = torch.tensor([ids for ids, _ in made])
    trained = torch.tensor([trained for _, trained in made])
    return ids[:, :-1], ids[:, 1:], trained[:, 1:]


def held_out_examples(name, count, seed=1):
    """Different held-out examples of one class, by prompt."""
    rng, seen, examples = random.Random(f"held-out/{name}/{seed}"), set(), []
    for _ in range(50 * count):
        example = MODULES[name].sample(rng, True)
        if prompt(example) not in seen and len(examples) < count:
            seen.add(prompt(example))
            examples.append(example)
    return examples


def tokenizer_texts(count, seed=0):
    """Whole training conversations as text, for learning the tokenizer's merges."""
    rng = random.Random(f"tokenizer/{seed}")
    return ["".join(text for text, _ in segments(conversation(rng))) for _ in range(count)]
