"""Trains the trunk: train.py [--steps N] [--rows R] [--tokens T] [--compile]; run it again to go on
from the checkpoint.

Constant learning rate, then linear decay to zero over the last part of the steps. The data
follow from the seed and the step alone, and so does the whole run, unless a last leg is ended by
the clock (`--finish-minutes`). Every `--check` steps held-out examples are decoded.
"""

import argparse
import time
from pathlib import Path

import torch
from torch.nn import functional as F

import team
from data import CLASSES, MODULES, batch, held_out_examples
from decode import generate
from dialogue import prompt
from model import Config, Trunk
from optimizer import optimizers, set_rates
from tokenizer import Tokenizer


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/demo_model"))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument(
        "--decay",
        type=float,
        default=0.4,
        help="share of the steps in which the rate falls to zero",
    )
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--muon-lr", type=float, default=0.02)
    parser.add_argument("--adam-lr", type=float, default=0.004)
    parser.add_argument(
        "--check", type=int, default=400, help="steps between checks on held-out examples"
    )
    parser.add_argument("--save-seconds", type=int, default=180)
    parser.add_argument(
        "--compile",
        action="store_true",
        help="torch.compile, PyTorch 2 only: about 1.6 times the speed",
    )
    parser.add_argument(
        "--finish-minutes",
        type=float,
        help="last leg by the clock: the rate falls to zero in this time, then the leg ends",
    )
    parser.add_argument("--workers", type=int, default=2, help="processes, one a core")
    return parser.parse_args()


def rate(options, step, minutes, warmup=60):
    """Share of the peak learning rate at a step, `minutes` after the leg's start."""
    by_step = min(
        (step + 1) / warmup, 1.0, (options.steps - step) / (options.decay * options.steps)
    )
    if options.finish_minutes is None:
        return by_step
    return max(min(by_step, 1.0 - minutes / options.finish_minutes), 0.0)


def held_out_report(trunk, tokenizer, per_class):
    """Pass rate of greedy answers by class."""
    examples = {name: held_out_examples(name, per_class) for name in CLASSES}
    flat = [example for group in examples.values() for example in group]
    answers = iter(
        generate(trunk, [tokenizer.encode(prompt(e)) for e in flat], tokenizer.turn_end, 300)
    )
    report = {}
    for name, group in examples.items():
        texts = [tokenizer.decode(next(answers)) for _ in group]
        good = [
            t.endswith("<|im_end|>") and MODULES[name].check(e, t[: -len("<|im_end|>")])
            for e, t in zip(group, texts)
        ]
        report[name] = sum(good) / len(good)
    return report


def train(rank, options):
    torch.manual_seed(options.seed)
    tokenizer = Tokenizer.load(options.folder / "tokenizer.json")
    trunk = Trunk(Config())
    made = optimizers(trunk, options.muon_lr, options.adam_lr)
    checkpoint, first = options.folder / "trunk.pt", 0
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        trunk.load_state_dict(saved["trunk"])
        for optimizer, state in zip(made, saved["optimizers"]):
            optimizer.load_state_dict(state)
        first = saved["step"]
    forward = torch.compile(trunk) if options.compile else trunk
    own = team.share(options.rows, rank, options.workers)
    started = saved_at = time.time()
    mean_loss = None
    minutes = 0.0
    for step in range(first, options.steps):
        factor = rate(options, step, minutes)
        set_rates(made, (factor * options.muon_lr, factor * options.adam_lr))
        x, y, trained = batch(tokenizer, options.seed, step, options.rows, options.tokens)
        share = trained[own].sum() / trained.sum()
        x, y, trained = x[own], y[own], trained[own]
        loss = F.cross_entropy(trunk.logits(forward(x)[trained]), y[trained]) * share
        loss.backward()
        minutes = (time.time() - started) / 60 if rank == 0 else 0.0
        numbers = torch.tensor([loss.item(), minutes])
        loss, minutes = team.sum_gradients(list(trunk.parameters()), numbers, options.workers)
        torch.nn.utils.clip_grad_norm_(trunk.parameters(), 1.0)
        for optimizer in made:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        last = step + 1 == options.steps or rate(options, step, minutes) == 0
        mean_loss = loss if mean_loss is None else 0.95 * mean_loss + 0.05 * loss
        if rank == 0 and (step + 1) % 20 == 0:
            speed = (step + 1 - first) * options.rows * options.tokens / (time.time() - started)
            print(f"step {step + 1} loss {mean_loss:.4f} {speed:.0f} tokens/s", flush=True)
        if rank == 0 and (last or time.time() - saved_at > options.save_seconds):
            states = [optimizer.state_dict() for optimizer in made]
            value = {"trunk": trunk.state_dict(), "optimizers": states, "step": step + 1}
            team.replace(checkpoint, value)
            saved_at = time.time()
        if rank == 0 and (last or (step + 1) % options.check == 0):
            report = held_out_report(trunk, tokenizer, 16)
            cells = (f"{name} {share:.2f}" for name, share in report.items())
            print("held-out " + " ".join(cells), flush=True)
        if last:
            break


def main():
    options = arguments()
    team.run(options.workers, train, options)


if __name__ == "__main__":
    main()
