"""Trains the draft head on the frozen trunk's own answers: train_mtp.py [--steps N]; run it again
to go on.

First leg: answers to fresh training questions are generated, most greedy and some sampled, and
kept in the folder. Then chains of three cells, each reading the cell before it, learn the
trunk's distribution of the next token (cross entropy with the trunk's probabilities as target).
"""

import argparse
import os
import random
import time
from pathlib import Path

import torch

from data import conversation
from decode import generate
from dialogue import prompt
from export import load_trunk
from mtp import Head
from mtp_report import acceptance_report, print_report
from optimizer import optimizers, set_rate
from train import rate

DEPTH = 3
LINK_WEIGHTS = (1.0, 0.8, 0.6)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/demo_model"))
    parser.add_argument("--texts", type=int, default=12000)
    parser.add_argument(
        "--sampled", type=float, default=0.3, help="share of the texts sampled at temperature 1"
    )
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--decay", type=float, default=0.5)
    parser.add_argument("--rows", type=int, default=12)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--muon-lr", type=float, default=0.02)
    parser.add_argument("--adam-lr", type=float, default=0.002)
    parser.add_argument("--save-seconds", type=int, default=180)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def own_texts(trunk, tokenizer, count, sampled, seed, group=256):
    """[(prompt ids, answer ids)] of training questions, answered by the trunk; similar lengths
    share a batch."""
    rng, generator = random.Random(f"mtp/{seed}"), torch.Generator().manual_seed(seed)
    prompts = []
    while len(prompts) < count:
        history = ""
        for example in conversation(rng)[:2]:
            prompts.append(tokenizer.encode(history + prompt(example)))
            history += prompt(example) + example.answer + "<|im_end|>\n"
    prompts = sorted(prompts[:count], key=len)
    texts = []
    for first in range(0, count, group):
        part = prompts[first : first + group]
        cut = round(len(part) * sampled)
        rng.shuffle(part)
        for some, temperature in ((part[:cut], 1.0), (part[cut:], 0.0)):
            if some:
                texts += zip(
                    some, generate(trunk, some, tokenizer.turn_end, 200, temperature, generator)
                )
    return texts


def batch(texts, tokenizer, seed, step, rows, length):
    """Packed texts [rows, length + 1] and which tokens belong to answers."""
    rng = random.Random(f"mtp/{seed}/{step}")
    all_ids, all_answers = [], []
    for _ in range(rows):
        ids, answer = [], []
        while len(ids) <= length:
            head, body = rng.choice(texts)
            ids += head + body + tokenizer.encode("\n") + [tokenizer.end_of_text]
            answer += [False] * len(head) + [True] * len(body) + [False, False]
        all_ids.append(ids[: length + 1])
        all_answers.append(answer[: length + 1])
    return torch.tensor(all_ids), torch.tensor(all_answers)


def chain_loss(head, trunk, ids, answer):
    """Weighted cross entropy of the chains' links with the trunk's distributions, where the
    predicted token is an answer's."""
    with torch.no_grad():
        hidden = trunk(ids[:, :-1])
    outputs = head.unroll(trunk.embedding.detach(), ids[:, :-1], hidden, DEPTH)
    total = 0.0
    for i, (output, weight) in enumerate(zip(outputs, LINK_WEIGHTS)):
        starts = output.shape[1] - i
        wanted = answer[:, 1 + i :]
        with torch.no_grad():
            target = trunk.logits(hidden[:, i:][wanted]).softmax(-1)
        guess = trunk.logits(output[:, :starts][wanted]).log_softmax(-1)
        total = total - weight * (target * guess).sum(-1).mean()
    return total / sum(LINK_WEIGHTS)


def save(path, head, made, step):
    partial = path.with_suffix(".partial")
    torch.save(
        {"head": head.state_dict(), "optimizers": [o.state_dict() for o in made], "step": step},
        partial,
    )
    os.replace(partial, path)


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    trunk, tokenizer = load_trunk(options.folder)
    texts_path, checkpoint = options.folder / "mtp_texts.pt", options.folder / "head.pt"
    if not texts_path.exists():
        torch.save(
            own_texts(trunk, tokenizer, options.texts, options.sampled, options.seed), texts_path
        )
    texts = torch.load(texts_path)
    print(f"{len(texts)} texts, {sum(len(body) for _, body in texts)} answer tokens", flush=True)
    for parameter in trunk.parameters():
        parameter.requires_grad_(False)
    head = Head(trunk.c)
    head.norm.data.copy_(trunk.norm)
    made, first = optimizers(head, options.muon_lr, options.adam_lr), 0
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        head.load_state_dict(saved["head"])
        for optimizer, state in zip(made, saved["optimizers"]):
            optimizer.load_state_dict(state)
        first = saved["step"]
    forward, mean_loss, saved_at = (
        torch.compile(trunk) if options.compile else trunk,
        None,
        time.time(),
    )
    for step in range(first, options.steps):
        set_rate(made, rate(step, options.steps, options.decay))
        loss = chain_loss(
            head,
            forward,
            *batch(texts, tokenizer, options.seed, step, options.rows, options.tokens),
        )
        loss.backward()
        for optimizer in made:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        mean_loss = loss.item() if mean_loss is None else 0.95 * mean_loss + 0.05 * loss.item()
        if (step + 1) % 50 == 0:
            print(f"step {step + 1} loss {mean_loss:.4f}", flush=True)
        if time.time() - saved_at > options.save_seconds or step + 1 == options.steps:
            save(checkpoint, head, made, step + 1)
            saved_at = time.time()
        if (step + 1) % 500 == 0:
            print_report(acceptance_report(trunk, head, tokenizer, 16))


if __name__ == "__main__":
    main()
