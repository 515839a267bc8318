"""What personal discounts really gave away: an order that used one counts, one that was not used returns at its end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.pricing.lots import DAY, decided
from regulars.pricing.money import digits, to_coins
from regulars.pricing.products import price_history

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

FOR_EVER = -(1 << 60)
"""So far back may the list price lie that holds at an order."""
STATED = "stated rule"
"""How policies of stated rules begin: what those take off is nobody's own, and not of the budget."""


class Tally(NamedTuple):
    """The personal discounts that stood within the last `horizon_days`, in the shop's currency.

    Attributes
    ----------
    discounts, used : how many, and how many of them some order used.
    offered : what they were expected to give away.
    given : what orders really took off list prices by them.
    open : what those that stand at the moment may still give away, as expected.
    back : what those that ended were expected to give away, and did not.
    left : what the next decision may give away: the budget, less what was given beyond its part for the days so far.
    """

    discounts: int
    used: int
    offered: float
    given: float
    open: float
    back: float
    left: float


def tally(shop: Shop, as_of: datetime) -> Tally:
    """What was given by the discounts of the decisions before a moment; see `Tally`.

    Of an order counts what it paid less than the list price of its time, and no more of it than the discount's share:
    the rest was taken off by something else.
    """
    settings = shop.config.pricing
    window = timedelta(days=settings.horizon_days)
    made = decided(shop, as_of)
    is_own = np.array([not (policy or "").startswith(STATED) for policy in made["policy"].to_pylist()], bool)
    is_own &= np.asarray(made["is_personal"], bool) & (made["share"].to_numpy() > 0)
    begin, end = (made[name].cast(pa.int64()).to_numpy() for name in ("time", "end"))
    since = int((as_of - window).timestamp() * 1_000_000)
    rows = np.flatnonzero(is_own & (end > since))
    if not len(rows):
        return Tally(0, 0, 0.0, 0.0, 0.0, 0.0, settings.budget)
    given = _given(shop, made.take(pa.array(rows)), as_of - window, as_of)
    offered = np.nan_to_num(made["expected_cost"].to_numpy()[rows])
    moment = int(as_of.timestamp() * 1_000_000)
    stands = (end[rows] == moment) & (begin[rows] + made["horizon_days"].to_numpy()[rows] * DAY > moment)
    rest = np.maximum(offered - given, 0.0)
    total = float(given.sum())
    part = (moment - max(since, int(begin[rows].min()))) / (moment - since)
    return Tally(
        discounts=len(rows),
        used=int((given > 0).sum()),
        offered=round(float(offered.sum()), 4),
        given=round(total, 4),
        open=round(float(rest[stands].sum()), 4),
        back=round(float(rest[~stands].sum()), 4),
        left=round(max(settings.budget - max(total - settings.budget * part, 0.0), 0.0), 4),
    )


def _given(shop: Shop, made: pa.Table, since: datetime, as_of: datetime) -> Floats:
    """(n,) what orders from a moment on took off list prices by each discount while it stood."""
    events = shop.events
    lines = events.filter(
        events.type == "order_completed", events.time >= ibis.literal(since), events.time < ibis.literal(as_of),
        events.unit_price > 0, events.product_id.notnull(),
    )  # fmt: skip
    lines = shop.identities.named(
        lines.select("customer_id", "anonymous_id", "product_id", "unit_price", "quantity", "time"), as_of
    )
    place = made.select(["customer_id", "end"]).append_column("begin", made["time"])
    stood = shop.engine.table(place.append_column("place", pa.array(np.arange(len(made)))))
    met = lines.join(stood, "customer_id")
    met = met.filter(met.time >= met.begin, met.time < met.end)
    bought = shop.engine.to_arrow(
        met.select("place", "product_id", "unit_price", "time", quantity=met.quantity.fill_null(1.0)).order_by(
            "time", "place", "product_id", "unit_price"
        )
    )
    currency = shop.config.shop.currency
    paid = to_coins(bought["unit_price"], currency)
    history = price_history(shop, as_of).select(["product_id", "since", "coins"]).sort_by("since")
    # Joined are whole numbers alone: the join knows no decimals.
    asked = bought.select(["time", "product_id"]).join_asof(
        history, "time", "product_id", FOR_EVER, "since", "product_id"
    )
    listed = np.nan_to_num(asked["coins"].to_numpy().astype(np.float64))
    which = bought["place"].to_numpy()
    taken = np.clip(listed - paid, 0.0, listed * made["share"].to_numpy()[which]) * bought["quantity"].to_numpy()
    found: Floats = np.bincount(which, taken, len(made)) / 10 ** digits(currency)
    return found
