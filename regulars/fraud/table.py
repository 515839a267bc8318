"""What is suspected of each customer, for other capabilities: no coupon to who farms them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from regulars.fraud.abuse import suspicion

if TYPE_CHECKING:
    from regulars.shop import Shop

COLUMNS = {
    "suspicion": (
        "abuse_suspicion",
        {"meaning": "suspicion of abuse, by any kind", "unit": "share"},
    ),
    "kind": ("abuse_kind", {"meaning": "which abuse is suspected"}),
    "reason": ("abuse_reason", {"meaning": "why abuse is suspected"}),
}


def table(shop: Shop, pairs: pa.Table) -> pa.Table:
    """What is suspected of customers as of moments, in the order of the pairs (customer_id, as_of).

    `abuse_suspicion` is in [0, 1], 0 where nothing was found. Kinds `takeover` and `sign_ins` name victims, whose
    account may be in other hands: nothing should be sent or given to those either.
    """
    found = suspicion(shop, pairs)
    fields = [pairs.schema.field("customer_id"), pairs.schema.field("as_of")]
    fields += [pa.field(name, found[own].type, metadata=about) for own, (name, about) in COLUMNS.items()]
    columns = [pairs["customer_id"], pairs["as_of"], *(found[own] for own in COLUMNS)]
    return pa.table(columns, schema=pa.schema(fields))
