"""The demo model in PyTorch: architecture qwen35, gated delta net layers with every fourth layer
full attention.

The module keeps the conventions of the GGUF file, so that the export only renames: norm weights
are the final multiplier (no "1 + w"), value heads are in tiled order (value head h reads key
head h mod key_heads), the query projection holds query and gate interleaved per head. Only
`a_log` is stored differently (the file has -exp(a_log)). Training uses the chunked form of the
delta rule, decoding the recurrent form (decode.py). Runs with PyTorch 1.13 and newer.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Config:
    vocab: int = 2048
    hidden: int = 128
    layers: int = 8
    attention_interval: int = 4
    ffn: int = 256
    heads: int = 2
    kv_heads: int = 1
    head_dim: int = 64
    rotary: int = 16
    rope_sections: tuple = (3, 3, 2, 0)
    rope_base: float = 1e5
    state: int = 32
    key_heads: int = 2
    value_heads: int = 4
    conv: int = 4
    epsilon: float = 1e-6
    context: int = 2048
    chunk: int = 32

    @property
    def key_dim(self):
        return self.state * self.key_heads

    @property
    def value_dim(self):
        return self.state * self.value_heads

    @property
    def conv_dim(self):
        return 2 * self.key_dim + self.value_dim


def matrix(rows, columns, scale=1.0):
    """A weight [rows, columns] for y = x W^T, normal with variance scale^2 / columns."""
    return nn.Parameter(torch.randn(rows, columns) * (scale / math.sqrt(columns)))


def rms_norm(x, weight, epsilon):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + epsilon) * weight


def project(x, *weights):
    """One matrix product for several weights that read the same x; returns one result per
    weight."""
    return F.linear(x, torch.cat(weights)).split([w.shape[0] for w in weights], -1)


def rope_tables(config, positions, dtype=torch.float32):
    """Cosine and sine [tokens, 1, rotary / 2] of the given positions."""
    exponent = torch.arange(0, config.rotary, 2, dtype=torch.float64) / config.rotary
    angle = positions.double()[:, None] * config.rope_base**-exponent
    return angle.cos().to(dtype)[:, None], angle.sin().to(dtype)[:, None]


def rope(x, cosine, sine):
    """Rotates the first `rotary` elements of each head of x [..., tokens, heads, head_dim],
    pairs (i, i + rotary/2)."""
    half = cosine.shape[-1]
    a, b, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    return torch.cat([a * cosine - b * sine, a * sine + b * cosine, rest], -1)


def causal_attention(q, k, v):
    """q [batch, heads, tokens, dim], k and v [batch, 1, tokens, dim]: one key/value head for all
    query heads."""
    if hasattr(F, "scaled_dot_product_attention"):
        shape = q.shape
        return F.scaled_dot_product_attention(q, k.expand(shape), v.expand(shape), is_causal=True)
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    tokens = q.shape[2]
    future = torch.ones(tokens, tokens, dtype=torch.bool).triu(1)
    return scores.masked_fill(future, -math.inf).softmax(-1) @ v


class FeedForward(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gate, self.up = matrix(c.ffn, c.hidden), matrix(c.ffn, c.hidden)
        self.down = matrix(c.hidden, c.ffn, 0.3)

    def forward(self, x):
        gate, up = project(x, self.gate, self.up)
        return F.linear(F.silu(gate) * up, self.down)


class Attention(nn.Module):
    """Full attention with per-head q/k norm, partial rotary embedding and a sigmoid gate on the
    output."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        self.q = matrix(2 * c.head_dim * c.heads, c.hidden)
        self.k = matrix(c.head_dim * c.kv_heads, c.hidden)
        self.v = matrix(c.head_dim * c.kv_heads, c.hidden)
        self.output = matrix(c.hidden, c.head_dim * c.heads, 0.3)
        self.q_norm = nn.Parameter(torch.ones(c.head_dim))
        self.k_norm = nn.Parameter(torch.ones(c.head_dim))

    def qkv(self, x, cosine, sine):
        """q [.., heads, dim], k and v [.., 1, dim], gate [.., heads * dim]; q and k normalised
        and rotated."""
        c = self.c
        qg, k, v = project(x, self.q, self.k, self.v)
        q, gate = qg.unflatten(-1, (c.heads, 2 * c.head_dim)).split(c.head_dim, -1)
        q = rope(rms_norm(q, self.q_norm, c.epsilon), cosine, sine)
        k = rope(
            rms_norm(k.unflatten(-1, (c.kv_heads, c.head_dim)), self.k_norm, c.epsilon),
            cosine,
            sine,
        )
        return q, k, v.unflatten(-1, (c.kv_heads, c.head_dim)), gate.flatten(-2)

    def finish(self, o, gate):
        return F.linear(o.flatten(-2) * torch.sigmoid(gate), self.output)

    def forward(self, x, cosine, sine):
        q, k, v, gate = self.qkv(x, cosine, sine)
        o = causal_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
        return self.finish(o.transpose(1, 2), gate)


