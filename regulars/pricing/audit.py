"""Which prices were ever set, shown or charged: to whom, when, why, under which version and rule?"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

from regulars.customers.by_hand import present
from regulars.customers.known import pair
from regulars.errors import InputError, NotFoundError
from regulars.events.schema import MONEY, TIME
from regulars.pricing.dataset import SET
from regulars.pricing.evaluate import NAME
from regulars.pricing.facts import QUOTED

if TYPE_CHECKING:
    from regulars.shop import Shop

DECIDED, CHARGED = "decision_made", "order_completed"
WHAT = {SET: "set", QUOTED: "shown", DECIDED: "decided", CHARGED: "charged"}

Key = tuple[str, str, str, float]
"""Customer, session, product, and of how many."""
Shown = dict[Key, tuple[Decimal, bool]]
"""The price that was shown last, and whether it was personal."""

LINES = pa.schema(
    [
        pa.field("time", TIME, nullable=False),
        pa.field("what", pa.string(), nullable=False),
        pa.field("customer_id", pa.string()),
        pa.field("product_id", pa.string()),
        pa.field("price", MONEY),
        pa.field("list_price", MONEY),
        pa.field("discount", pa.float64()),
        pa.field("personalised", pa.bool_()),
        pa.field("disclosure", pa.string()),
        pa.field("policy", pa.string()),
        pa.field("model_version", pa.int64()),
        pa.field("propensity", pa.float64()),
        pa.field("why", pa.string()),
        pa.field("session_id", pa.string()),
        pa.field("order_id", pa.string()),
        pa.field("problem", pa.string()),
    ]
)
"""What `audit` gives. `what` is set, shown, decided or charged; `problem` is empty where nothing is wrong."""


def audit(
    shop: Shop, *, customer_id: str | None = None, product_id: str | None = None, as_of: datetime | None = None
) -> pa.Table:
    """Every price of a customer, of a product, or of both, in order of time.

    Parameters
    ----------
    as_of : events before it; by default all.

    Returns
    -------
    In the columns of `LINES`. A problem is told where more was charged than was shown last in that session, where a
    personal price came without a disclosure, or where one of as many rose within a session. That a personal price does
    not stand where none may be asked any more, as after an objection, is no rise.

    Raises
    ------
    NotFoundError
        If the log has no price of them.
    """
    if customer_id is None and product_id is None:
        raise InputError("Of which customer or product? Name one.")
    moment = as_of or present(shop)
    # One of a million has few events: they are found without a look at all others'.
    events = shop.events if customer_id is None else shop.events_of(pair(customer_id, moment))
    rows = events.filter(events.type.isin(list(WHAT)))
    if as_of is not None:
        rows = rows.filter(rows.time < ibis.literal(as_of))
    ofs = rows.properties.cast("json")["capability"].str == NAME
    rows = rows.filter((rows.type != DECIDED) | ofs.fill_null(False))
    if customer_id is not None:
        mine = shop.identities.named(rows, moment)
        rows = mine.filter(mine.customer_id == customer_id)
    if product_id is not None:
        rows = rows.filter(rows.product_id == product_id)
    columns = (
        "time", "type", "customer_id", "product_id", "unit_price", "propensity", "session_id", "order_id", "quantity",
        "properties",
    )  # fmt: skip
    found = shop.engine.to_arrow(rows.select(*columns).order_by("time", "type", "product_id")).to_pylist()
    if not found:
        raise NotFoundError(
            f"No price of {' and '.join(filter(None, (customer_id, product_id)))} was ever set, shown or charged."
        )
    shown: Shown = {}
    return pa.Table.from_pylist([_line(row, shown) for row in found], schema=LINES)


def audit_of(shop: Shop, name: str, *, as_of: datetime | None = None) -> pa.Table:
    """The same of whatever an id is of, a customer or a product; InputError if it is both."""
    found = []
    for part in ("customer_id", "product_id"):
        with suppress(NotFoundError):
            found.append(audit(shop, as_of=as_of, **{part: name}))
    if len(found) > 1:
        raise InputError(f'"{name}" is a customer and a product. Say which: --customer {name}, or --product {name}')
    if not found:
        raise NotFoundError(f'No price of a customer or product "{name}" was ever set, shown or charged.')
    return found[0]


def _line(row: dict[str, Any], shown: Shown) -> dict[str, Any]:
    note = json.loads(row["properties"] or "{}") if row["type"] != CHARGED else {}
    why = note.get("why") or note.get("reasons") or ()
    listed = note.get("list_price")
    quantity = 1.0 if row["quantity"] is None else row["quantity"]
    key = (row["customer_id"] or "", row["session_id"] or "", row["product_id"] or "", quantity)
    said = {
        "time": row["time"],
        "what": WHAT[row["type"]],
        "customer_id": row["customer_id"],
        "product_id": row["product_id"],
        "price": row["unit_price"],
        "list_price": None if listed is None else Decimal(listed),
        "discount": note.get("share"),
        "personalised": note.get("personalised") if row["type"] == QUOTED else None,
        "disclosure": note.get("disclosure"),
        "policy": note.get("policy"),
        "model_version": note.get("model_version"),
        "propensity": row["propensity"],
        "why": why if isinstance(why, str) else "; ".join(why),
        "session_id": row["session_id"],
        "order_id": row["order_id"],
    }
    return {**said, "problem": _problem(said, note.get("mode"), key, shown)}


def _problem(said: dict[str, Any], mode: str | None, key: Key, shown: Shown) -> str:
    price = said["price"]
    # More is never asked for each of several than for one.
    of_one = shown.get((*key[:3], 1.0), (None, False)) if said["what"] == "charged" else (None, False)
    before, was_personal = shown.get(key, of_one)
    if said["what"] == "shown":
        if said["personalised"] and not said["disclosure"]:
            return "a personal price without a disclosure"
        if was_personal and mode != "personal":
            before = None
        if key[1] and before is not None and price > before:
            return f"rose within the session from {before:.2f}"
        shown[key] = price, bool(said["personalised"])
    if said["what"] == "charged" and key[0] and key[1] and before is not None and price is not None and price > before:
        return f"more was charged than was shown: {before:.2f}"
    return ""
