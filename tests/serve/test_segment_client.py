"""The official client of Segment for Python, pointed here."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from segment.analytics.client import Client


@pytest.mark.parametrize("is_packed", [False, True])
def test_what_the_official_client_sends_is_in_the_log(start, keys, shop, is_packed):
    secret = keys.create("till", ["ingest"], who="ada")[1]
    server = start()
    failures: list[object] = []
    client = Client(
        secret, host=server.url, gzip=is_packed, on_error=lambda error, items: failures.append(error), max_retries=1
    )
    moment = datetime(2024, 5, 1, 10, tzinfo=UTC)
    client.identify("ada", {"email": "ada@example.com", "city": "Kyoto"}, anonymous_id="v-1", timestamp=moment)
    client.page("ada", "Shop", "Home", timestamp=moment)
    client.screen("ada", "App", "Home", timestamp=moment)
    client.group("ada", "wholesale", timestamp=moment)
    client.alias("v-2", "ada", timestamp=moment)
    order = {"order_id": "o1", "currency": "GBP", "products": [{"product_id": "tea", "price": 4.5, "quantity": 2}]}
    client.track("ada", "Order Completed", order, timestamp=moment)
    client.flush()
    client.join()
    assert failures == []
    server.serving.close()
    columns = ["type", "customer_id", "anonymous_id", "time", "product_id", "quantity", "unit_price", "properties"]
    rows = {row["type"]: row for row in shop.log.read("events", columns).to_pylist()}
    assert set(rows) == {"customer_identified", "page_viewed", "group_joined", "customer_aliased", "order_completed"}
    assert {row["time"] for row in rows.values()} == {moment}
    assert (rows["customer_aliased"]["anonymous_id"], rows["customer_aliased"]["customer_id"]) == ("v-2", "ada")
    assert json.loads(rows["customer_identified"]["properties"])["city"] == "Kyoto"
    order = rows["order_completed"]
    assert (order["product_id"], order["quantity"], float(order["unit_price"])) == ("tea", 2, 4.5)


def test_the_official_client_is_told_of_a_wrong_key(start, keys):
    keys.create("till", ["ingest"], who="ada")
    server = start()
    failures: list[object] = []
    client = Client("wrong", host=server.url, on_error=lambda error, items: failures.append(error), max_retries=0)
    client.track("ada", "Product Viewed")
    client.flush()
    client.join()
    assert "401" in str(failures[0])
    assert server.serving.inbox.count() == 0
