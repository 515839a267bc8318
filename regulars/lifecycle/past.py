"""What the program did in the week before a moment: of it, budgets, contacts and hours of the week are used."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars import decisions
from regulars.campaign.actions import Action
from regulars.engine.json import extract
from regulars.events.schema import TIME

if TYPE_CHECKING:
    from regulars.shop import Shop

WEEK = timedelta(days=7)
SENT = "message_sent"


class Past(NamedTuple):
    """The seven days before a moment.

    Attributes
    ----------
    contacts : (n,) how often each customer was contacted: by messages that were decided here, or by those in the log,
        whichever is more; and by calls, ads and service.
    by_lot : (n,) for whom a lot decided.
    spent, spent_by_lot, minutes, contacts_week : money, money by lot, minutes of people, contacts over all.
    """

    contacts: npt.NDArray[np.int64]
    by_lot: npt.NDArray[np.bool_]
    spent: float
    spent_by_lot: float
    minutes: float
    contacts_week: int


def past(shop: Shop, ids: pa.Array, as_of: datetime) -> Past:
    """Of customers (n,); a decision at the moment itself is not past: deciding again gives the same."""
    since, until = ibis.literal(as_of - WEEK), ibis.literal(as_of)
    events = shop.events.filter(ibis._.time < until, ibis._.time >= since)
    made = events.filter(events.type == decisions.TYPE, events.event_id.startswith("lifecycle-"))
    rows = shop.engine.to_arrow(made.select("customer_id", "time", "outcome", "properties"))
    sent = events.filter(events.type == SENT)
    named = shop.identities.named(sent.select("customer_id", "anonymous_id", "event_id"), as_of)
    counted = named.filter(named.customer_id.notnull()).group_by("customer_id").agg(count=named.event_id.nunique())
    messages = shop.engine.to_arrow(counted)
    count = len(ids)
    had = np.zeros(count, np.int64)
    place = pc.index_in(messages["customer_id"], ids)
    at = np.asarray(place.drop_null(), np.int64)
    had[at] = np.asarray(messages["count"].filter(pc.is_valid(place)), np.int64)
    if not rows.num_rows:
        return Past(had, np.zeros(count, bool), 0.0, 0.0, 0.0, int(had.sum()))
    cost, minutes, contact, lot = extract(
        rows["properties"].combine_chunks(), [("cost",), ("minutes",), ("is_contact",), ("lot",)]
    ).columns
    pairs = pa.table({"customer_id": rows["customer_id"], "as_of": pa.repeat(pa.scalar(as_of, TIME), rows.num_rows)})
    owner = pc.index_in(shop.identities.customers(pairs), ids)
    money = np.nan_to_num(np.asarray(cost.cast(pa.float64()), float))
    by_lot, is_contact = np.asarray(lot.is_valid()), np.asarray(pc.fill_null(pc.equal(contact, "true"), False))
    is_message = np.asarray([bool(Action.of(name).channel) for name in rows["outcome"].to_pylist()])
    is_known = np.asarray(pc.is_valid(owner))
    number = np.asarray(pc.fill_null(owner, 0), np.int64)
    messages_of_own, others = (
        np.bincount(number[is_known & is_contact & kind], minlength=count) for kind in (is_message, ~is_message)
    )
    # Of a message that was decided here the log may tell once more, when it was sent.
    contacts = np.maximum(messages_of_own, had) + others
    drawn = np.zeros(count, bool)
    drawn[number[is_known & by_lot]] = True
    return Past(
        contacts, drawn, float(money.sum()), float(money[by_lot].sum()),
        float(np.nan_to_num(np.asarray(minutes.cast(pa.float64()), float)).sum()), int(contacts.sum()),
    )  # fmt: skip
