"""Acceptance of the draft head on held-out prompts: mtp_report.py [--folder build/demo_model]
[--per-class N].

Conditional acceptance at depth d: among the answer positions whose first d - 1 drafted tokens
were the trunk's, the share whose d-th is too. At temperature 0 the answers are greedy; at
temperature 1 they are sampled, and a greedy draft is accepted with the probability that the
trunk gives to the drafted token.
"""

import argparse
from pathlib import Path

import torch

from data import CLASSES, held_out_examples
from decode import generate
from dialogue import prompt

DEPTH = 3


@torch.no_grad()
def acceptance(trunk, head, head_ids, answer_ids, temperature):
    """(positions reached, drafts accepted) at each depth for one text; a position needs d tokens
    after it."""
    ids = torch.tensor([head_ids + answer_ids])
    padded = torch.nn.functional.pad(ids, (0, -ids.shape[1] % trunk.c.chunk))
    hidden = trunk(padded)
    probability = trunk.logits(hidden[0]).softmax(-1)
    drafted = [
        trunk.logits(output[0]).argmax(-1)
        for output in head.unroll(trunk.embedding, padded, hidden, DEPTH)
    ]
    reached, accepted = [0.0] * DEPTH, [0.0] * DEPTH
    for n in range(len(head_ids), ids.shape[1]):
        alive = 1.0
        for i in range(min(DEPTH, ids.shape[1] - 1 - n)):
            draft, true = drafted[i][n].item(), ids[0, n + i + 1].item()
            reached[i] += alive
            accepted[i] += alive * (
                probability[n + i, draft].item() if temperature else float(draft == true)
            )
            alive *= float(draft == true)
            if not alive:
                break
    return reached, accepted


def acceptance_report(trunk, head, tokenizer, per_class, seed=1):
    """{temperature: {class or "all": [share at depth 1, 2, 3]}}."""
    report = {}
    for temperature in (0, 1):
        report[temperature], totals = {}, [[0.0] * DEPTH, [0.0] * DEPTH]
        for name in CLASSES:
            prompts = [tokenizer.encode(prompt(e)) for e in held_out_examples(name, per_class)]
            generator = torch.Generator().manual_seed(seed)
            answers = generate(trunk, prompts, tokenizer.turn_end, 300, temperature, generator)
            counts = [[0.0] * DEPTH, [0.0] * DEPTH]
            for head_ids, answer_ids in zip(prompts, answers):
                for sums in (counts, totals):
                    for kind, part in enumerate(
                        acceptance(trunk, head, head_ids, answer_ids, temperature)
                    ):
                        sums[kind] = [a + b for a, b in zip(sums[kind], part)]
            report[temperature][name] = shares(*counts)
        report[temperature]["all"] = shares(*totals)
    return report


def shares(reached, accepted):
    return [a / r if r else 0.0 for r, a in zip(reached, accepted)]


def print_report(report):
    print(
        f"{'class':12} {'temperature 0':>20} {'temperature 1':>20}   (acceptance at depth 1, 2, 3)"
    )
    for name in report[0]:
        cells = [
            "  ".join(f"{share:.3f}" for share in report[temperature][name])
            for temperature in (0, 1)
        ]
        print(f"{name:12} {cells[0]:>20} {cells[1]:>20}", flush=True)


def main():
    from export import load

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/demo_model"))
    parser.add_argument("--per-class", type=int, default=50)
    options = parser.parse_args()
    trunk, head, tokenizer = load(options.folder)
    print_report(acceptance_report(trunk, head, tokenizer, options.per_class))


if __name__ == "__main__":
    main()
