"""Peers that need other versions of libraries than ours, each in an environment of its own."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Unavailable(Exception):
    """There is no such environment; the message says why none could be made."""


def environment(name: str, needed: tuple[str, ...]) -> Path:
    """The Python of an environment under `.venv`, made at the first call."""
    home = ROOT / ".venv" / name
    python, is_ready = home / "bin" / "python", home / ".installed"
    if not is_ready.exists():
        try:
            venv.create(home, with_pip=True, clear=True)
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *needed]
            # An older pip stumbles over what newer packages say of themselves.
            for command in ([*install[: -len(needed)], "--upgrade", "pip"], install):
                subprocess.run(command, check=True, capture_output=True, text=True)
        except (subprocess.CalledProcessError, OSError) as error:
            said = getattr(error, "stderr", None) or str(error)
            raise Unavailable(f"{home} could not be made: {said.strip()[-500:]}") from error
        is_ready.touch()
    return python
