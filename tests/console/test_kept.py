"""What takes long is made apart, and nobody waits for it longer than a page may take."""

from __future__ import annotations

import html
import threading
import time
from contextlib import nullcontext

import pyarrow as pa
import pytest

from regulars import Shop
from regulars.console.kept import Kept, NotYetError
from regulars.console.readers import Readers
from regulars.errors import RegularsError


@pytest.fixture
def door():
    """Work that ends when somebody opens it."""
    return threading.Event()


@pytest.fixture
def kept(door):
    made = Kept(nullcontext, patience=0.05)
    yield made
    door.set()


def test_who_asks_first_is_told_that_it_comes_and_finds_it_later(kept, door):
    with pytest.raises(NotYetError):
        kept.of("orders", 1, lambda shop: door.wait() and 7)
    door.set()
    kept.patience = 10
    assert kept.of("orders", 1, lambda shop: pytest.fail("it is under way")) == 7


def test_an_older_one_is_shown_while_the_log_grows_but_none_of_another_key(kept, door):
    assert kept.of("orders", 1, lambda shop: 7, key="a") == 7
    assert kept.of("orders", 2, lambda shop: door.wait() and 8, key="a") == 7
    with pytest.raises(NotYetError):
        kept.of("orders", 2, lambda shop: door.wait() and 9, key="b")


def test_what_took_long_rests_before_it_is_made_anew(kept):
    kept.patience = 10
    assert kept.of("orders", 1, lambda shop: time.sleep(0.1) or 7) == 7
    kept.patience = 0.01
    assert kept.of("orders", 2, lambda shop: 8) == 7
    kept.patience = 10
    assert kept.of("orders", 2, lambda shop: 8) == 8


def test_a_failure_is_told_once_and_then_tried_again(kept, door):
    def fail(shop):
        door.wait()
        raise ValueError("no orders")

    with pytest.raises(NotYetError):
        kept.of("orders", 1, fail)
    door.set()
    kept.patience = 10
    with pytest.raises(ValueError, match="no orders"):
        kept.of("orders", 1, fail)
    assert kept.of("orders", 1, lambda shop: 7) == 7


def test_somebody_reads_while_another_reads(tmp_path, record):
    shop = Shop.create(tmp_path / "shop")
    record(shop, {"type": "order_completed", "customer_id": "ada", "order_id": "1", "time": "2024-05-01T10:00:00Z"})
    readers = Readers(shop)
    found = []

    def read():
        with readers.one() as other:
            found.append(other.now)

    with readers.one() as held:
        thread = threading.Thread(target=read)
        thread.start()
        thread.join(60)
        assert found == [held.now]


@pytest.mark.parametrize(
    "path", ["/home/flow", "/customer/profile?id=ada", "/customer/profile?id=ada&as_of=2024-05-05"]
)
def test_a_page_says_that_it_comes_and_comes_by_itself(api, browser_of, path):
    console, browser = api.console, browser_of("admin")
    asks_again = f'data-hx-get="{html.escape(f"/console{path}")}"'
    given = console.kept
    console.kept = Kept(console.reading, patience=0.01)
    try:
        assert asks_again in browser.get(path, headers={"hx-request": "true"}).text
        console.kept.patience = 60
        found = browser.get(path, headers={"hx-request": "true"})
        assert found.status_code == 200
        assert asks_again not in found.text
    finally:
        console.kept = given


def test_whoever_closes_the_console_stops_what_its_readers_compute(shop):
    readers, said = Readers(shop), []
    begun = threading.Event()

    def read():
        with readers.one() as other:
            numbers = other.engine.table(pa.table({"n": range(200_000)}))
            pairs = numbers.cross_join(numbers.view())
            begun.set()
            try:
                other.engine.to_arrow(pairs.filter((pairs.n * pairs.n_right) % 7 == 3).count())
            except RegularsError as error:
                said.append(str(error))

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    begun.wait()
    readers.close()
    reading.join(timeout=60)
    assert said == ["What the engine computed was stopped before its end."]
