"""What reads all of a log is read in a process of its own, but for the first time."""

from __future__ import annotations

import os
import signal
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from regulars.errors import NotFoundError, UnavailableError
from regulars.serve.live.apart import LogReader, read_apart
from regulars.serve.live.people import People

if TYPE_CHECKING:
    from regulars import Shop


def who(shop: Shop) -> tuple[int, str]:
    return os.getpid(), shop.folder.name


def refuse(shop: Shop) -> None:
    raise NotFoundError(f"nothing in {shop.folder.name}")


def end(shop: Shop, how: str) -> None:
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise ZeroDivisionError(shop.folder)


def test_the_first_time_it_is_read_here_and_later_apart(shop):
    reading = LogReader(shop, who, nullcontext())
    assert reading() == (os.getpid(), shop.folder.name)
    process, name = reading()
    assert (process != os.getpid(), name) == (True, shop.folder.name)


def test_what_was_refused_here_is_read_here_again(shop):
    reading = LogReader(shop, partial(end, how="here"), nullcontext())
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            reading()


def test_a_refusal_comes_back_as_it_was(shop):
    with pytest.raises(NotFoundError, match=f"nothing in {shop.folder.name}"):
        read_apart(shop.folder, refuse)


@pytest.mark.parametrize("how", ["killed", "raised"])
def test_a_process_that_ends_is_told_as_what_is_tried_again(shop, how):
    with pytest.raises(UnavailableError, match="ended"):
        read_apart(shop.folder, partial(end, how=how))


def test_people_are_the_same_from_another_process(shop):
    here, there = risks(shop), read_apart(shop.folder, risks)
    assert (there.ids, there.name, there.as_of) == (["ada", "bob"], "churn", here.as_of)
    assert (there.of("ada"), there.of("bob")) == ({"risk": 0.25, "why": "quiet"}, {"risk": None, "why": None})


def risks(shop: Shop) -> People:
    table = pa.table({"customer_id": ["ada", "bob"], "risk": [0.25, None], "why": ["quiet", None]})
    return People(table, "churn", datetime(2024, 5, 1, tzinfo=UTC))
