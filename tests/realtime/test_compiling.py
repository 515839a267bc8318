"""After a server's start nothing is left to be compiled while somebody waits."""

from __future__ import annotations

import subprocess
import sys

TRAFFIC = """
import gc
from numba.core.registry import CPUDispatcher
from regulars.realtime import Live
from regulars.realtime.compiling import compile_all
from tests.realtime.conftest import START, numbered, traffic

def compiled():
    return {each.py_func.__qualname__: len(each.signatures) for each in gc.get_objects() if isinstance(each, CPUDispatcher)}

compile_all()
before = compiled()
live = Live()
live.add(numbered(traffic(600), 1))
for customer in ("c1", "c2", "a stranger"):
    live.candidates(customer, 10, START)
assert len(before) > 5, before
assert compiled() == before, {name: (before.get(name), count) for name, count in compiled().items()}
"""


def test_traffic_after_the_start_compiles_nothing() -> None:
    """In a process of its own: the other tests have compiled all of it here."""
    done = subprocess.run([sys.executable, "-c", TRAFFIC], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
