"""One customer: all that is known of one, by any of its ids."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from regulars.customers.consent import PURPOSES, forbidden, ledger
from regulars.customers.identities import JOINS
from regulars.customers.known import pair, require_known
from regulars.customers.view import customers_as_of

if TYPE_CHECKING:
    from regulars.shop import Shop


def one_customer(shop: Shop, customer_id: str, as_of: datetime) -> dict[str, Any]:
    """A customer as of a moment.

    Returns
    -------
    customer_id, as_of, ids (each with since when and by which event; None for its own), traits, ledger (of
    consents and objections), withheld (the purposes that are forbidden).

    Raises
    ------
    NotFoundError
        If no event before the moment has the id.
    """
    require_known(shop, customer_id, as_of)
    pairs = pair(customer_id, as_of)
    who = shop.identities
    customer = who.customers(pairs)[0].as_py()
    ids = sorted(who.members(pairs)["customer_id"].to_pylist(), key=lambda each: (each != customer, each))
    rows = customers_as_of(shop, as_of, customer).drop_columns(["customer_id", "other_ids"]).to_pylist()
    said = ledger(shop, as_of, customer)
    return {
        "customer_id": customer,
        "as_of": as_of.isoformat(),
        "ids": _joined(shop, pairs, ids, as_of),
        "traits": rows[0] if rows else {},
        "ledger": said.drop_columns("customer_id").to_pylist(),
        "withheld": [purpose for purpose in PURPOSES if len(forbidden(said, purpose))],
    }


def _joined(shop: Shop, pairs: pa.Table, ids: list[str], as_of: datetime) -> list[dict[str, Any]]:
    """When each id came to the customer whose it is as of the moment, and by which event."""
    intervals = shop.identities.intervals
    rows = intervals.filter(pc.is_in(intervals["id"], pa.array(ids))).sort_by("valid_from").to_pylist()
    since = {row["id"]: row["valid_from"] for row in rows if row["valid_from"] < as_of}
    joins = shop.events_of(pairs).filter(ibis._.type.isin(JOINS))
    joins = joins.order_by("time", "event_id").select("time", "event_id")
    by_time = {row["time"]: row["event_id"] for row in shop.engine.to_arrow(joins).to_pylist()}
    own = ids[0]
    return [
        {"id": each, "since": since.get(each), "event_id": by_time.get(since.get(each))}
        if each != own
        else {"id": own, "since": None, "event_id": None}
        for each in ids
    ]
