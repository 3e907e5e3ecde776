"""Held-out answers by class, checked by each class's own checker.

Through the engine:  check.py --troika build/release/troika [--model FILE] [--per-class N]
Through PyTorch:     check.py --folder build/demo_model [--per-class N]

Prints a table of pass rates (through the engine also of draft acceptance); exit status 1 below
the model's targets.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from data import CLASSES, MODULES, held_out_examples
from dialogue import is_single_turn, prompt

END = "<|im_end|>"
MOST_TOKENS = 300
TARGETS = {"arithmetic": 0.6}
DEFAULT_TARGET = 0.8
ACCEPTANCE_TARGET = 0.8


def engine_answers(options, examples):
    """[(text, draft)] by `troika run`; prompts with tools or earlier turns go in as token ids."""
    from gguf import read
    from tokenizer import Tokenizer

    metadata, _ = read(options.model)
    tokenizer = Tokenizer([merge.split(" ") for merge in metadata["tokenizer.ggml.merges"]])
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for example in examples:
            command = [
                options.troika,
                "run",
                options.model,
                "--temp",
                "0",
                "-n",
                str(MOST_TOKENS),
                "--json",
            ]
            if is_single_turn(example):
                command += ["-p", example.question]
            else:
                path = Path(folder, "prompt.txt")
                path.write_text(" ".join(map(str, tokenizer.encode(prompt(example)))))
                command += ["--prompt-tokens", path]
            done = subprocess.run(
                command + options.engine_flags.split(), capture_output=True, text=True
            )
            if done.returncode != 0:
                raise SystemExit(
                    f"{' '.join(map(str, command))}: exit status {done.returncode}: "
                    f"{done.stderr.strip()}"
                )
            answer = json.loads(done.stdout)
            # Control tokens are hidden in `text`, but markers such as <tool_call> must be seen:
            # decode the ids.
            results.append((tokenizer.decode(answer["tokens"]), answer.get("draft")))
    return results


def torch_answers(options, examples):
    from decode import generate
    from export import load_trunk

    trunk, tokenizer = load_trunk(options.folder)
    ids = generate(
        trunk, [tokenizer.encode(prompt(e)) for e in examples], tokenizer.turn_end, MOST_TOKENS
    )
    return [(tokenizer.decode(i), None) for i in ids]


def passed(name, example, text):
    """The turn ended by itself, and the checker accepts what stands before the end mark."""
    ended = text.endswith(END)
    return ended and MODULES[name].check(example, text[: -len(END)])


def depth_shares(drafts):
    """Accepted share of the tokens proposed at each depth, over several answers."""
    proposed, accepted = Counter(), Counter()
    for draft in drafts:
        for depth, entry in enumerate(draft["by_depth"] if draft else []):
            proposed[depth] += entry["proposed"]
            accepted[depth] += entry["accepted"]
    return [accepted[depth] / proposed[depth] for depth in sorted(proposed)]


def report(groups, results):
    """Prints the table; returns the shortfalls."""
    short, drafts = [], []
    print(f"{'class':12} {'passed':>10}  draft acceptance by depth")
    for name, examples in groups.items():
        part, results = results[: len(examples)], results[len(examples) :]
        drafts += [draft for _, draft in part]
        good = [passed(name, example, text) for example, (text, _) in zip(examples, part)]
        share = sum(good) / len(good)
        cells = "  ".join(f"{s:.3f}" for s in depth_shares([draft for _, draft in part]))
        print(f"{name:12} {sum(good):4}/{len(good):<4} {share:.2f}  {cells}")
        if share < TARGETS.get(name, DEFAULT_TARGET):
            short.append(name)
    shares = depth_shares(drafts)
    if shares:
        print(f"{'all':12} {'':15}  {'  '.join(f'{s:.3f}' for s in shares)}")
        if shares[0] < ACCEPTANCE_TARGET:
            short.append("acceptance at depth 1")
    return short


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--troika", type=Path, help="the engine's program; without it PyTorch answers"
    )
    parser.add_argument("--model", type=Path, default=Path("models/troika-demo.gguf"))
    parser.add_argument("--folder", type=Path, default=Path("build/demo_model"))
    parser.add_argument("--per-class", type=int, default=20)
    parser.add_argument(
        "--engine-flags", default="", help='more flags for `troika run`, such as "--spec-type mtp"'
    )
    options = parser.parse_args()
    groups = {name: held_out_examples(name, options.per_class) for name in CLASSES}
    examples = [example for group in groups.values() for example in group]
    results = (engine_answers if options.troika else torch_answers)(options, examples)
    short = report(groups, results)
    if short:
        print("below target: " + ", ".join(short))
        sys.exit(1)


if __name__ == "__main__":
    main()
