"""Checks the exported file in float64 and writes the oracle of the engine's tests.

oracle.py [--model models/troika-demo.gguf] [--out models/oracle]

Three texts of 1,024 tokens. PyTorch (float64, the file's weights) and the numpy reference (the
file itself) must agree on every logit of trunk and draft head; then PyTorch's rows are kept:
    textN.tokens.txt         1,024 token ids
    textN.rows.txt           the rows kept with the whole vocabulary
    textN.logits.f16.npy.gz  float16 [kept rows, vocab], trunk
    textN.mtp.f16.npy.gz     float16 [kept rows, vocab], draft head; row p reads token p and
                             the trunk's hidden state p - 1
    textN.argmax.txt         every row: trunk's best token, its lead over the second, head's best
                             token, its lead
"""

import argparse
import gzip
import io
import random
from pathlib import Path

import numpy as np
import torch

import reference64
from data import CLASSES, MODULES
from dialogue import segments
from export import load

TOKENS = 1024
KEPT = sorted(
    {
        *range(16),
        *range(0, TOKENS, 8),
        63,
        64,
        65,
        127,
        128,
        129,
        511,
        512,
        513,
        *range(TOKENS - 16, TOKENS),
    }
)
# Classes of the three texts: everything packed, one long conversation, and the long answers.
TEXTS = {
    1: (list(CLASSES), True),
    2: (["talk", "facts", "convert", "translate", "arithmetic"], False),
    3: (["tools", "code", "story", "extract", "summary"], True),
}


def text_ids(tokenizer, number):
    classes, separate = TEXTS[number]
    rng, ids = random.Random(f"oracle/{number}"), []
    while len(ids) < TOKENS:
        example = MODULES[rng.choice(classes)].sample(rng, True)
        for text, _ in segments([example]):
            ids += tokenizer.encode(text)
        if separate:
            ids.append(tokenizer.end_of_text)
    return ids[:TOKENS]


@torch.no_grad()
def torch_rows(trunk, head, ids):
    tokens = torch.tensor([ids])
    hidden = trunk(tokens)
    drafted = head(trunk.embedding, tokens, hidden)
    return trunk.logits(hidden)[0].numpy(), trunk.logits(drafted)[0].numpy()


def write_rows(path, rows):
    raw = io.BytesIO()
    np.save(raw, rows[KEPT].astype(np.float16))
    path.write_bytes(gzip.compress(raw.getvalue(), 9, mtime=0))


def best(row):
    second, first = np.partition(row, -2)[-2:]
    return f"{row.argmax()} {first - second:.4f}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("build/demo_model"))
    parser.add_argument("--model", type=Path, default=Path("models/troika-demo.gguf"))
    parser.add_argument("--out", type=Path, default=Path("models/oracle"))
    parser.add_argument(
        "--limit",
        type=float,
        default=1e-4,
        help="largest difference allowed between PyTorch and numpy",
    )
    options = parser.parse_args()
    trunk, head, tokenizer = load(options.folder)
    trunk, head = trunk.double(), head.double()
    options.out.mkdir(parents=True, exist_ok=True)
    for number in TEXTS:
        ids = text_ids(tokenizer, number)
        ours, reference = torch_rows(trunk, head, ids), reference64.run(options.model, ids)
        differences = [np.abs(a - b).max() for a, b in zip(ours, reference)]
        print(
            f"text {number}: largest |logit| {np.abs(ours[0]).max():.2f}, PyTorch against numpy: "
            f"trunk {differences[0]:.1e}, draft head {differences[1]:.1e}",
            flush=True,
        )
        if max(differences) > options.limit:
            raise SystemExit(
                f"text {number}: difference {max(differences):.1e}, allowed {options.limit:.1e}"
            )
        name = f"text{number}"
        (options.out / f"{name}.tokens.txt").write_text("\n".join(map(str, ids)) + "\n")
        (options.out / f"{name}.rows.txt").write_text("\n".join(map(str, KEPT)) + "\n")
        write_rows(options.out / f"{name}.logits.f16.npy.gz", ours[0])
        write_rows(options.out / f"{name}.mtp.f16.npy.gz", ours[1])
        lines = [f"{best(a)} {best(b)}" for a, b in zip(*ours)]
        (options.out / f"{name}.argmax.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
