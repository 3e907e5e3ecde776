"""Data-parallel training on the cores of one machine: single-threaded processes, one sum a step.

Threads inside one process wait for each other at every matrix product, which costs half the speed
when the cores have other work to do; processes meet once a step.
"""

import os
import signal
import sys

import torch
import torch.distributed as dist
import torch.multiprocessing as mp


def run(workers, function, options):
    """Calls function(rank, options) in `workers` processes, or here if there is only one."""
    if workers == 1:
        function(0, options)
        return
    meeting = options.folder.resolve() / "workers"
    meeting.unlink(missing_ok=True)
    # A terminated parent ends its workers, too: daemons are stopped when Python exits in order.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    arguments = (workers, f"file://{meeting}", function, options)
    mp.spawn(join, arguments, nprocs=workers, daemon=True)


def join(rank, workers, meeting, function, options):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=workers)
    function(rank, options)
    dist.destroy_process_group()


def share(rows, rank, workers):
    """The rows of a batch that worker `rank` computes."""
    return slice(rows * rank // workers, rows * (rank + 1) // workers)


def gather(value, workers):
    """The lists of all workers, joined in the order of their ranks."""
    if workers == 1:
        return value
    parts = [None] * workers
    dist.all_gather_object(parts, value)
    return [item for part in parts for item in part]


def sum_gradients(parameters, numbers, workers):
    """Adds up the workers' gradients and numbers [n]; returns the numbers."""
    if workers == 1:
        return numbers.tolist()
    grads = [p.grad for p in parameters]
    flat = torch.cat([g.flatten() for g in grads] + [numbers])
    dist.all_reduce(flat)
    *parts, numbers = flat.split([g.numel() for g in grads] + [len(numbers)])
    for grad, part in zip(grads, parts):
        grad.copy_(part.view_as(grad))
    return numbers.tolist()


def replace(path, value):
    """Saves so that an interruption leaves the earlier file or the new one, never a part."""
    partial = path.with_suffix(".partial")
    torch.save(value, partial)
    os.replace(partial, path)
