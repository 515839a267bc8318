"""shop.toml may change while a server runs."""

from __future__ import annotations

import io
import json
import logging

import pytest
import tomlkit

from regulars.serve.logs import LOG, Lines


@pytest.fixture
def told():
    """told(message): what the server's log says under a message."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines())
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    yield lambda message: [
        line for line in map(json.loads, stream.getvalue().splitlines()) if line["message"] == message
    ]
    LOG.removeHandler(handler)


def write(shop, section, **values):
    path = shop.folder / "shop.toml"
    document = tomlkit.parse(path.read_text())
    document.setdefault(section, tomlkit.table()).update(values)
    path.write_text(tomlkit.dumps(document))


def test_settings_that_change_hold_for_the_next_request(seen, start_of, told, wait_until):
    server = start_of(seen)
    ask = {"customer_id": "ada", "k": 5}
    assert [server.post("/v1/recommend", ask).status_code for _ in range(3)] == [200] * 3
    write(seen, "serve", requests_per_key=1.0, port=9)
    wait_until(lambda: told("settings were read anew"))
    wait_until(lambda: server.post("/v1/recommend", ask).status_code == 429)
    assert told("settings wait for the next start")[0]["settings"] == ["[serve] port"]


def test_settings_that_cannot_be_read_leave_all_as_it_was(seen, start_of, told, wait_until):
    server = start_of(seen)
    before = seen.config
    write(seen, "realtime", triggers=["keen: views >="])
    wait_until(lambda: told("the settings stay as they were"))
    assert "keen" in told("the settings stay as they were")[0]["error"]
    assert seen.config is before
    (seen.folder / "shop.toml").write_text("[serve]\nport = 'x'\n")
    wait_until(lambda: len(told("the settings stay as they were")) == 2)
    assert server.client.get("/ready").status_code == 200


def test_a_trigger_that_is_added_fires_from_then_on(seen, start_of, told, wait_until):
    server = start_of(seen)
    view = {"userId": "ada", "event": "Product Viewed", "properties": {"product_id": "tea"}}
    server.post("/v1/track", view)
    write(seen, "realtime", triggers=["keen: views >= 2"])
    wait_until(lambda: told("settings were read anew"))
    wait_until(lambda: server.serving.live.follower._triggers.triggers)
    server.post("/v1/track", view)
    wait_until(lambda: "trigger_fired" in seen.log.read("events", ["type"])["type"].to_pylist())
