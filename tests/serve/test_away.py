"""Redis or PostgreSQL is stopped, starts again, or starts again empty: what the server answers, keeps and says is lost."""

from __future__ import annotations

import io
import json
import logging
import time

import pytest
import sqlalchemy as sa

from regulars import Shop
from regulars.errors import UnavailableError
from regulars.events.inbox import open_store
from regulars.experiment import Design, Experiments
from regulars.serve import writer
from regulars.serve.keys import Keys
from regulars.serve.live import shop as live
from regulars.serve.logs import LOG, Lines
from regulars.state import State
from tests.private_servers import cluster, private_postgresql, private_redis

__all__ = ["cluster", "private_postgresql", "private_redis"]


@pytest.fixture
def log_lines():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines())
    LOG.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    LOG.removeHandler(handler)


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Who waits for what is away looks again soon, and nobody learns what customers may write: it takes seconds."""
    monkeypatch.setattr(writer, "WAITING_SECONDS", 0.1)
    monkeypatch.setattr(live, "assistant", lambda shop: None)


def of(shop: Shop, section: str, setting: str, value: str) -> Shop:
    settings = shop.folder / "shop.toml"
    before, heading, after = settings.read_text().partition(f"[{section}]\n")
    assert f'# {setting} = ""' in after
    settings.write_text(before + heading + after.replace(f'# {setting} = ""', f'{setting} = "{value}"', 1))
    return Shop.open(shop.folder)


def view(name: str) -> dict[str, str]:
    return {"userId": "ada", "event": "Product Viewed", "messageId": name, "timestamp": "2024-05-01T10:00:00Z"}


def ids(shop: Shop) -> list[str]:
    return sorted(shop.log.read("events", ["event_id"])["event_id"].to_pylist())


def taken(server, name: str) -> None:
    deadline = time.monotonic() + 10
    while (answer := server.post("/v1/track", view(name))).status_code != 200:
        assert answer.status_code == 503
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)


def test_a_redis_that_stops_and_starts_again_costs_no_event(shop, start_of, private_redis):
    shop = of(shop, "serve", "inbox", private_redis.url)
    server = start_of(shop, fold_seconds=3600)
    assert server.post("/v1/track", view("before")).status_code == 200
    private_redis.stop()
    for _ in range(3):
        answer = server.post("/v1/track", view("away"))
        assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
        assert "Redis at 127.0.0.1" in answer.json()["detail"]
    assert server.client.get("/health").status_code == 200
    private_redis.start()
    taken(server, "away")
    server.stop()
    assert ids(shop) == ["away", "before"]


def test_a_redis_that_starts_again_empty_is_said_with_how_many_events_are_lost(
    shop, start_of, private_redis, log_lines, wait_until
):
    shop = of(shop, "serve", "inbox", private_redis.url)
    server = start_of(shop, fold_seconds=3600)
    for name in ("lost1", "lost2"):
        assert server.post("/v1/track", view(name)).status_code == 200
    private_redis.stop()
    private_redis.empty()
    private_redis.start()
    taken(server, "after")
    wait_until(lambda: [line for line in log_lines() if "they are lost" in line["message"]])
    (said,) = [line for line in log_lines() if "they are lost" in line["message"]]
    assert said["events"] == 2
    assert "regulars_events_lost 2.0" in server.client.get("/metrics").text
    server.stop()
    assert ids(shop) == ["after"]
    again = open_store(shop.folder / "inbox", private_redis.url, shop.state.secret("inbox"))
    assert (again.count(), again.lost) == (0, 0)
    again.close()


def test_events_and_arms_go_on_while_postgresql_is_away(shop, start_of, private_postgresql, wait_until):
    shop = of(shop, "state", "url", private_postgresql.url)
    known = Experiments(shop.state, who="ada")
    known.create("spring", Design({"control": 1, "blue": 1}, primary_metric="revenue"))
    known.start("spring")
    _, key = Keys(shop.state).create("till", ("ingest", "decide"), who="ada")
    server = start_of(shop)
    server.client.headers["authorization"] = f"Bearer {key}"

    def arm() -> int:
        return server.post("/v1/experiment/assign", {"customer_id": "ada", "experiment": "spring"}).status_code

    wait_until(lambda: arm() == 200)
    assert server.post("/v1/track", view("before")).status_code == 200
    private_postgresql.stop()
    assert server.post("/v1/track", view("away")).status_code == 200
    assert arm() == 200
    private_postgresql.start()
    assert arm() == 200
    server.stop()
    assert {"away", "before"} <= set(ids(shop))


def test_a_state_that_was_committed_outlives_postgresql_and_an_emptied_one_is_said(tmp_path, private_postgresql):
    state = State.open(tmp_path, private_postgresql.url)
    state.migrate("notes", [("CREATE TABLE notes (id {id}, text TEXT)",)])
    with state.write() as change:
        change.execute(sa.text("INSERT INTO notes (text) VALUES ('tea')"))
    private_postgresql.stop()
    with pytest.raises(UnavailableError, match="Start it") as caught, state.read() as look:
        look.execute(sa.text("SELECT text FROM notes"))
    assert caught.value.status == 503
    private_postgresql.start()
    with state.read() as look:
        assert look.execute(sa.text("SELECT text FROM notes")).scalars().all() == ["tea"]
    private_postgresql.stop()
    private_postgresql.empty()
    private_postgresql.start()
    with pytest.raises(UnavailableError, match="it was emptied"), state.read() as look:
        look.execute(sa.text("SELECT text FROM notes"))
    state.close()


def test_what_is_kept_is_acknowledged_where_it_cannot_be_read_again_at_once(server, monkeypatch):
    async def away(number):
        raise UnavailableError("Redis at localhost: connection refused")

    monkeypatch.setattr(server.serving.live.follower, "reach", away)
    assert server.post("/v1/track", {"userId": "ada", "event": "Product Viewed"}).status_code == 200
