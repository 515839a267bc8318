"""What a command takes, with all the processes that it starts."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import psutil


class Taken(NamedTuple):
    """What a command took: by the clock, of all cores together (which other work on the machine hardly moves), and
    at its peak."""

    seconds: float
    cpu_seconds: float
    mib: float


def python(*words: str | Path) -> Taken:
    """What `python WORDS` takes, its children with it; CalledProcessError, with what it said, if it fails."""
    start = time.perf_counter()
    command = [sys.executable, *map(str, words)]
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak, spent = 0, dict[int, float]()

    def watch() -> None:
        nonlocal peak
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            try:
                family = [process, *process.children(recursive=True)]
                # Each page once, however many processes share it.
                peak = max(peak, sum(member.memory_full_info().pss for member in family))
                spent.update({member.pid: sum(member.cpu_times()[:2]) for member in family})
            except psutil.Error:
                pass
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    said = process.communicate()[1]
    seconds = time.perf_counter() - start
    watcher.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=said)
    return Taken(seconds, sum(spent.values()), peak / (1 << 20))
