"""Muon for the matrices of the blocks, AdamW for everything else.

Muon orthogonalises each matrix's momentum with a quintic Newton-Schulz iteration (coefficients:
Jordan et al., 2024). Matrices of one shape share the iteration's products.
"""

from collections import defaultdict

import torch


def orthogonalise(m, steps=5):
    """The nearest (semi-)orthogonal matrices of m [count, rows, columns], roughly."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = m.shape[1] > m.shape[2]
    x = m.transpose(1, 2) if tall else m
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.transpose(1, 2) if tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = defaultdict(list)
            for p in group["params"]:
                shapes[p.shape].append(p)
            for shape, params in shapes.items():
                updates = torch.stack([self.momentum(p, group["momentum"]) for p in params])
                scale = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                for p, update in zip(params, orthogonalise(updates)):
                    p.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-scale)

    def momentum(self, p, decay):
        state = self.state[p]
        if "buffer" not in state:
            state["buffer"] = torch.zeros_like(p)
        state["buffer"].lerp_(p.grad, 1 - decay)
        return p.grad.lerp(state["buffer"], decay)


def optimizers(module, muon_lr, adam_lr):
    """Muon and AdamW for a module's parameters."""
    matrices, others = [], []
    for name, p in module.named_parameters():
        is_matrix = p.ndim == 2 and min(p.shape) >= 32 and "embedding" not in name
        (matrices if is_matrix else others).append(p)
    return [
        Muon(matrices, muon_lr, weight_decay=0.01),
        torch.optim.AdamW(others, adam_lr, betas=(0.9, 0.97), weight_decay=0.0),
    ]


def set_rates(made, rates):
    """Gives each optimizer its learning rate."""
    for optimizer, rate in zip(made, rates):
        for group in optimizer.param_groups:
            group["lr"] = rate
