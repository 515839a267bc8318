"""RecTools in an environment of its own, for it needs a NumPy before 2: arrays go in and come out by files."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.next_item import Histories

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".venv" / "rectools"
NEEDED = ("rectools[torch]>=0.19", "pyarrow<19")  # newer ones are built for NumPy 2
SCRIPT = Path(__file__).parent / "next_item_sasrec.py"


class Unavailable(Exception):
    """There is no environment with RecTools; the message says why none could be made."""


def sasrec(known: Histories, minutes: float, python: Path | None = None) -> dict[str, npt.NDArray[np.generic]]:
    """What `next_item_sasrec.py` gives back, from histories without their test products."""
    python = python or environment()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "known.npz", Path(folder) / "found.npz"
        np.savez(source, offsets=known.offsets, items=known.items)
        # -P: else the script's folder comes first, and with it whatever is named there like a package of theirs
        command = [str(python), "-P", str(SCRIPT), str(source), str(target), "--minutes", str(minutes)]
        subprocess.run(command, check=True, stdout=sys.stderr)
        return dict(np.load(target))


def environment() -> Path:
    """The Python of the environment, made at the first call."""
    python, is_ready = HOME / "bin" / "python", HOME / ".installed"
    if not is_ready.exists():
        try:
            venv.create(HOME, with_pip=True, clear=True)
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *NEEDED]
            # An older pip stumbles over what newer packages say of themselves.
            for command in ([*install[: -len(NEEDED)], "--upgrade", "pip"], install):
                subprocess.run(command, check=True, capture_output=True, text=True)
        except (subprocess.CalledProcessError, OSError) as error:
            said = getattr(error, "stderr", None) or str(error)
            raise Unavailable(f"{HOME} could not be made: {said.strip()[-500:]}") from error
        is_ready.touch()
    return python
