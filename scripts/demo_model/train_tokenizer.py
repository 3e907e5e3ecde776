"""Learns the demo model's tokenizer: train_tokenizer.py [--out build/demo_model/tokenizer.json]."""

import argparse
from pathlib import Path

from data import tokenizer_texts
from model import Config
from tokenizer import Tokenizer, train


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/demo_model/tokenizer.json"))
    parser.add_argument("--texts", type=int, default=30000)
    options = parser.parse_args()
    texts = tokenizer_texts(options.texts)
    tokenizer = Tokenizer(train(texts, Config.vocab))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(options.out)
    tokens = sum(len(tokenizer.encode(text)) for text in texts)
    print(
        f"{len(tokenizer.tokens)} tokens, {sum(map(len, texts)) / tokens:.2f} characters a token, "
        f"{tokens / len(texts):.0f} tokens a conversation"
    )


if __name__ == "__main__":
    main()
