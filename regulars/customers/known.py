"""Ids that the log knows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import ibis
import pyarrow as pa

from regulars.errors import NotFoundError
from regulars.events.schema import TIME

if TYPE_CHECKING:
    from regulars.shop import Shop


def require_known(shop: Shop, customer_id: str, as_of: datetime) -> None:
    """Refuse an id that no event before the moment has.

    Raises
    ------
    NotFoundError
        The message names similar ids.
    """
    is_before = ibis._.time < ibis.literal(as_of)
    if shop.engine.to_arrow(
        shop.events_of(pair(customer_id, as_of)).filter(is_before).select("line").limit(1)
    ).num_rows:
        return
    before = shop.events.filter(is_before)
    # An alias names the earlier id beside the new one: it is known, though no other event has it.
    is_there = (before.customer_id == customer_id) | (before.anonymous_id == customer_id)
    if shop.engine.to_arrow(before.filter(is_there).select("line").limit(1)).num_rows:
        return
    named, unnamed = before.select(id=before.customer_id), before.select(id=before.anonymous_id)
    ids = ibis.union(named, unnamed, distinct=True).filter(ibis._.id.notnull())
    nearest = ids.order_by(ids.id.levenshtein(customer_id), "id").limit(3)
    there = ", ".join(shop.engine.to_arrow(nearest)["id"].to_pylist()) or "none"
    raise NotFoundError(
        f'There is no customer "{customer_id}" with an event before {as_of:%Y-%m-%d %H:%M} UTC. Similar ids: {there}.'
    )


def pair(customer_id: str, as_of: datetime) -> pa.Table:
    """One customer and moment, as `Identities` is asked.

    >>> from datetime import UTC
    >>> pair("ada", datetime(2024, 5, 1, tzinfo=UTC)).column_names
    ['customer_id', 'as_of']
    """
    return pa.table({"customer_id": [customer_id], "as_of": pa.array([as_of], TIME)})
