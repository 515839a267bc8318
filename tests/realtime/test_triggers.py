"""A trigger fires when its rule becomes true: by an event, by what is told, by time; each cause once, in order."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from regulars import Shop
from regulars.errors import ConfigError
from regulars.realtime import Live, Trigger, Triggers, fired
from regulars.state import State
from tests.realtime.conftest import START, numbered, row, traffic

CART = "cart left: added within 1 days and not ordered within 1 days and last_seen > 30 minutes"


def triggers_of(*texts: str) -> Triggers:
    return Triggers(Live(), [Trigger.of(text) for text in texts])


def told(found: list[fired.Fired]) -> list[tuple[str, str]]:
    return [(each.trigger, each.customer_id) for each in found]


def after(minutes: float) -> Any:
    return START + timedelta(minutes=minutes)


def test_a_cart_is_left_when_half_an_hour_has_passed_without_an_order() -> None:
    triggers = triggers_of(CART)
    rows = [row("ada", "product_added", START, "tea"), row("bob", "product_added", START, "pot"),
            row("bob", "order_completed", after(5), "pot")]  # fmt: skip
    for event in numbered(rows):
        assert triggers.add([event]) == []
    assert triggers.pass_time(after(29)) == []
    assert told(triggers.pass_time(after(31))) == [("cart left", "ada")]
    assert triggers.pass_time(after(300)) == []


def test_it_fires_again_only_after_it_was_not_true() -> None:
    triggers = triggers_of("busy: session_events >= 2")
    times = [0, 1, 2, 60, 61]
    found = [
        told(triggers.add([event]))
        for event in numbered([row("ada", "product_viewed", after(t), "tea") for t in times])
    ]
    assert [len(each) for each in found] == [0, 1, 0, 0, 1]


def test_who_looked_at_a_product_hears_that_it_is_cheaper() -> None:
    triggers = triggers_of("cheaper: price_drop >= 0.1")
    rows = [
        row("ada", "product_viewed", START, "tea"),
        row("bob", "product_viewed", START, "pot"),
        row(None, "price_set", after(1), "tea", unit_price=10.0),
        row(None, "price_set", after(2), "tea", unit_price=9.5),
        row(None, "price_set", after(3), "tea", unit_price=8.0),
        row(None, "price_set", after(4), "tea", unit_price=9.0),
        row(None, "price_set", after(5), "tea", unit_price=7.0),
    ]
    found = [triggers.add([event]) for event in numbered(rows)]
    assert [told(each) for each in found] == [[], [], [], [], [("cheaper", "ada")], [], [("cheaper", "ada")]]
    assert found[4][0].product_id == "tea"


def test_what_others_tell_sets_it_off() -> None:
    triggers = triggers_of(
        "leaving: churn_risk - churn_risk_before > 0.2",
        "suspect: fraud_risk > 0.9",
        "champion: 'champions' in segments",
    )
    triggers.add(numbered([row("ada", "product_viewed", START, "tea")]))
    assert triggers.tell("ada", {"churn_risk_before": 0.1, "churn_risk": 0.2}, after(1), "monday") == []
    assert told(triggers.tell("ada", {"churn_risk": 0.5}, after(2), "tuesday")) == [("leaving", "ada")]
    assert told(triggers.tell("ada", {"fraud_risk": 0.95}, after(3), "attempt 7")) == [("suspect", "ada")]
    assert told(triggers.tell("ada", {"segments": ["champions"]}, after(4), "night")) == [("champion", "ada")]
    with pytest.raises(ValueError, match="there are: churn_risk"):
        triggers.tell("ada", {"mood": 1}, after(5), "x")


def test_the_same_events_give_the_same_keys() -> None:
    rows = numbered(traffic(400))
    keys = []
    for _ in range(2):
        triggers = triggers_of(CART, "busy: session_events >= 3")
        keys.append([each.key for each in triggers.add(rows)])
    assert keys[0] == keys[1]
    assert len(keys[0]) == len(set(keys[0])) > 10


def test_from_the_log_what_is_true_already_does_not_fire(shop: Shop, record: Any) -> None:
    with_triggers(shop, "busy: session_events >= 2", CART)
    shop = Shop.open(shop.folder)
    said = [{"event_id": f"e{k}", "type": "product_added", "customer_id": who, "product_id": "tea", "time": after(k).isoformat()}
            for k, who in enumerate(["ada", "ada", "bob"])]  # fmt: skip
    record(shop, *said)
    triggers = Triggers.of(shop, Live.of(shop, after(5), position=10))
    assert triggers.add(numbered([row("ada", "product_viewed", after(6), "pot")], 11)) == []
    assert told(triggers.pass_time(after(40))) == [("cart left", "bob"), ("cart left", "ada")]


def test_a_rule_that_cannot_be_read_is_named(shop: Shop) -> None:
    with pytest.raises(ConfigError, match=r'\[realtime\] triggers, "odd": line 1, column 1 .* "vews"'):
        Trigger.of("odd: vews > 3")
    text = (shop.folder / "shop.toml").read_text()
    (shop.folder / "shop.toml").write_text(text.replace("# triggers = []", 'triggers = ["no rule"]'))
    with pytest.raises(ConfigError, match="is no trigger; write"):
        Shop.open(shop.folder)


def with_triggers(shop: Shop, *texts: str, webhook: str = "") -> None:
    settings = shop.folder / "shop.toml"
    text = settings.read_text().replace("# triggers = []", f"triggers = {json.dumps(texts)}")
    if webhook:
        text = text.replace("[realtime]\n", f'[realtime]\nwebhook = "{webhook}"\n')
        text = text.replace("private_networks = []", 'private_networks = ["127.0.0.0/8"]')
    settings.write_text(text)


class Receiver:
    """Takes what it is posted, by and by: of every third it says that it could not."""

    def __init__(self, every: int = 3) -> None:
        self.seen: list[dict[str, Any]] = []
        self.keys: list[str] = []
        count = iter(range(10**6))

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler) -> None:
                body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
                fails = every and next(count) % every == 1
                if not fails:
                    self.seen.append(body)
                    self.keys.append(str(handler.headers["Idempotency-Key"]))
                handler.send_response(503 if fails else 200)
                handler.end_headers()

            def log_message(handler, *args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


def test_what_fired_is_kept_once_with_the_position(state: State) -> None:
    one = fired.Fired("cart left/ada/t1", "cart left", "ada", START, "tea")
    assert fired.position(state) is None
    assert fired.keep(state, [one], 5) == 1
    assert fired.keep(state, [one, one._replace(key="cart left/bob/t1", customer_id="bob")], 7) == 1
    assert fired.position(state) == 7


def test_a_receiver_hears_of_each_in_order_for_each_customer(shop: Shop, receiver: Receiver) -> None:
    with_triggers(shop, CART, webhook=receiver.url)
    shop = Shop.open(shop.folder)
    made = [fired.Fired(f"{k}", "cart left", f"c{k % 3}", after(k)) for k in range(12)]
    fired.keep(shop.state, made, 1)
    for _ in range(12):
        waiting = fired.post(shop)[1]
        if not waiting:
            break
    assert waiting == 0
    by_customer = defaultdict(list)
    for said in receiver.seen:
        by_customer[said["customer_id"]].append(int(said["key"]))
    assert all(keys == sorted(keys) for keys in by_customer.values())
    assert sorted(int(said["key"]) for said in receiver.seen) == list(range(12))


def test_the_log_has_each_once_for_journeys_to_begin_with(shop: Shop) -> None:
    fired.keep(shop.state, [fired.Fired("k", "cart left", "ada", START, "tea")], 1)
    assert fired.to_log(shop) == 1
    assert fired.to_log(shop) == 0
    (event,) = shop.log.read("events").to_pylist()
    assert (event["type"], event["outcome"], event["customer_id"]) == ("trigger_fired", "cart left", "ada")


CHILD = """
import sys
from regulars import Shop
from regulars.realtime import Live, Triggers, fired
from tests.realtime.conftest import numbered, traffic
shop = Shop.open(sys.argv[1])
triggers, rows = Triggers.of(shop, Live()), numbered(traffic(250))
print("ready", flush=True)
for start in range(0, len(rows), 5):
    some = rows[start : start + 5]
    fired.keep(shop.state, triggers.add(some), some[-1].position)
    fired.post(shop)
    fired.to_log(shop)
