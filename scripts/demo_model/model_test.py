"""Checks of the PyTorch model: the chunked form equals the recurrent one, decoding equals the
whole-sequence pass."""

import unittest

import torch

from decode import State, step
from model import Config, Trunk, chunked_delta_rule


class ModelTest(unittest.TestCase):
    def test_chunks_equal_the_recurrence(self):
        torch.manual_seed(0)
        q, k, v = (torch.randn(2, 96, 4, 8, dtype=torch.float64) for _ in range(3))
        k = torch.nn.functional.normalize(k, dim=-1)
        beta, g = torch.rand(2, 96, 4, dtype=torch.float64), -torch.rand(
            2, 96, 4, dtype=torch.float64
        )
        state, rows = torch.zeros(2, 4, 8, 8, dtype=torch.float64), []
        for t in range(96):
            state = state * g[:, t].exp()[..., None, None]
            d = beta[:, t, :, None] * (v[:, t] - torch.einsum("bhkv,bhk->bhv", state, k[:, t]))
            state = state + k[:, t, :, :, None] * d[..., None, :]
            rows.append(torch.einsum("bhkv,bhk->bhv", state, q[:, t]))
        chunked = chunked_delta_rule(q, k, v, beta, g, 32)
        self.assertLess((chunked - torch.stack(rows, 1)).abs().max().item(), 1e-10)

    @torch.no_grad()
    def test_decoding_equals_the_whole_pass(self):
        torch.manual_seed(0)
        c = Config()
        trunk = Trunk(c)
        tokens = torch.randint(0, c.vocab, (3, 128))
        state = State(c, 3, 128, trunk.blocks)
        rows = [step(trunk, tokens[:, t], state, t) for t in range(128)]
        self.assertLess((trunk(tokens) - torch.stack(rows, 1)).abs().max().item(), 1e-3)


if __name__ == "__main__":
    unittest.main()
