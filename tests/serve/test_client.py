from __future__ import annotations

import asyncio
import json
import runpy
import sys
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from regulars.client import AsyncClient, Client, SendError, sending

MOMENT = datetime(2024, 5, 1, 10, tzinfo=UTC)


def waiting(server) -> list[dict]:
    return [json.loads(entry.body) for entry in server.serving.inbox.read(0)]


def test_calls_are_sent_in_batches_and_the_last_at_the_end(start, keys):
    secret = keys.create("till", ["ingest"], who="ada")[1]
    server = start()
    with Client(server.url, secret, timeout_seconds=60) as client:
        for number in range(150):
            client.track(f"c{number}", "Product Viewed", {"product_id": "tea"}, at=MOMENT)
        assert len(waiting(server)) == 100
        client.identify("ada", {"city": "Kyoto"}, anonymous_id="v-1")
        client.page(None, "Home", anonymous_id="v-1")
        client.group("ada", "wholesale")
        client.alias("v-1", "ada")
    calls = waiting(server)
    assert [call["type"] for call in calls[150:]] == ["identify", "page", "group", "alias"]
    assert calls[0]["timestamp"] == MOMENT.isoformat()
    assert len({call["messageId"] for call in calls}) == 154


def test_what_is_not_taken_now_is_sent_again_with_the_same_ids(server, monkeypatch):
    monkeypatch.setattr(sending, "MOST_SECONDS", 0.01)
    answers = iter([503, 429, None])
    inbox = type(server.serving).inbox
    from regulars.errors import OverLimitError, UnavailableError

    def sometimes(serving):
        status = next(answers, None)
        if status == 503:
            raise UnavailableError("away")
        if status == 429:
            raise OverLimitError("later", 1)
        return inbox.fget(serving)

    monkeypatch.setattr(type(server.serving), "inbox", property(sometimes))
    with Client(server.url) as client:
        name = client.track("ada", "Product Viewed")["messageId"]
    assert [call["messageId"] for call in waiting(server)] == [name]


def test_what_cannot_be_sent_is_given_back(start, keys, free_port):
    keys.create("till", ["ingest"], who="ada")
    server = start()
    wrong = Client(server.url, "wrong")
    call = wrong.track("ada", "Product Viewed")
    with pytest.raises(SendError, match="401") as failed:
        wrong.close()
    assert failed.value.calls == [call]
    away = Client(f"http://127.0.0.1:{free_port}", tries=2)
    away.track("ada", "Product Viewed")
    with pytest.raises(SendError, match="No answer"):
        away.close()


def test_of_a_batch_that_was_taken_in_part_the_rest_is_given_back(server):
    client = Client(server.url)
    client.track("ada", "Product Viewed")
    bad = client.track("ada", "")
    with pytest.raises(SendError, match="1 of 2 calls were refused: event is missing") as failed:
        client.close()
    assert failed.value.calls == [bad]
    assert len(waiting(server)) == 1


def test_a_call_without_an_id_or_a_time_zone_is_a_mistake_at_once():
    client = Client("http://127.0.0.1:1")
    with pytest.raises(ValueError, match="anonymous_id"):
        client.track(None, "x")
    with pytest.raises(ValueError, match="time zone"):
        client.track("ada", "x", at=datetime(2024, 5, 1))
    client.close()


def test_the_client_of_programs_with_an_event_loop_sends_the_same(server):
    async def send() -> None:
        async with AsyncClient(server.url) as client:
            for number in range(120):
                client.track(f"c{number}", "Product Viewed")
            await client.flush()
            client.page("ada", "Home")

    asyncio.run(send())
    assert [call["type"] for call in waiting(server)] == ["track"] * 120 + ["page"]


def test_the_snippet_for_pages_is_small():
    assert len((files("regulars.client") / "browser.js").read_bytes()) < 3072


def test_the_example_sends_events_and_gets_a_list(server, monkeypatch, capsys):
    example = Path(__file__).parents[2] / "examples" / "over_http.py"
    monkeypatch.setattr(sys, "argv", [example.name, server.url])
    runpy.run_path(str(example))
    assert "1 pot - who looked at" in capsys.readouterr().out
