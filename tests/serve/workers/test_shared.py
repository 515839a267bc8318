"""What several processes write and read at once is never seen half written."""

from __future__ import annotations

import os

import pytest

from regulars.serve.workers.shared import Shared

NUMBERS = 1_000_000


@pytest.mark.forks
def test_the_number_that_one_process_writes_is_never_read_as_a_lower_one_by_another():
    shared = Shared()
    writer = os.fork()
    if writer == 0:
        for number in range(1, NUMBERS + 1):
            shared.commit(number)
        os._exit(0)
    before = lower = 0
    while before < NUMBERS:
        found = shared.committed
        lower += found < before
        before = max(before, found)
    assert os.waitpid(writer, 0)[1] == 0
    assert lower == 0
