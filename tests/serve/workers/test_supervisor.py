"""Processes that are to end do."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from regulars.errors import UnavailableError
from regulars.serve.workers.supervisor import AGAIN_SECONDS, _Child, _Supervisor

HANDLES = Path("/proc/self/fd")


def test_a_process_that_said_something_and_goes_on_is_ended_in_time(shop):
    heard, wakes = os.pipe()
    supervisor = _Supervisor(shop.folder, shop.config.serve, SimpleNamespace(heard=heard))
    life, said = os.pipe(), os.pipe()
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(20)"], pass_fds=[said[1]])
    os.write(said[1], b"ready\n")
    os.close(said[1])
    child = supervisor._children[1] = _Child(1, process.pid, life[1], said[0])
    supervisor._selector.register(child.said, 1, child)
    began = time.monotonic()
    supervisor._end([child], began + 0.2)
    assert time.monotonic() - began < 10
    assert not supervisor._children
    for handle in (heard, wakes, life[0]):
        os.close(handle)


def test_where_the_machine_has_no_room_a_process_is_tried_again(shop, monkeypatch):
    heard, wakes = os.pipe()
    supervisor = _Supervisor(shop.folder, shop.config.serve, SimpleNamespace(heard=heard))
    before = len(list(HANDLES.iterdir()))

    def full():
        raise OSError(errno.EAGAIN, "no room")

    monkeypatch.setattr(os, "fork", full)
    with pytest.raises(UnavailableError, match="no room for worker 1"):
        supervisor._start(1)
    supervisor._was_up = True
    supervisor._start(1)
    ((moment, number),) = supervisor._due
    assert (number, moment > time.monotonic() + AGAIN_SECONDS / 2) == (1, True)
    assert not supervisor._children
    assert len(list(HANDLES.iterdir())) == before
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])
    for handle in (heard, wakes):
        os.close(handle)
