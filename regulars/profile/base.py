"""The shop that a customer is set against: which share of all choices each kind has, how alike customers are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.profile import tallies
from regulars.profile.dataset import held, source_for
from regulars.profile.rhythm import Pauses
from regulars.profile.shares import fitted_strength

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HABITS = ("hour", "weekday", "channel")
SAMPLE = 10_000
"""So many customers at most tell how the shop is."""
IN_FIT = 200_000
"""Customers times kinds that a strength is fitted to, at most."""
MOST_CHOICES = 20.0


@dataclass(frozen=True)
class Usual:
    """What share of choices falls on each kind.

    Attributes
    ----------
    share : {name: in (0, 1)}.
    strength : as how many choices of a customer it counts (see `shares`).
    choices : as how many choices an order counts: its lines are more alike than those of several orders, but more than
        one choice.
    """

    share: Mapping[str, float]
    strength: float
    choices: float = 1.0

    @classmethod
    def of(
        cls,
        pair: Floats,
        name: Any,
        weight: Floats,
        total: Floats,
        customers: int,
        squares: tuple[Floats, Floats] | None = None,
    ) -> Usual:
        """From rows of customers and kinds, those that were chosen.

        Parameters
        ----------
        pair : (n,) numbers of customers, below `customers`.
        name : (n,) of kinds.
        weight, total : (n,) as in `shares`.
        squares : (n,) and (n,), `square` and `total_square` of `tallies.interests`, where a choice has parts.
        """
        names, kind = np.unique(np.asarray(name, object).astype(str), return_inverse=True)
        customer = pair.astype(np.int64)
        totals = np.zeros(customers)
        totals[customer] = total
        # Who chose much tells more of the shop, but ten times as much is not ten times as telling.
        counts = totals / (totals + 1.0)
        share = np.bincount(kind, weight / total * counts[customer], len(names)) / max(counts.sum(), 1e-9)
        choices = 1.0 if squares is None else _choices(customer, weight, total, share, squares)
        # Fitted to the kinds that most choose: the many that hardly anybody does tell little of how customers differ.
        most = np.argsort(-share, kind="stable")[: max(IN_FIT // max(customers, 1), 1)]
        place = np.full(len(names), -1)
        place[most] = np.arange(len(most))
        dense = np.zeros((customers, len(most)))
        inside = place[kind] >= 0
        dense[customer[inside], place[kind[inside]]] = weight[inside]
        whole = np.repeat(totals[:, None], len(most), 1)
        strength = fitted_strength(choices * dense.ravel(), choices * whole.ravel(), np.tile(share[most], customers))
        # A kind that one customer alone chose is that customer's, not the shop's.
        several = np.bincount(kind, minlength=len(names)) > 1
        kept = {str(n): round(float(p), 6) for n, p, keep in zip(names, share, several, strict=True) if keep}
        return cls(kept, strength, round(choices, 3))


def _choices(customer: Ints, weight: Floats, total: Floats, share: Floats, squares: tuple[Floats, Floats]) -> float:
    """As how many choices an order counts: how much less shares differ between orders of a customer than if each order
    were one choice (a design effect; Kish 1965, Survey Sampling, 5.4)."""
    square, total_square = squares
    one = np.unique(customer, return_index=True)[1]
    # Of a customer with one occasion, nothing is left to differ.
    freedom = float((total[one] - total_square[one] / total[one]).sum())
    expected = freedom * float((share * (1 - share)).sum())
    found = float((square - weight**2 / total).sum())
    return float(np.clip(expected / found, 1.0, MOST_CHOICES)) if found > 1e-9 else 1.0


@dataclass(frozen=True)
class Levels:
    """Where customers stand on average, and how they and their orders differ (variances)."""

    middle: float
    between: float
    within: float

    @classmethod
    def of(cls, count: Floats, total: Floats, squares: Floats) -> Levels | None:
        """From sums over the orders of each customer; None where no customer has two.

        Source
        ------
        Searle, Casella and McCulloch (1992), Variance Components, 3.6: the analysis of variance of a one-way layout.
        """
        several = count >= 2
        if not several.any():
            return None
        mean = total[several] / count[several]
        left = np.clip(squares[several] - total[several] * mean, 0.0, None)
        within = float(left.sum() / (count[several] - 1).sum())
        between = float(mean.var() - within * (1 / count[several]).mean())
        return cls(*(round(x, 6) for x in (float(mean.mean()), max(between, 1e-4), max(within, 1e-4))))


class Sample(NamedTuple):
    """Customers who tell how the shop is.

    Attributes
    ----------
    customers : with an order before a moment, as `Shop.customers` has them.
    size : how many such customers there are.
    events : theirs, held; None where they are all customers.
    """

    customers: pa.Table
    size: int
    events: ibis.Table | None

    @classmethod
    def of(cls, shop: Shop, as_of: datetime) -> Sample:
        """Of the customers with an order before a moment."""
        customers = shop.customers(as_of)
        some = sampled(customers)
        return cls(some, customers.num_rows, held(shop, some) if some.num_rows < customers.num_rows else None)


@dataclass(frozen=True)
class Base:
    """The shop as of a moment.

    Attributes
    ----------
    counts : {measure of `needs.MEASURES`: how many the shop has}; of `shop_kinds`, by prediction.
    kinds : {"category", "brand", "style": what is chosen}, of those that are there.
    habits : {"hour", "weekday", "channel": when and where}.
    pauses : between orders; None where no customer has two days with one.
    prices : of what is paid beside others in the same categories (logarithms); None where it cannot be told.
    discounts : the share of lines under the list price, as the kind "below".
    """

    counts: Mapping[str, float] = field(default_factory=dict)
    kinds: Mapping[str, Usual] = field(default_factory=dict)
    habits: Mapping[str, Usual] = field(default_factory=dict)
    pauses: Pauses | None = None
    prices: Levels | None = None
    discounts: Usual | None = None

    @classmethod
    def of(cls, shop: Shop, sample: Sample) -> Base:
        """From a sample of the customers."""
        n = sample.customers.num_rows
        if not n:
            return cls()
        step = sample.size / n
        source = source_for(shop, sample.customers, sample.events)

        def rows(expression: Any) -> pa.Table:
            # In one order, so that sums are the same to the last bit.
            keys = ("pair", "kind", "habit", "name")
            return shop.engine.to_arrow(expression.order_by([c for c in keys if c in expression]))

        chosen = rows(tallies.interests(source))
        kinds = {kind: _usual(chosen.filter(pc.equal(chosen["kind"], kind)), n) for kind in tallies.KINDS}
        kinds = {kind: usual for kind, usual in kinds.items() if usual.share}
        found = rows(tallies.habits(source))
        habits = {name: _habit(found.filter(pc.equal(found["habit"], name)), n) for name in HABITS}
        gaps, prices = rows(tallies.gaps(source)), rows(tallies.prices(source))
        days, compared, listed = (
            column(table, name)
            for table, name in ((gaps, "order_days"), (prices, "compared_orders"), (prices, "listed_orders"))
        )
        first, last = column(gaps, "first_days"), column(gaps, "last_days")
        counts = {
            "shop_customers": sample.size,
            "shop_repeaters": int((days >= 2).sum() * step),
            "shop_regulars": int((days >= 3).sum() * step),
            "shop_days": round(float(first.max() - last.min()), 2) if len(first) else 0,
            "shop_compared": int((compared >= 2).sum() * step),
            "shop_listed": int((listed >= 1).sum() * step),
            "shop_channels": len(habits["channel"].share),
        }
        pauses = None
        if (days >= 2).any():
            pauses = Pauses.of(days, column(gaps, "log_sum"), column(gaps, "log_square_sum"))
        has = listed > 0
        buyers = int(has.sum())
        below = column(prices, "discounted_sum")[has]
        number = np.arange(buyers).astype(np.float64)
        discounts = Usual.of(number, ["below"] * buyers, below, listed[has], buyers) if buyers else None
        levels = Levels.of(compared, column(prices, "level_sum"), column(prices, "level_square_sum"))
        return cls(counts, kinds, habits, pauses, levels, discounts)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Base:
        """From what `to_dict` gave."""
        return cls(
            saved["counts"],
            {name: Usual(**usual) for name, usual in saved["kinds"].items()},
            {name: Usual(**usual) for name, usual in saved["habits"].items()},
            None if saved["pauses"] is None else Pauses(**saved["pauses"]),
            None if saved["prices"] is None else Levels(**saved["prices"]),
            None if saved["discounts"] is None else Usual(**saved["discounts"]),
        )


def sampled(customers: pa.Table) -> pa.Table:
    """All customers, or of many every so-manieth: ten thousand tell how a shop is.

    >>> sampled(pa.table({"customer_id": [str(k) for k in range(25_000)]})).num_rows
    8334
    """
    step = -(-customers.num_rows // SAMPLE) or 1
    return customers.take(pa.array(range(0, customers.num_rows, step), pa.int64()))


def column(table: pa.Table, name: str) -> Floats:
    """A column as floats; what is null counts as none."""
    found: Floats = np.nan_to_num(table[name].to_numpy(zero_copy_only=False).astype(np.float64))
    return found


def _usual(rows: pa.Table, customers: int) -> Usual:
    pair, weight, total, *squares = (
        column(rows, name) for name in ("pair", "weight", "total", "square", "total_square")
    )
    return Usual.of(pair, rows["name"].to_pylist(), weight, total, customers, (squares[0], squares[1]))


def _habit(rows: pa.Table, customers: int) -> Usual:
    pair, days = column(rows, "pair"), column(rows, "days")
    totals = np.bincount(pair.astype(np.int64), days, customers).astype(np.float64)
    return Usual.of(pair, rows["name"].to_pylist(), days, totals[pair.astype(np.int64)], customers)
