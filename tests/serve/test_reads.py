"""Who read of which customer is known, without a name of a customer, and for so long as the settings say."""

from __future__ import annotations

import json
from datetime import timedelta

from regulars import clock
from regulars.serve.reads import Reads

VIEW = {"userId": "ada", "event": "Product Viewed", "properties": {"product_id": "tea"}}


def test_who_asks_for_a_customer_is_noted_once_an_hour_under_a_pseudonym(start, keys, shop, cli):
    taking, asking = (keys.create(name, [name], who="ada")[1] for name in ("ingest", "decide"))
    server = start()
    asked = {"authorization": f"Bearer {asking}"}
    assert server.post("/v1/track", VIEW, headers={"authorization": f"Bearer {taking}"}).status_code == 200
    for _ in range(3):
        assert server.client.get("/v1/profile/ada", headers=asked).status_code == 200
    server.post("/v1/churn", {"customer_id": "bob"}, headers=asked)
    server.stop()
    reads = Reads(shop.state)
    assert [(read.who, read.route) for read in reads.all("ada")] == [(asking[:10], "/v1/profile/{customer_id}")]
    assert [read.route for read in reads.all("bob")] == ["/v1/churn"]
    assert reads.all("cy") == []
    code, shown, _ = cli("audit", "reads", "--json", "--shop", shop.folder)
    assert (code, len(json.loads(shown))) == (0, 2)
    assert '"ada"' not in shown  # with its quotes, for "ada" may stand in a pseudonym, which is hexadecimal
    assert '"bob"' not in shown


def test_what_is_older_than_is_kept_is_forgotten(state, monkeypatch):
    reads, now = Reads(state), clock.now()
    monkeypatch.setattr(clock, "now", lambda: now - timedelta(days=11))
    reads.note("till", ["ada"], "/v1/churn")
    reads.flush(timedelta(days=10))
    monkeypatch.undo()
    reads.note("till", ["bob"], "/v1/churn")
    reads.flush(timedelta(days=10))
    assert (len(reads.all("ada")), len(reads.all("bob"))) == (0, 1)


def test_changes_of_keys_are_listed(keys, shop, cli):
    keys.create("till", ["ingest"], who="ada")
    code, shown, _ = cli("audit", "changes", "--json", "--shop", shop.folder)
    assert code == 0
    assert [(each["who"], each["what"], each["about"]) for each in json.loads(shown)] == [
        ("ada", "keys.created", "1, till")
    ]