class DeltaNet(nn.Module):
    """Gated delta net: M <- e^g M;  d = beta (v - M^T k);  M <- M + k d^T;  o = M^T q."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        self.qkv = matrix(c.conv_dim, c.hidden)
        self.gate = matrix(c.value_dim, c.hidden)
        self.beta, self.alpha = matrix(c.value_heads, c.hidden), matrix(c.value_heads, c.hidden)
        self.conv = nn.Parameter(torch.randn(c.conv_dim, c.conv) / math.sqrt(c.conv))
        self.dt = nn.Parameter(torch.linspace(-5.0, -1.0, c.value_heads))
        self.a_log = nn.Parameter(torch.zeros(c.value_heads))
        self.norm = nn.Parameter(torch.ones(c.state))
        self.output = matrix(c.hidden, c.value_dim, 0.3)

    def heads(self, mixed):
        """Splits the convolved channels into q, k (L2-normalised, tiled to all value heads) and
        v, [.., heads, state]."""
        c = self.c
        q, k, v = F.silu(mixed).split([c.key_dim, c.key_dim, c.value_dim], -1)
        q = F.normalize(q.unflatten(-1, (c.key_heads, c.state)), dim=-1, eps=c.epsilon) / math.sqrt(
            c.state
        )
        k = F.normalize(k.unflatten(-1, (c.key_heads, c.state)), dim=-1, eps=c.epsilon)
        repeats = c.value_heads // c.key_heads
        return (
            torch.cat([q] * repeats, -2),
            torch.cat([k] * repeats, -2),
            v.unflatten(-1, (c.value_heads, c.state)),
        )

    def decay(self, alpha):
        return -torch.exp(self.a_log) * F.softplus(alpha + self.dt)

    def finish(self, o, z):
        o = rms_norm(o, self.norm, self.c.epsilon) * F.silu(
            z.unflatten(-1, (self.c.value_heads, self.c.state))
        )
        return F.linear(o.flatten(-2), self.output)

    def forward(self, x):
        c = self.c
        mixed, z, beta, alpha = project(x, self.qkv, self.gate, self.beta, self.alpha)
        padded, tokens = F.pad(mixed, (0, 0, c.conv - 1, 0)), x.shape[1]
        mixed = sum(padded[:, j : j + tokens] * self.conv[:, j] for j in range(c.conv))
        q, k, v = self.heads(mixed)
        o = chunked_delta_rule(q, k, v, torch.sigmoid(beta), self.decay(alpha), c.chunk)
        return self.finish(o, z)


def unit_lower_inverse(a):
    """(I + a)^-1 for strictly lower triangular a [.., n, n]: the product of (I + (-a)^(2^i)),
    because a^n = 0."""
    n = a.shape[-1]
    identity = torch.eye(n, dtype=a.dtype)
    power, result, reach = -a, identity - a, 2
    while reach < n:
        power = power @ power
        result = result + result @ power
        reach *= 2
    return result


def chunked_delta_rule(q, k, v, beta, g, chunk):
    """The delta rule for whole sequences from an empty state; all [batch, tokens, heads, ..],
    tokens % chunk == 0.

    Inside a chunk everything is matrix products; the state passes chunk borders as M' = P M + R,
    S x S matrices.
    """
    batch, tokens, heads, size = v.shape
    count = tokens // chunk
    by_chunk = (t.unflatten(1, (count, chunk)).movedim(3, 1) for t in (q, k, v, beta, g))
    q, k, v, beta, g = by_chunk  # [batch, heads, count, chunk, ..]
    total = g.cumsum(-1)
    lower = torch.ones(chunk, chunk, dtype=torch.bool).tril()
    decay = (total[..., :, None] - total[..., None, :]).masked_fill(~lower, -math.inf).exp()
    k_t = k.transpose(-1, -2)
    solve = unit_lower_inverse((beta[..., None] * (k @ k_t) * decay).tril(-1))
    grown = total.exp()[..., None]
    u, w = (solve @ torch.cat([beta[..., None] * v, beta[..., None] * grown * k], -1)).split(
        size, -1
    )
    last = total[..., -1:]
    k_end_t = (k * (last - total).exp()[..., None]).transpose(-1, -2)
    carry = last.exp()[..., None] * torch.eye(size, dtype=v.dtype) - k_end_t @ w
    added = k_end_t @ u
    state, states = torch.zeros_like(added[:, :, 0]), []
    for i in range(count):
        states.append(state)
        state = carry[:, :, i] @ state + added[:, :, i]
    before = torch.stack(states, 2)
    delta = u - w @ before
    o = (q * grown) @ before + ((q @ k_t) * decay) @ delta
    return o.movedim(1, 3).flatten(1, 2)


class Block(nn.Module):
    def __init__(self, c, full):
        super().__init__()
        self.c = c
        self.mixer_norm = nn.Parameter(torch.ones(c.hidden))
        self.mixer = Attention(c) if full else DeltaNet(c)
        self.ffn_norm = nn.Parameter(torch.ones(c.hidden))
        self.ffn = FeedForward(c)
        self.full = full

    def forward(self, x, cosine, sine):
        a = rms_norm(x, self.mixer_norm, self.c.epsilon)
        x = x + (self.mixer(a, cosine, sine) if self.full else self.mixer(a))
        return x + self.ffn(rms_norm(x, self.ffn_norm, self.c.epsilon))


class Trunk(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embedding = nn.Parameter(torch.randn(c.vocab, c.hidden) * 0.05)
        self.blocks = nn.ModuleList(
            Block(c, (i + 1) % c.attention_interval == 0) for i in range(c.layers)
        )
        self.norm = nn.Parameter(torch.ones(c.hidden))

    def forward(self, tokens):
        """Hidden states after the final norm, [batch, tokens, hidden]; tokens a multiple of the
        chunk."""
        cosine, sine = rope_tables(self.c, torch.arange(tokens.shape[1]), self.norm.dtype)
        x = F.embedding(tokens, self.embedding)
        for block in self.blocks:
            x = block(x, cosine, sine)
        return rms_norm(x, self.norm, self.c.epsilon)

    def logits(self, hidden):
        return F.linear(hidden, self.embedding)
