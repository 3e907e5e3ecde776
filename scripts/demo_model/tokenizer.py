"""Byte-level BPE with the qwen35 pre-tokenizer: training, encoding and decoding. Needs the package
`regex`.

Ids: 256 byte tokens, then merges in the order they were learnt, then the special tokens. Text
form of bytes as in GPT-2.
"""

import json
from collections import Counter, defaultdict

import regex

PATTERN = regex.compile(
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
    r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"
    r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
USER_DEFINED = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]
SPECIALS = CONTROL + USER_DEFINED
SPECIAL_SPLIT = regex.compile("(" + "|".join(regex.escape(s) for s in SPECIALS) + ")")


def byte_alphabet():
    """The printable character of each byte, GPT-2's table."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, spare = {b: chr(b) for b in printable}, 256
    for b in range(256):
        if b not in table:
            table[b] = chr(spare)
            spare += 1
    return table


BYTES = byte_alphabet()
BYTE_OF = {c: b for b, c in BYTES.items()}


def train(texts, vocab):
    """Learns merges over the pieces of `texts` until the vocabulary has `vocab` entries,
    specials included."""
    counts = Counter(
        piece
        for text in texts
        for part in SPECIAL_SPLIT.split(text)
        if part not in SPECIALS
        for piece in PATTERN.findall(part)
    )
    words = [[BYTES[b] for b in piece.encode()] for piece in counts]
    weights = list(counts.values())
    pairs, where = Counter(), defaultdict(set)
    for i, word in enumerate(words):
        for pair in zip(word, word[1:]):
            pairs[pair] += weights[i]
            where[pair].add(i)
    merges = []
    while len(merges) < vocab - 256 - len(SPECIALS):
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        if pairs[best] < 2:
            raise ValueError(f"only {len(merges)} merges in the training texts")
        merges.append(best)
        for i in list(where[best]):
            for pair in zip(words[i], words[i][1:]):
                pairs[pair] -= weights[i]
                where[pair].discard(i)
            words[i] = merge(words[i], best)
            for pair in zip(words[i], words[i][1:]):
                pairs[pair] += weights[i]
                where[pair].add(i)
        del pairs[best]
    return merges


def merge(word, pair):
    out, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and (word[i], word[i + 1]) == pair:
            out.append(word[i] + word[i + 1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return out


class Tokenizer:
    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        self.tokens = [BYTES[b] for b in range(256)] + [a + b for a, b in self.merges] + SPECIALS
        self.ids = {t: i for i, t in enumerate(self.tokens)}
        self.rank = {m: i for i, m in enumerate(self.merges)}
        self.cache = {}
        self.end_of_text, self.turn_start, self.turn_end = (self.ids[t] for t in CONTROL)

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as file:
            return cls(json.load(file)["merges"])

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"merges": self.merges}, file, ensure_ascii=False)

    def piece(self, text):
        if text not in self.cache:
            word = [BYTES[b] for b in text.encode()]
            while len(word) > 1:
                best = min(
                    zip(word, word[1:]), key=lambda pair: self.rank.get(pair, len(self.rank))
                )
                if best not in self.rank:
                    break
                word = merge(word, best)
            self.cache[text] = [self.ids[part] for part in word]
        return self.cache[text]

    def encode(self, text):
        """Ids of `text`; the texts of special tokens become these tokens."""
        ids = []
        for part in SPECIAL_SPLIT.split(text):
            if part in SPECIALS:
                ids.append(self.ids[part])
            else:
                for piece in PATTERN.findall(part):
                    ids.extend(self.piece(piece))
        return ids

    def decode(self, ids):
        """Text of `ids`; specials appear by their names, invalid UTF-8 as U+FFFD."""
        out = bytearray()
        for i in ids:
            token = self.tokens[i]
            out += token.encode() if token in SPECIALS else bytes(BYTE_OF[c] for c in token)
        return out.decode("utf-8", "replace")
