"""Processes that are to end do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from types import SimpleNamespace

from regulars.serve.workers.supervisor import _Child, _Supervisor


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
