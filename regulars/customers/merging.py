"""Joining and parting customers by hand: a person of the shop says so, and the log keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from regulars.customers.by_hand import event_by_hand, present
from regulars.customers.identities import Identities
from regulars.customers.known import require_known
from regulars.errors import InputError
from regulars.events.schema import TIME

if TYPE_CHECKING:
    from regulars.shop import Shop


def merge(shop: Shop, customer_id: str, other_id: str) -> str:
    """From now on the other is this customer; `unmerge` takes it back.

    Now is the shop's present, just after its newest event; `received_at` says when it was typed.

    Returns
    -------
    The customer that both are.

    Raises
    ------
    NotFoundError
        If the log has no event of one of them.
    InputError
        If they are one already, or may not be joined; the message says why. Nothing is logged then.
    """
    one, other = _customers(shop, customer_id, other_id)
    if one == other:
        raise InputError(f'"{customer_id}" and "{other_id}" are one customer already: {one}.')
    event = event_by_hand(shop, "customers_merged", customer_id, anonymous_id=other_id)
    refusals = Identities.of(shop.engine, ibis.union(shop.events, shop.engine.table(event))).refusals
    refusals = refusals.filter(pc.equal(refusals["time"], event["time"][0]))
    if refusals.num_rows:
        reason = refusals["reason"][0].as_py()
        raise InputError(f'"{customer_id}" and "{other_id}" cannot be joined: {reason}. Nothing was logged.')
    shop.log.append(event, f"merge of {customer_id} and {other_id}")
    return _customers(shop, customer_id, other_id)[0]


def unmerge(shop: Shop, customer_id: str, other_id: str) -> tuple[str, str]:
    """From now on the two are apart, whatever joined them; only `merge` joins them again.

    Returns
    -------
    The customers that they are then.

    Raises
    ------
    NotFoundError
        If the log has no event of one of them.
    InputError
        If they are not one customer.
    """
    one, other = _customers(shop, customer_id, other_id)
    if customer_id == other_id:
        raise InputError(f'"{customer_id}" is one id: there is nothing to part.')
    if one != other:
        raise InputError(
            f'"{customer_id}" and "{other_id}" are not one customer: there is nothing to part. '
            f"See whose ids they are: regulars customers show {customer_id}"
        )
    event = event_by_hand(shop, "customers_unmerged", customer_id, anonymous_id=other_id)
    shop.log.append(event, f"unmerge of {customer_id} and {other_id}")
    return _customers(shop, customer_id, other_id)


def _customers(shop: Shop, *ids: str) -> tuple[str, str]:
    moment = present(shop)
    for each in ids:
        require_known(shop, each, moment)
    pairs = pa.table({"customer_id": list(ids), "as_of": pa.array([moment] * len(ids), TIME)})
    one, other = shop.identities.customers(pairs).to_pylist()
    return one, other
