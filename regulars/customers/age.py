"""Who is known to be of age?"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa

from regulars.customers.view import customers_as_of

if TYPE_CHECKING:
    from regulars.shop import Shop

AGE = ("age",)
BIRTH = ("birthday", "birth_date", "birthdate", "date_of_birth", "生日", "出生日期")
"""What programs call the two traits; a birthday is written 1990-05-31, whatever follows."""
OLDEST = 150
"""Years: an age above, or one that is no number (`NaN` counts as the highest), says nothing."""


def of_age(shop: Shop, as_of: datetime, years: int = 18) -> pa.Array:
    """Ids of the customers who were so many years old on the day of a moment where the shop is, as their traits say.

    Who said nothing of their age, or something that is no date or number, is not among them. A birthday counts rather
    than an age, which grows old itself.
    """
    known = customers_as_of(shop, as_of).select(["customer_id", "attributes"])
    rows = shop.engine.table(known)
    traits = rows.attributes.cast("json")
    born = ibis.coalesce(*(traits[name].str for name in BIRTH)).substr(0, 10).try_cast("date")
    age = ibis.coalesce(*(ibis.coalesce(traits[name].str, traits[name].cast("string")) for name in AGE))
    last = as_of.astimezone(ZoneInfo(shop.config.shop.timezone)).date()
    # Who was born on 29 February is of age on 1 March.
    turned = date(last.year - years, last.month, last.day) if (last.month, last.day) != (2, 29) else None
    turned = turned or date(last.year - years, 2, 28)
    is_adult = ibis.ifelse(born.notnull(), born <= ibis.literal(turned), age.try_cast("float64").between(years, OLDEST))
    found = shop.engine.to_arrow(rows.filter(is_adult).select("customer_id").order_by("customer_id"))
    return found["customer_id"].combine_chunks()
