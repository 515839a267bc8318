from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import save

from regulars import Shop, storage
from regulars.console.tables import STEPS as CONSOLE
from regulars.models import Models
from regulars.seal import sealed
from regulars.support.order import Customer

IDS = ("ada.lovelace@tea.example", "visitor-7f3a", "loyal-00815")
"""One customer: her id, a visitor's and an older one that were joined with it."""
ORDER, SESSION, DEVICE, PAYMENT, IP = "order-ada-1", "session-ada-1", "device-ada-1", "card-ada-1", "203.0.113.77"
REVIEW, QUESTION, PHONE = (
    "冲泡之后有淡淡的桂花香 and a hint of smoke",
    "where is my osmanthus parcel?",
    "+44 20 7946 0958",
)
MARKS = (*IDS, ORDER, SESSION, DEVICE, PAYMENT, IP, REVIEW, QUESTION, PHONE)


def events() -> list[dict[str, str]]:
    """Ada in every column; bob, who names her once; and a refund that names nobody."""
    bought = {"type": "order_completed", "product_id": "tea", "unit_price": "4.50", "currency": "EUR"}
    ada = {"customer_id": IDS[0], "session_id": SESSION, "device_id": DEVICE, "ip": IP, "payment_id": PAYMENT}
    return [
        {**bought, **ada, "time": "2024-05-01T10:00:00Z", "order_id": ORDER, "properties.phone": PHONE},
        {"type": "product_viewed", "anonymous_id": IDS[1], "time": "2024-05-01T09:00:00Z", "product_id": "tea"},
        {"type": "customer_identified", "customer_id": IDS[0], "anonymous_id": IDS[1], "time": "2024-05-01T09:30:00Z"},
        {"type": "customer_aliased", "customer_id": IDS[0], "anonymous_id": IDS[2], "time": "2024-05-01T09:40:00Z"},
        {"type": "product_reviewed", **ada, "time": "2024-05-02T10:00:00Z", "product_id": "tea", "text": REVIEW},
        {"type": "support_asked", **ada, "time": "2024-05-02T11:00:00Z", "text": QUESTION},
        {"type": "order_refunded", "time": "2024-05-03T10:00:00Z", "order_id": ORDER, "product_id": "tea"},
        {**bought, "customer_id": "bob", "time": "2024-05-04T10:00:00Z", "order_id": "order-bob-1"},
        {"type": "product_shared", "customer_id": "bob", "time": "2024-05-05T10:00:00Z", "properties.with": IDS[0]},
        {**bought, "customer_id": "cid", "time": "2024-05-06T10:00:00Z", "order_id": "order-cid-1"},
    ]


@pytest.fixture
def planted(shop: Shop, record) -> Shop:
    """A shop with ada in every kind of place where a customer can be, and bob beside her."""
    record(shop, *events())
    folder = shop.folder
    both = pa.table({"customer_id": [IDS[0], "bob"], "why": [f"asked {QUESTION}", "bought tea"]})
    for kind in ("profile", "churn", "segment"):
        shop.tables.write(kind, "decisions", both, shop.now)
    nested = pa.table({"customers": [[IDS[2], "bob"], ["bob"]], "note": [{"a": PHONE}, {"a": "x"}]})
    storage.make_folder(folder / "cache")
    storage.replace(folder / "cache" / "rings.parquet", bytes(storage.parquet(nested)))
    noted = pa.table({"x": [1]}).replace_schema_metadata({"for": IDS[0]})
    storage.replace(folder / "cache" / "noted.parquet", bytes(storage.parquet(noted, has_metadata=True)))
    storage.replace(folder / "cache" / "calls.jsonl", "".join(json.dumps({"q": q}) + "\n" for q in (REVIEW, "tea?")))
    storage.replace(folder / "cache" / "page.html", f"<p>{IDS[0]}</p>")
    storage.make_folder(folder / "letters")
    storage.replace(folder / "letters" / f"{IDS[1]}.html", "<p>hello</p>")
    storage.make_folder(folder / "uploads")
    storage.replace(folder / "uploads" / "old.csv.gz", gzip.compress(f"who,what\n{IDS[0]},tea\n".encode()))
    storage.make_folder(folder / "rejects")
    storage.replace(folder / "rejects" / "r.csv", f"line,value\n1,{PHONE}\n2,other\n")
    storage.make_folder(folder / "fraud")
    entries = [{"entity": "customer", "value": IDS[0]}, {"entity": "customer", "value": "bob"}]
    storage.replace(folder / "fraud" / "lists.json", sealed(json.dumps({"entries": entries})))
    storage.make_folder(folder / "realtime" / "state")
    texts = np.frombuffer(json.dumps({"customers": [IDS[0]]}).encode(), np.uint8)
    storage.replace(folder / "realtime" / "state" / "1.safetensors", save({"texts": texts}))
    models = Models(folder / "models")
    models.save("churn", {"ids.parquet": bytes(storage.parquet(both))}, {"until": "2024-05-01"})
    models.save("churn", {"weights.json": b"[1, 2]"}, {"until": "2024-05-01"})
    models.use("churn", 2)
    plant_state(shop)
    return shop


def plant_state(shop: Shop) -> None:
    """Rows of ada and of bob in tables of the state; a note of the shop's own that names her."""
    from regulars.support.tables import STEPS as SUPPORT

    state = shop.state
    state.migrate("support", SUPPORT)
    state.migrate("console", CONSOLE)
    with state.write() as change:
        for who, name in ((IDS[0], "talk-ada"), ("bob", "talk-bob")):
            change.exec_driver_sql(
                "INSERT INTO support_conversations (conversation_id, customer_id, language, status, tries, memory, "
                "opened_at, changed_at) VALUES (?, ?, 'en', 'open', 0, '{}', 0, 0)",
                (name, who),
            )
            text = QUESTION if who == IDS[0] else "is there more tea?"
            change.exec_driver_sql(
                "INSERT INTO support_messages (conversation_id, at, who, text, about) VALUES (?, 0, 'customer', ?, '{}')",
                (name, text),
            )
        change.exec_driver_sql(
            "INSERT INTO console_audit (at, who, what, about, before, after) VALUES (0, 'eve', 'looked', ?, '', '')",
            (f"customer {IDS[0]}",),
        )


def bytes_with(folder: Path, marks: tuple[str, ...] = MARKS) -> list[str]:
    """Every file that holds one of the marks: raw, unzipped, or in a cell of a table."""
    import pyarrow.parquet as pq

    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes() + str(path.relative_to(folder)).encode()
        if path.suffix == ".gz":
            data += gzip.decompress(path.read_bytes())
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            data += json.dumps(table.to_pylist(), default=str, ensure_ascii=False).encode() + str(table.schema).encode()
        written = [form.encode() for mark in marks for form in (mark, json.dumps(mark)[1:-1])]
        if any(form in data for form in written):
            found.append(path.relative_to(folder).as_posix())
    return found


def account(customer_id: str, first: str, last: str, email: str) -> Customer:
    """Somebody who has an account with support."""
    about = {"customer_id": customer_id, "name": {"first_name": first, "last_name": last}, "email": email}
    return Customer.model_validate({**about, "address": {"address1": "1 Elm Street", "zip": "78763"}})