"""


def test_killed_at_any_moment_nothing_is_lost_and_nothing_fires_twice(shop: Shop, receiver: Receiver) -> None:
    rules = (CART, "busy: session_events >= 3")
    with_triggers(shop, *rules, webhook=receiver.url)
    shop = Shop.open(shop.folder)
    undisturbed = triggers_of(*rules)
    expected = undisturbed.add(numbered(traffic(250)))
    rng = random.Random(5)
    root = str(Path(__file__).parents[2])
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(shop.folder)], stdout=subprocess.PIPE, cwd=root,
                             env={**os.environ, "PYTHONPATH": root})  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=rng.uniform(0.1, 1.0))
    child.send_signal(signal.SIGKILL)
    child.wait()
    triggers = Triggers.of(shop, Live())
    rows = numbered(traffic(250))
    fired.keep(shop.state, triggers.add(rows), rows[-1].position)
    while fired.post(shop)[1]:
        pass
    fired.to_log(shop)
    keys = sorted(each.key for each in expected)
    assert len(keys) > 10
    logged = [each for each in shop.log.read("events").to_pylist() if each["type"] == "trigger_fired"]
    assert sorted(json.loads(each["properties"])["key"] for each in logged) == keys
    assert sorted({said["key"] for said in receiver.seen}) == keys
    first_of = {said["key"]: place for place, said in reversed(list(enumerate(receiver.seen)))}
    in_order = defaultdict(list)
    for each in expected:
        in_order[each.customer_id].append(first_of[each.key])
    assert all(places == sorted(places) for places in in_order.values())
