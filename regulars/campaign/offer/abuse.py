"""Who gets no coupon: whoever is suspected of farming them, as far as another capability knows of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars import capability as capabilities
from regulars.errors import NotEnoughError, NotFoundError
from regulars.events.schema import TIME

if TYPE_CHECKING:
    from regulars.shop import Shop

CAPABILITY, SUSPICION, KIND = "fraud", "abuse_suspicion", "abuse_kind"
VICTIMS = ("takeover", "sign_ins")
"""Kinds that name victims: their account may be in other hands, so no message goes there either."""


def suspected(shop: Shop, customers: pa.Array, as_of: datetime, most: float) -> tuple[pa.Array, pa.Array]:
    """Who of some customers is suspected of abuse, and whose account may be in other hands.

    Parameters
    ----------
    customers : (n,) ids.
    most : `[sending] most_suspicion`: above it, a customer is suspected.

    Returns
    -------
    (n,) bool each. All false where nothing is known: without that capability, or before it has enough to go by.
    """
    nobody = pa.array(np.zeros(len(customers), bool))
    if not len(customers) or CAPABILITY not in capabilities.names():
        return nobody, nobody
    if not hasattr(capabilities.load(CAPABILITY), "table"):
        return nobody, nobody
    pairs = pa.table({"customer_id": customers, "as_of": pa.repeat(pa.scalar(as_of, TIME), len(customers))})
    try:
        found = shop.tables.of(CAPABILITY, pairs)
    except (NotFoundError, NotEnoughError):
        return nobody, nobody
    if SUSPICION not in found.column_names:
        return nobody, nobody
    above = pc.fill_null(pc.greater(found[SUSPICION], most), False).combine_chunks()
    if KIND not in found.column_names:
        return above, nobody
    return above, pc.and_(above, pc.is_in(found[KIND].combine_chunks(), pa.array(VICTIMS)))
