"""Orders and worth of the last 39 weeks of CDNOW, by what is learned from the first 39 alone, through a shop's log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars import Shop
from regulars.churn.dataset import asked, features_of
from regulars.churn.outlook import learned_until, long_moments
from regulars.churn.rhythm import Rhythm
from regulars.config import ShopSettings

Floats = npt.NDArray[np.float64]

FIRST, KNOWN, DAYS = datetime(1997, 1, 1, tzinfo=UTC), datetime(1997, 10, 1, tzinfo=UTC), 273


def foreseen(source: Path, folder: Path) -> tuple[Floats, Floats]:
    """(n,) orders and (n,) worth of the weeks after, of the customers in the order of their names.

    The orders of a customer on one day are one, as in the literature.
    """
    orders = pq.read_table(source)
    orders = orders.group_by(["customer_id", "date"]).aggregate([("amount", "sum")])
    orders = orders.rename_columns(["customer_id", "date", "amount"]).sort_by("date")
    path = folder / "orders.parquet"
    pq.write_table(orders.filter(pc.less(orders["date"].cast("date32"), KNOWN.date())), path)
    shop = Shop.create(folder / "shop", ShopSettings(name="CDNOW", currency="USD"))
    shop.import_(path)
    moments = long_moments(FIRST, KNOWN)
    profiles = shop.tables.of("profile", asked(shop, [*moments, KNOWN]))

    def at(moment: datetime) -> pa.Table:
        return profiles.filter(pc.equal(profiles["as_of"], pa.scalar(moment, profiles["as_of"].type)))

    columns = Rhythm.of(at(moments[-1]), DAYS)
    now, forecast = learned_until(shop, profiles, KNOWN, columns)
    table = columns.added_to(at(KNOWN))
    found = forecast.predict(features_of(table, forecast.names), now.said(table, DAYS))
    order = np.argsort(np.array(table["customer_id"].to_pylist()))
    return found[order], (found * now.order_worth(table))[order]
