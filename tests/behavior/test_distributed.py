"""Several processes that train one model, by torch's own launcher."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.behavior import learns_cycle

ROOT = Path(__file__).parents[2]


def test_two_processes_learn_one_model_as_well_as_one_process(tmp_path: Path) -> None:
    here = {"GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    words = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"),
        *("--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", "--local-addr", "127.0.0.1"),
        *(learns_cycle.__file__, str(tmp_path), "64"),
    ]
    done = subprocess.run(words, env=os.environ | here, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    both = [json.loads((tmp_path / f"{rank}-of-2.json").read_text()) for rank in range(2)]
    (losses, weights), (others, same) = both
    assert weights == same
    # One process, whose steps take the rows of both.
    alone, _ = learns_cycle.learned(128)
    assert alone[-1] < alone[0]
    assert np.allclose(np.mean([losses, others], axis=0), alone, rtol=0.05), (losses, others, alone)
