"""The shop's side from day to day: what is in stock, at what price, in which place; and what rivals charge."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from regulars.simulate.catalogue import Catalogue
from regulars.simulate.choice import Shelf
from regulars.simulate.params import Params
from regulars.simulate.randomness import generator

PURPOSE = 3
RIVALS_RESPONSE = 0.1
"""Share of the distance to our price that rivals close in a day."""
RIVALS_NOISE = 0.01
SALES_MEMORY = 0.95
"""What a day's sales weigh falls by so much each day; products are listed by it."""

Amounts = npt.NDArray[np.float64]


class Market:
    """Stock, prices and rivals; `shelf` shows them to customers, `sell` takes what they bought.

    Attributes
    ----------
    price, stock : (p,) as of now. Stock below zero is owed to customers.
    rival : (p,) logarithm of rivals' price over the list price.
    """

    def __init__(self, params: Params, seed: int, catalogue: Catalogue, units_a_day: float) -> None:
        self._params, self._seed, self._catalogue = params, seed, catalogue
        self.price = catalogue.list_price.copy()
        self.rival = generator(seed, PURPOSE).normal(0, 0.05, len(catalogue))
        weight = np.exp(catalogue.appeal.astype(np.float64) * 0.7)
        self.sales = units_a_day * weight / weight.sum()
        days = params.catalogue.stock_days
        self.stock = np.ceil(self.sales * days) + 1.0
        self.coming: dict[int, Amounts] = {}
        self._ordered = np.zeros(len(catalogue), bool)

    def copy(self) -> Market:
        """Another market of the same state."""
        other = object.__new__(Market)
        other.__dict__ = {
            name: value.copy() if isinstance(value, np.ndarray | dict) else value
            for name, value in self.__dict__.items()
        }
        return other

    def is_sold(self, day: int) -> npt.NDArray[np.bool_]:
        """(p,) between launch and end of life."""
        found: npt.NDArray[np.bool_] = (self._catalogue.first_day <= day) & (day <= self._catalogue.last_day)
        return found

    def open(self, day: int, when: date) -> Shelf:
        """Let rivals move, and put up the lists."""
        catalogue = self._catalogue
        own = np.log(self.price / catalogue.list_price)
        noise = generator(self._seed, PURPOSE, day).normal(0, RIVALS_NOISE, len(own))
        self.rival += RIVALS_RESPONSE * (np.minimum(own, 0.0) - self.rival) + noise
        season = catalogue.swing * np.cos(2 * np.pi * (when.timetuple().tm_yday / 365 - catalogue.phase))
        on_sale = self.is_sold(day) & (self.stock > 0)
        base = np.where(on_sale, catalogue.appeal + season, -np.inf).astype(np.float32)
        order = np.lexsort((-self.sales, catalogue.category))
        order = order[on_sale[order]].astype(np.int32)
        groups = len(catalogue.category_names)
        counts = np.bincount(catalogue.category, minlength=groups)
        return Shelf(
            base=base,
            price=self.price.copy(),
            log_price=own.astype(np.float32),
            taste=catalogue.taste,
            brand=catalogue.brand,
            category=catalogue.category,
            complements=catalogue.complements,
            by_category=catalogue.by_category,
            starts=catalogue.starts,
            ranking=order,
            listed=np.searchsorted(catalogue.category[order], np.arange(groups + 1)).astype(np.int32),
            rivals=(np.bincount(catalogue.category, self.rival, groups) / counts).astype(np.float32),
        )

    def sell(self, day: int, products: npt.NDArray[np.int32], units: npt.NDArray[np.float32]) -> None:
        """Take a day's sales off the stock, order more of what runs low, and take in what comes overnight."""
        sold = np.bincount(products, units, len(self.stock))
        self.stock -= sold
        self.sales = SALES_MEMORY * self.sales + (1 - SALES_MEMORY) * sold
        said = self._params.catalogue
        runs_low = self.is_sold(day) & ~self._ordered & (self.stock < self.sales * said.resupply_days * 1.5 + 1)
        amount = np.where(runs_low, np.ceil(self.sales * said.stock_days + np.maximum(-self.stock, 0)) + 1, 0.0)
        self._ordered |= runs_low
        due = day + said.resupply_days
        self.coming[due] = self.coming.get(due, 0.0) + amount
        if day + 1 in self.coming:
            delivered = self.coming.pop(day + 1)
            self.stock += delivered
            self._ordered &= delivered == 0
