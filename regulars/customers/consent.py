"""What customers allowed and what they objected to: the ledger, and whom it forbids to act on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.customers.by_hand import event_by_hand, present
from regulars.customers.known import pair, require_known
from regulars.errors import InputError

if TYPE_CHECKING:
    from regulars.shop import Shop

PURPOSES = ("marketing", "profiling", "pricing", "ads")
"""What can be allowed and objected to; other purposes are kept as they come."""

CONSENTS = ("consent_given", "consent_withdrawn")
OBJECTIONS = ("objection_withdrawn", "objection_made")
"""Of each, the second forbids; of two at one moment it is the one that holds."""


def ledger(shop: Shop, as_of: datetime, customer_id: str | None = None) -> pa.Table:
    """Every consent and objection before a moment, by time: nothing is ever taken out of it.

    Parameters
    ----------
    customer_id : of one customer alone, by any of its ids. Default: of all.

    Returns
    -------
    customer_id (as of the moment), id (the one that it was said under), type, purpose (in small letters;
    null is every purpose), time, source (the event's channel), text_version and proof (of its
    properties), event_id.
    """
    events, who = shop.events, shop.identities
    own = None
    if customer_id is not None:
        one = pair(customer_id, as_of)
        events, own = shop.events_of(one), who.customers(one)[0].as_py()
    said = events.filter(events.type.isin([*CONSENTS, *OBJECTIONS]), events.time < ibis.literal(as_of))
    said = who.named(who.raw(said).mutate(id=who.raw(said).customer_id), as_of)
    notes = said.properties.cast("json")
    rows = said.select(
        "customer_id",
        "id",
        "type",
        "time",
        "event_id",
        purpose=said.text.strip().lower().nullif(""),
        source=said.channel,
        text_version=notes["text_version"].str,
        proof=notes["proof"].str,
    )
    of_whom = rows.customer_id.notnull() if own is None else rows.customer_id == own
    rows = rows.filter(of_whom).order_by("time", "event_id")
    columns = ["customer_id", "id", "type", "purpose", "time", "source", "text_version", "proof", "event_id"]
    return shop.engine.to_arrow(rows.select(columns))


def consents_as_of(shop: Shop, as_of: datetime) -> pa.Table:
    """What each customer said last of each purpose, by any of its ids.

    Returns
    -------
    customer_id, purpose, granted, time, source, text_version, proof; by customer and purpose.
    """
    newest = _newest(ledger(shop, as_of), CONSENTS, ["customer_id", "purpose"])
    granted = pc.equal(newest["type"], CONSENTS[0])
    columns = newest.select(["customer_id", "purpose", "time", "source", "text_version", "proof"])
    return columns.add_column(2, "granted", granted)


def objections_as_of(shop: Shop, as_of: datetime) -> pa.Table:
    """The objections that stand: made by any id of a customer, and not taken back since.

    Returns
    -------
    customer_id, purpose (null: every purpose), time, source; by customer and purpose.
    """
    newest = _newest(ledger(shop, as_of), OBJECTIONS, ["customer_id", "purpose"])
    standing = newest.filter(pc.equal(newest["type"], OBJECTIONS[1]))
    return standing.select(["customer_id", "purpose", "time", "source"])


def withheld(shop: Shop, purpose: str, as_of: datetime) -> pa.Array:
    """The customers whom a purpose is forbidden for: they objected to it, or took their consent back.

    Who said nothing is not among them: whether silence is consent depends on the law of the place.

    Parameters
    ----------
    purpose : e.g. "marketing". What was said of no purpose in particular is said of every one.
    """
    return forbidden(ledger(shop, as_of), purpose)


def withheld_from(shop: Shop, customer_id: str, as_of: datetime) -> list[str]:
    """The purposes of `PURPOSES` that are forbidden for one customer, by any of its ids."""
    said = ledger(shop, as_of, customer_id)
    return [purpose for purpose in PURPOSES if len(forbidden(said, purpose))]


def forbidden(said: pa.Table, purpose: str) -> pa.Array:
    """The customers of a ledger whom a purpose is forbidden for; see `withheld`."""
    said = said.filter(pc.or_(pc.is_null(said["purpose"]), pc.fill_null(pc.equal(said["purpose"], purpose), False)))
    found = []
    for types in (CONSENTS, OBJECTIONS):
        newest = _newest(said, types, ["customer_id"])
        found.append(newest.filter(pc.equal(newest["type"], types[1]))["customer_id"])
    return pa.chunked_array([chunk for column in found for chunk in column.chunks], pa.string()).unique()


def object_to(shop: Shop, customer_id: str, purpose: str, *, withdraw: bool = False) -> None:
    """Log that a customer objects to a purpose from now on, or takes the objection back.

    Parameters
    ----------
    purpose : one of `PURPOSES`.

    Raises
    ------
    InputError
        If there is no such purpose.
    NotFoundError
        If the log has no event of the customer.
    """
    if purpose not in PURPOSES:
        raise InputError(f'There is no purpose "{purpose}". There are: {", ".join(PURPOSES)}.')
    require_known(shop, customer_id, present(shop))
    kind = OBJECTIONS[not withdraw]
    shop.log.append(event_by_hand(shop, kind, customer_id, text=purpose, channel="shop"), f"{kind} by {customer_id}")


def _newest(said: pa.Table, types: tuple[str, str], keys: list[str]) -> pa.Table:
    """Of each key the newest row of two types."""
    said = said.filter(pc.is_in(said["type"], pa.array(types)))
    said = said.append_column("forbids", pc.equal(said["type"], types[1]))
    said = said.sort_by([(name, "ascending") for name in (*keys, "time", "forbids", "event_id")])
    ends = np.zeros(said.num_rows, bool)
    for key in keys:
        codes = said[key].combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
        ends |= np.append(codes[1:] != codes[:-1], True)[: len(codes)]
    return said.filter(pa.array(ends))
