"""Demand as arrays: how many of each product were sold in each week, to which customers, at which price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError, NotEnoughError
from regulars.pricing.response.checking import Flags, Floats, Numbers, Rows, Words, filled, medians, numbers

COMPETITOR, PROMOTION = "competitor's price", "promotion"
RECENT_WEEKS = 4


@dataclass(frozen=True)
class Demand:
    """Units sold, one row a series and week; a series is a product, or a product and a group of customers.

    Attributes
    ----------
    series : (n,) number of each row's, rising; weeks rise inside a series.
    week : (n,) int.
    units : (n,) float, >= 0.
    log_price : (n,) of the price of one.
    controls : (n, k) what else moves demand; of those not known in a row, the mean of its series.
    names : (k,) of the controls.
    stocked : (n,) share of the week in which there was any to sell, 0 to 1; rows of 0 tell nothing of demand.
    log_expected : (n,) mean of the logarithm of the price over the lot that drew it; NaN where none did.
    products, groups, categories : (s,) of each series, as the user knows them.
    """

    series: Numbers
    week: Numbers
    units: Floats
    log_price: Floats
    controls: Floats
    names: tuple[str, ...]
    stocked: Floats
    log_expected: Floats
    products: Words
    groups: Words
    categories: Words

    @classmethod
    def of(
        cls,
        product: npt.ArrayLike,
        week: npt.ArrayLike,
        units: npt.ArrayLike,
        price: npt.ArrayLike,
        *,
        category: npt.ArrayLike | None = None,
        group: npt.ArrayLike | None = None,
        competitor_price: npt.ArrayLike | None = None,
        promotion: npt.ArrayLike | None = None,
        stocked: npt.ArrayLike | None = None,
        expected_price: npt.ArrayLike | None = None,
        controls: Mapping[str, npt.ArrayLike] | None = None,
    ) -> Demand:
        """From one row for each product and week, and group of customers where given.

        Parameters
        ----------
        product, category, group : (n,) any values
            A product's category is that of its first row. Left out, all are of one.
        week : (n,) int
            Or any other period, numbered on. A week without a sale is a row of 0 units: left out, it would look as if
            nobody was ever put off.
        units : (n,) float, >= 0
        price : (n,) float, > 0, in one currency
        competitor_price : (n,) float, > 0, in the same currency; NaN where not known
        promotion : (n,) float, such as 0 and 1
        stocked : (n,) float in [0, 1], the share of the week in which there was any to sell; weeks without any tell
            nothing of demand
        expected_price : (n,) float, > 0
            Of a price that was drawn by lot, the geometric mean of the lot, by its chances; NaN where none drew it.
        controls : name -> (n,) float, whatever else moves demand

        Raises
        ------
        InputError
            If a value cannot be; the message names product and week.
        NotEnoughError
            If there is no row.

        Examples
        --------
        >>> demand = Demand.of(["tea", "tea"], [1, 2], [10, 14], [2.0, 1.5])
        >>> demand.recent.tolist()
        [0.0, 10.0]
        """
        label, of_week = np.asarray(product).astype(str), np.asarray(week)
        count, cost = numbers("units", units), numbers("price", price)
        who = np.full(len(label), "") if group is None else np.asarray(group).astype(str)
        kind = np.full(len(label), "all") if category is None else np.asarray(category).astype(str)
        there = np.ones(len(label)) if stocked is None else numbers("stocked", stocked)
        others: dict[str, Floats] = {}
        if competitor_price is not None:
            others[COMPETITOR] = numbers(COMPETITOR, competitor_price)
        if promotion is not None:
            others[PROMOTION] = numbers(PROMOTION, promotion)
        others |= {name: numbers(name, column) for name, column in (controls or {}).items()}
        lot = np.full(len(label), np.nan) if expected_price is None else numbers("expected_price", expected_price)
        named = {"units": count, "price": cost, "stocked": there, "group": who, "category": kind, **others}
        named["expected_price"] = lot
        rows = Rows(label, of_week, named)
        _, first, of_product = np.unique(label, return_index=True, return_inverse=True)
        rows.require_counts(count, there)
        rows.require_prices(cost, of_product)
        rows.refuse(lot <= 0, "expected_price", lot, "a price above 0 is expected, or NaN where no lot drew it.")
        if competitor_price is not None:
            rows.require_competitor(others[COMPETITOR], cost, of_product)
            others[COMPETITOR] = np.log(others[COMPETITOR])
        both = np.char.add(np.char.add(label, "\x00"), who)
        _, at, series = np.unique(both, return_index=True, return_inverse=True)
        order = np.lexsort((of_week, series))
        twice = (np.diff(series[order]) == 0) & (np.diff(of_week[order]) == 0)
        if twice.any():
            row = order[int(np.argmax(twice))]
            raise InputError(f'product "{label[row]}", week {of_week[row]}: comes twice. Add its rows up first.')
        columns = [filled(column, series)[order] for column in others.values()]
        return cls(
            series[order].astype(np.int64), of_week[order].astype(np.int64), count[order], np.log(cost[order]),
            np.column_stack(columns) if columns else np.zeros((len(label), 0)), tuple(others), there[order],
            np.log(lot[order]), label[at], who[at], kind[first][of_product[at]],
        )  # fmt: skip

    @classmethod
    def of_lines(
        cls,
        product: npt.ArrayLike,
        week: npt.ArrayLike,
        quantity: npt.ArrayLike,
        unit_price: npt.ArrayLike,
        *,
        category: npt.ArrayLike | None = None,
        until: int | None = None,
    ) -> Demand:
        """From order lines, one row each: weeks without a sale are filled in.

        A week's price is the median over its lines, for a mean would follow who happened to buy; of a week without a
        sale, that of the last week with one. A product's weeks are those from its first sale until `until` (the last
        week of any sale when left out).

        Raises
        ------
        InputError
            If a value cannot be; the message names product and week.
        NotEnoughError
            If there is no line, or none until then.
        """
        label, of_week = np.asarray(product).astype(str), np.asarray(week)
        sold, cost = numbers("quantity", quantity), numbers("unit_price", unit_price)
        kind_of_line = np.full(len(label), "all") if category is None else np.asarray(category).astype(str)
        lines = Rows(label, of_week, {"quantity": sold, "unit_price": cost, "category": kind_of_line})
        expected = "a price above 0 is expected. Leave out what was given away."
        lines.refuse(~(np.isfinite(cost) & (cost > 0)), "unit price", cost, expected)
        end = int(of_week.max()) if until is None else until
        if (of_week > end).all():
            raise NotEnoughError(f"until = {until}: all lines are of later weeks, the first of {of_week.min()}.")
        names, first, code = np.unique(label, return_index=True, return_inverse=True)
        begin = np.full(len(names), end + 1)
        np.minimum.at(begin, code, of_week)
        length = np.maximum(end + 1 - begin, 0)
        offset = np.concatenate([[0], np.cumsum(length)])
        inside = of_week <= end
        cell = offset[code[inside]] + of_week[inside] - begin[code[inside]]
        total = np.bincount(cell, sold[inside], offset[-1])
        filled, middle = np.unique(cell), medians(cost[inside], np.unique(cell, return_inverse=True)[1])
        # Each series begins with a sale, so the last sale before a cell is of the same series.
        prices = middle[np.searchsorted(filled, np.arange(offset[-1]), side="right") - 1]
        series = np.repeat(np.arange(len(names)), length)
        weeks = np.arange(offset[-1]) - offset[series] + begin[series]
        return cls.of(names[series], weeks, np.maximum(total, 0), prices, category=kind_of_line[first][series])

    def __len__(self) -> int:
        return len(self.units)

    @property
    def is_drawn(self) -> Flags:
        """(n,) whether a lot drew the price."""
        return np.isfinite(self.log_expected)

    @cached_property
    def recent(self) -> Floats:
        """(n,) mean units of the four weeks before each row, as far as there are rows; 0 in a series' first."""
        begin = np.searchsorted(self.series, np.arange(len(self.products)))
        total = np.concatenate([[0.0], np.cumsum(self.units)])
        row = np.arange(len(self))
        low = np.maximum(row - RECENT_WEEKS, begin[self.series])
        found: Floats = (total[row] - total[low]) / np.maximum(row - low, 1)
        return found

    @cached_property
    def share(self) -> Floats:
        """(s,) each product's share of its category's units, in standard deviations above the category's mean by units.

        Units are those of the time with some to sell: what was sold out is not small.

        >>> big, small = ["tea"] * 2, ["pot"] * 2
        >>> Demand.of(big + small, [1, 2, 1, 2], [9, 9, 3, 0], [1] * 4, stocked=[1, 1, 1, 0]).share.round(2).tolist()
        [-1.73, 0.58]
        """
        products, code = np.unique(self.products, return_inverse=True)
        category = np.unique(self.categories, return_inverse=True)[1]
        weeks = np.maximum(np.bincount(self.series, self.stocked, len(code)), 1e-9)
        rate = np.bincount(self.series, self.units, len(code)) / weeks
        of_product = np.bincount(code, rate, len(products))[code]
        weight = of_product / np.bincount(code)[code]  # the groups of a product make up its share together
        of_category = np.maximum(np.bincount(category, weight), 1e-12)
        share = of_product / of_category[category]
        share = share - (np.bincount(category, weight * share) / of_category)[category]
        scale = float(np.sqrt((weight * share**2).sum() / max(float(weight.sum()), 1e-12)))
        found: Floats = share / scale if scale > 1e-6 else np.zeros(len(code))
        return found

    def some(self, rows: Flags) -> Demand:
        """The rows where `rows` (n,) is true; series keep their numbers."""
        return Demand(
            self.series[rows], self.week[rows], self.units[rows], self.log_price[rows], self.controls[rows], self.names,
            self.stocked[rows], self.log_expected[rows], self.products, self.groups, self.categories,
        )  # fmt: skip

    def shifted(self, column: Floats, weeks: int) -> Floats:
        """(n,) a column's value so many weeks later in the same series, or before if negative; NaN where none is."""
        found = np.full(len(self), np.nan)
        source = np.arange(len(self)) + weeks
        inside = (source >= 0) & (source < len(self))
        at = np.flatnonzero(inside)
        same = (self.series[at] == self.series[source[at]]) & (self.week[source[at]] - self.week[at] == weeks)
        found[at[same]] = column[source[at[same]]]
        return found
