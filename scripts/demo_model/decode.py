"""Batched decoding with the recurrent form: one token of every sequence a step, greedy or sampled.

All sequences start at position 0 with their first prompt token; a sequence reads its prompt
while it has one and then its own output, so prompts of different lengths share the steps.
"""

import math

import torch
from torch.nn import functional as F

from model import rms_norm, rope_tables


class State:
    """Key/value rows of the attention layers, convolution inputs and delta states of the others."""

    def __init__(self, c, batch, tokens, blocks):
        self.layers = []
        for block in blocks:
            if block.full:
                self.layers.append(
                    [torch.zeros(batch, tokens, c.kv_heads, c.head_dim) for _ in range(2)]
                )
            else:
                self.layers.append(
                    [
                        torch.zeros(batch, c.conv, c.conv_dim),
                        torch.zeros(batch, c.value_heads, c.state, c.state),
                    ]
                )

    def keep(self, rows):
        self.layers = [[part[rows] for part in layer] for layer in self.layers]


def delta_step(mixer, x, layer):
    """x [batch, hidden]; layer = [last conv inputs, oldest first; delta state]."""
    mixed, z, beta, alpha = (
        F.linear(x, w) for w in (mixer.qkv, mixer.gate, mixer.beta, mixer.alpha)
    )
    layer[0] = torch.cat([layer[0][:, 1:], mixed[:, None]], 1)
    q, k, v = mixer.heads((layer[0] * mixer.conv.t()).sum(1))
    state = layer[1] * mixer.decay(alpha).exp()[..., None, None]
    d = torch.sigmoid(beta)[..., None] * (v - (k[..., None, :] @ state)[..., 0, :])
    layer[1] = state + k[..., :, None] * d[..., None, :]
    return mixer.finish((q[..., None, :] @ layer[1])[..., 0, :], z)


def attention_step(mixer, x, layer, position):
    cosine, sine = rope_tables(mixer.c, torch.tensor([position]))
    q, k, v, gate = mixer.qkv(x, cosine[0], sine[0])
    layer[0][:, position], layer[1][:, position] = k, v
    keys, values = (part[:, : position + 1, 0] for part in layer)
    scores = q @ keys.transpose(1, 2) / math.sqrt(mixer.c.head_dim)
    return mixer.finish(scores.softmax(-1) @ values, gate)


def step(trunk, tokens, state, position):
    """Hidden states [batch, hidden] after one token of every sequence."""
    x = F.embedding(tokens, trunk.embedding)
    for block, layer in zip(trunk.blocks, state.layers):
        a = rms_norm(x, block.mixer_norm, trunk.c.epsilon)
        x = x + (
            attention_step(block.mixer, a, layer, position)
            if block.full
            else delta_step(block.mixer, a, layer)
        )
        x = x + block.ffn(rms_norm(x, block.ffn_norm, trunk.c.epsilon))
    return rms_norm(x, trunk.norm, trunk.c.epsilon)


@torch.no_grad()
def generate(trunk, prompts, stop, most, temperature=0.0, generator=None):
    """Continues each prompt (list of ids) up to `stop` or `most` tokens; returns the new ids,
    `stop` included."""
    longest = max(map(len, prompts)) + most
    state = State(trunk.c, len(prompts), longest, trunk.blocks)
    rows, made = list(range(len(prompts))), [[] for _ in prompts]
    tokens = torch.tensor([p[0] for p in prompts])
    for position in range(longest):
        logits = trunk.logits(step(trunk, tokens, state, position))
        if temperature > 0:
            chosen = torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator)[
                :, 0
            ]
        else:
            chosen = logits.argmax(-1)
        alive, following = [], []
        for i, (row, token) in enumerate(zip(rows, chosen.tolist())):
            if position + 1 < len(prompts[row]):
                token = prompts[row][position + 1]
            else:
                made[row].append(token)
                if token == stop or len(made[row]) == most:
                    continue
            alive.append(i)
            following.append(token)
        if not alive:
            break
        if len(alive) < len(rows):
            state.keep(alive)
            rows = [rows[i] for i in alive]
        tokens = torch.tensor(following)
    return made
