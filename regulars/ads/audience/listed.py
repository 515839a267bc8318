"""Who is on the list for ad platforms."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from regulars.ads.creatives import advertised
from regulars.ads.lift import ADVERTISE
from regulars.ads.permitted import permitted
from regulars.customers import customers_as_of

if TYPE_CHECKING:
    from regulars.shop import Shop


def listed(shop: Shop, as_of: datetime, product: str | None = None) -> list[dict[str, Any]]:
    """The customers whom the newest decision shows ads to, of those who may still see them as of a moment.

    Parameters
    ----------
    product : what is advertised: who has it is left out. Default: the products of the shop's creatives, of which some
        must be left to advertise.

    Returns
    -------
    Rows with customer_id, email, phone and jurisdiction_country.
    """
    decided = shop.tables.read("ads", "decisions")
    chosen = decided.filter(pc.equal(decided["action"], ADVERTISE))["customer_id"].combine_chunks()
    may = (
        permitted(shop, as_of, advertised(shop) if product is None else {product}).pairs["customer_id"].combine_chunks()
    )
    wanted = pc.filter(chosen, pc.is_in(chosen, may))
    known = customers_as_of(shop, as_of)
    rows = known.filter(pc.is_in(known["customer_id"], pa.array(wanted)))
    found: list[dict[str, Any]] = rows.select(["customer_id", "email", "phone", "jurisdiction_country"]).to_pylist()
    return found
