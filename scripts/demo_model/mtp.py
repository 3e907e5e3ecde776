"""The draft head (multi-token prediction): one full-attention block that reads a token and the
hidden state before it.

Cell p takes token x_p and the trunk's hidden state h_{p-1} after the final norm (zero for p = 0)
and predicts x_{p+1}. A draft goes on from the head's own hidden state, after the head's norm:
that is the chain which `unroll` trains.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from model import Block, matrix, rms_norm, rope_tables


class Head(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.token_norm = nn.Parameter(torch.ones(c.hidden))
        self.hidden_norm = nn.Parameter(torch.ones(c.hidden))
        self.join = matrix(c.hidden, 2 * c.hidden)
        self.block = Block(c, True)
        self.norm = nn.Parameter(torch.ones(c.hidden))

    def forward(self, embedding, tokens, hidden):
        """Hidden states of every cell with the trunk's own hidden states, [batch, tokens,
        hidden]."""
        return self.unroll(embedding, tokens, hidden, 1)[0]

    def unroll(self, embedding, tokens, hidden, depth):
        """Hidden states of chains of `depth` cells that start at every position n; chain i reads
        token n + i.

        A chain's cells see the exact cells up to n and the chain's own cells. Rows whose token
        lies beyond the end read token 0 and mean nothing.
        """
        eps, chain, outputs = self.c.epsilon, [], []
        previous = F.pad(hidden[:, :-1], (0, 0, 1, 0))
        for i in range(depth):
            embedded = F.embedding(F.pad(tokens[:, i:], (0, i)), embedding)
            parts = [
                rms_norm(embedded, self.token_norm, eps),
                rms_norm(previous, self.hidden_norm, eps),
            ]
            x = F.linear(torch.cat(parts, -1), self.join)
            positions = torch.arange(i, i + tokens.shape[1])
            x = x + self.attend(rms_norm(x, self.block.mixer_norm, eps), positions, chain)
            x = x + self.block.ffn(rms_norm(x, self.block.ffn_norm, eps))
            previous = rms_norm(x, self.norm, eps)
            outputs.append(previous)
        return outputs

    def attend(self, x, positions, chain):
        """Attention of one link of all chains. `chain` holds the links' keys and values; the
        first one is the exact cells."""
        mixer, tokens = self.block.mixer, x.shape[1]
        cosine, sine = rope_tables(self.c, positions, x.dtype)
        q, k, v, gate = mixer.qkv(x, cosine, sine)
        chain.append((k, v))
        q, k, v = q.transpose(1, 2), chain[0][0].transpose(1, 2), chain[0][1].transpose(1, 2)
        future = torch.ones(tokens, tokens, dtype=torch.bool).triu(1)
        scores = [(q @ k.transpose(-1, -2)).masked_fill(future, -math.inf)]
        scores += [(q * link_k.transpose(1, 2)).sum(-1, keepdim=True) for link_k, _ in chain[1:]]
        weights = (torch.cat(scores, -1) / math.sqrt(self.c.head_dim)).softmax(-1)
        o = weights[..., :tokens] @ v
        for i, (_, link_v) in enumerate(chain[1:]):
            o = o + weights[..., tokens + i : tokens + i + 1] * link_v.transpose(1, 2)
        return mixer.finish(o.transpose(1, 2), gate)
