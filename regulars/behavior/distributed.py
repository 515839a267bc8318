"""Several processes that train one model, started by torch's own launcher.

    torchrun --nproc-per-node 4 -m regulars learn behavior --size base

Each process takes its share of the rows of every step, gradients are averaged, and the first one writes.
"""

from __future__ import annotations

import atexit
import os

import torch
import torch.distributed as dist
from torch import nn


def begin() -> torch.device:
    """Join the others, if the launcher started this process; the device that it works on."""
    has_gpu = torch.cuda.is_available()
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if dist.is_available() and dist.is_torchelastic_launched() and not dist.is_initialized():
        dist.init_process_group("nccl" if has_gpu else "gloo")
        # Left to the interpreter's end, its threads outlive what joins them: now and then a process aborts.
        atexit.register(dist.destroy_process_group)
    if has_gpu:
        torch.cuda.set_device(local)
        return torch.device("cuda", local)
    return torch.device("cpu")


def count() -> int:
    """How many processes train."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is, from 0."""
    return dist.get_rank() if count() > 1 else 0


def is_first() -> bool:
    """Whether this is the one that writes and reports."""
    return rank() == 0


def average(value: torch.Tensor) -> torch.Tensor:
    """The mean of what each process has, the same for all: what one of them ends for, all end for."""
    if count() > 1:
        dist.all_reduce(value)
        value = value / count()
    return value


def average_gradients(network: nn.Module) -> None:
    """Give all processes the mean of their gradients; a parameter without one counts as zero."""
    if count() == 1:
        return
    sparse = {part.weight for part in network.modules() if isinstance(part, nn.Embedding) and part.sparse}
    for parameter in network.parameters():
        if not parameter.numel():
            continue
        # Rows of sparse ones differ from process to process: they travel dense.
        grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.to_dense()
        grad = average(grad)
        parameter.grad = grad.to_sparse(1) if parameter in sparse else grad


def share_weights(network: nn.Module) -> None:
    """Begin with the weights of the first process."""
    if count() > 1:
        for parameter in network.parameters():
            if parameter.numel():
                dist.broadcast(parameter.data, 0)
