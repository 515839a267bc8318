"""RecTools in an environment of its own, for it needs a NumPy before 2: arrays go in and come out by files."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.next_item import Histories
from benchmarks.peer_environment import environment

NEEDED = ("rectools[torch]>=0.19", "pyarrow<19")  # newer ones are built for NumPy 2
SCRIPT = Path(__file__).parent / "next_item_sasrec.py"


def sasrec(known: Histories, minutes: float, python: Path | None = None) -> dict[str, npt.NDArray[np.generic]]:
    """What `next_item_sasrec.py` gives back, from histories without their test products."""
    python = python or environment("rectools", NEEDED)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "known.npz", Path(folder) / "found.npz"
        np.savez(source, offsets=known.offsets, items=known.items)
        # -P: else the script's folder comes first, and with it whatever is named there like a package of theirs
        command = [str(python), "-P", str(SCRIPT), str(source), str(target), "--minutes", str(minutes)]
        subprocess.run(command, check=True, stdout=sys.stderr)
        return dict(np.load(target))
