"""Several processes that train one model, by torch's own launcher."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from regulars.behavior import distributed
from tests.behavior import learns_cycle

ROOT = Path(__file__).parents[2]


def by_two(folder: Path, *words: str) -> list[list[object]]:
    """What each of two processes says it learned."""
    here = {"GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"),
        *("--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", "--local-addr", "127.0.0.1"),
        *(learns_cycle.__file__, str(folder), "64", *words),
    ]
    done = subprocess.run(command, env=os.environ | here, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"{rank}-of-2.json").read_text()) for rank in range(2)]


def test_two_processes_learn_one_model_as_well_as_one_process(tmp_path: Path) -> None:
    first, second = by_two(tmp_path)
    assert first == second
    # One process, whose steps take the rows of both.
    alone, _, _ = learns_cycle.learned(128)
    assert alone[-1] < alone[0]
    assert np.allclose(first[0], alone, rtol=0.05), (first, alone)


def test_where_the_loss_of_one_process_is_no_number_both_keep_the_last_good_weights(tmp_path: Path) -> None:
    first, second = by_two(tmp_path, "broken")
    assert first == second
    losses, _, stopped = first
    assert len(losses) == 1
    assert stopped == "The loss was no number in epoch 2, batch 1 of 14: the weights of epoch 1 are kept."


def test_a_sparse_gradient_that_one_process_lacks_stays_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "count", lambda: 2)
    monkeypatch.setattr(distributed.dist, "all_reduce", lambda value: value)
    rows = torch.nn.Embedding(4, 2, sparse=True)
    distributed.average_gradients(rows)
    assert rows.weight.grad is not None
    assert rows.weight.grad.is_sparse
    rows(torch.tensor([1])).sum().backward()
    distributed.average_gradients(rows)
    assert rows.weight.grad.to_dense().tolist() == [[0, 0], [0.5, 0.5], [0, 0], [0, 0]]
