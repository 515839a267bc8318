"""What is to come of each customer: when the next order, how many, and what they earn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from regulars.churn import forecast as orders_files
from regulars.churn import hazard as hazard_file
from regulars.churn import value as value_file
from regulars.churn.btyd.history import Floats
from regulars.churn.dataset import KEYS, Dataset, Later, features_of
from regulars.churn.forecast import OrderForecast, Said
from regulars.churn.hazard import Hazard
from regulars.churn.rhythm import Rhythm
from regulars.churn.value import Value, discount
from regulars.errors import NotEnoughError

if TYPE_CHECKING:
    from regulars.shop import Shop

AHEAD = (30, 90, 365)
"""Days over which margin is expected."""
MOMENTS = 5
"""Past moments from which orders are learned, each with all that is known after it: short horizons and long ones."""
ABOUT = "outlook.json"
FILES = (ABOUT, *orders_files.FILES, hazard_file.FILE, value_file.FILE)


@dataclass(frozen=True)
class Outlook:
    """Orders, their time and their margin.

    Attributes
    ----------
    rhythm : as of the end of what was learned from.
    value : None where margin cannot be said.
    by_year : what money loses in a year, as a share.
    """

    rhythm: Rhythm
    forecast: OrderForecast
    hazard: Hazard
    value: Value | None
    by_year: float

    def orders(self, profiles: pa.Table, days: float) -> Floats:
        """(n,) orders within so many days."""
        return self.forecast.predict(features_of(profiles, self.forecast.names), self.rhythm.said(profiles, days))

    def margin(self, profiles: pa.Table, risk: Floats) -> Floats | None:
        """(n,) margin within the horizon, as it is worth when it comes; None where it cannot be said."""
        if self.value is None:
            return None
        worth = self.orders(profiles, self.hazard.horizon_days) * self.rhythm.order_worth(profiles)
        return self.value.predict(features_of(profiles, self.forecast.names), risk, worth)

    def margins(self, profiles: pa.Table, risk: Floats) -> dict[int, Floats]:
        """{days: (n,) margin of the orders within them, as it is worth today}; empty where it cannot be said."""
        value = self.margin(profiles, risk)
        if value is None:
            return {}
        each = value / np.maximum(self.orders(profiles, self.hazard.horizon_days), 1e-12)
        return {days: each * self.orders(profiles, days) * discount(days, self.by_year) for days in AHEAD}

    def survival(self, profiles: pa.Table, risk: Floats) -> Floats:
        """(n, parts) the chance that no order has come by the end of each part of the horizon."""
        return self.hazard.survival(features_of(profiles, self.hazard.names), risk)

    def to_files(self) -> dict[str, bytes]:
        """JSON, LightGBM's text, safetensors."""
        about = {
            "forecast": list(self.forecast.names),
            "hazard": list(self.hazard.names),
            "rhythm": self.rhythm.to_json(),
            "horizon_days": self.hazard.horizon_days,
            "value": None if self.value is None else self.value.to_json(),
            "by_year": self.by_year,
        }
        files = {ABOUT: json.dumps(about, indent=2).encode(), **self.forecast.to_files(), **self.hazard.to_files()}
        return files if self.value is None else {**files, **self.value.to_files()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Outlook:
        """From what `to_files` gave."""
        about = json.loads(files[ABOUT])
        return cls(
            rhythm=Rhythm.from_json(about["rhythm"]),
            forecast=OrderForecast.from_files(about["forecast"], files),
            hazard=Hazard.from_files(about["hazard"], about["horizon_days"], files),
            value=None if about["value"] is None else Value.from_saved(about["value"], files),
            by_year=about["by_year"],
        )


def fit_value(
    choice: str, data: Dataset, risk: Floats, forecast: OrderForecast, rhythm: Rhythm, horizon_days: float
) -> Value:
    """From customers whose later margin is known; see `Value.fit`."""
    orders = forecast.predict(features_of(data.table, forecast.names), rhythm.said(data.table, horizon_days))
    return Value.fit(choice, data.features, risk, orders * rhythm.order_worth(data.table), data.later.margin)


def fit_forecast(data: Dataset, rhythm: Rhythm, horizon_days: float) -> OrderForecast:
    """From customers whose later orders are known, all over one horizon."""
    return OrderForecast.fit(data.names, data.features, rhythm.said(data.table, horizon_days), data.later.orders)


def learned_until(shop: Shop, profiles: pa.Table, until: datetime, columns: Rhythm) -> tuple[Rhythm, OrderForecast]:
    """The rhythm as of a moment, and orders learned from several before it, each with all that came after it.

    Parameters
    ----------
    profiles : as of the moments before, and of this one.
    columns : whose `alive` and `expected_orders` the features have.

    Raises
    ------
    NotEnoughError
        If there is no earlier moment at which enough customers had come back.
    """
    pairs = profiles.select(KEYS)
    as_of = np.array([moment.timestamp() for moment in pairs["as_of"].to_pylist()])
    horizon = np.maximum(np.round((until.timestamp() - as_of) / 86_400), 1.0)
    later = Later.of(shop, pairs, horizon)
    now = Rhythm.of(profiles.filter(pa.array(as_of == until.timestamp())), columns.horizon_days)
    parts, rows = [], []
    for moment in np.unique(as_of[as_of < until.timestamp()]):
        at = np.flatnonzero(as_of == moment)
        known = profiles.take(pa.array(at))
        try:
            parts.append(Rhythm.of(known, columns.horizon_days).said(known, float(horizon[at[0]])))
        except NotEnoughError:
            continue
        rows.append(at)
    if not rows:
        raise NotEnoughError(
            f"churn: before {until:%Y-%m-%d} there is no moment at which enough customers had come back for orders to "
            "be foreseen. Import more history."
        )
    chosen = np.concatenate(rows)
    table = columns.added_to(profiles.take(pa.array(chosen)))
    names = [name for name in table.column_names if name not in KEYS]
    said = Said(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    return now, OrderForecast.fit(names, features_of(table, names), said, later.orders[chosen])


def long_moments(first: datetime, until: datetime) -> list[datetime]:
    """Moments from a third to two thirds through the log, or the last year of a longer one; the first the earliest.

    >>> from datetime import UTC
    >>> [f"{t:%m-%d}" for t in long_moments(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 4, 30, tzinfo=UTC))]
    ['02-10', '02-20', '03-01', '03-11', '03-21']
    """
    span = min((until - first).days, 547)
    days = np.linspace(2 * span / 3, span / 3, MOMENTS).round().astype(int)
    return [until - timedelta(days=int(each)) for each in dict.fromkeys(days.tolist())]
