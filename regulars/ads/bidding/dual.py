"""What a unit of money is worth while a budget lasts: the price at which it lasts to the end, learned on the way."""

from __future__ import annotations

import numpy as np

from regulars.errors import InputError

FIRST_STEP, LAST_STEP = 0.05, 0.005
MOST = 6.0
"""The logarithm of the price goes no higher: one would bid a four-hundredth of the value."""


class Dual:
    """The shadow price of money: bids are made as if each unit of money cost `price` units.

    After each auction the price rises if more was spent than is left for one, and falls if less; it never falls below
    1, for unspent money is worth itself.

    Parameters
    ----------
    budget : above 0.
    auctions : how many are expected, 1 or more.

    Source
    ------
    Balseiro, Lu and Mirrokni (2020), The Best of Many Worlds: Dual Mirror Descent for Online Allocation Problems,
    with entropy as the mirror; what is left is shared out anew each time.

    Examples
    --------
    >>> dual = Dual(budget=100.0, auctions=1000)
    >>> for _ in range(50):
    ...     dual.spent(0.5)  # five times what each auction may cost
    >>> dual.price > 2, dual.left
    (True, 75.0)
    """

    def __init__(self, budget: float, auctions: int) -> None:
        if not 0 < budget < np.inf:
            raise InputError(f"budget = {budget:g}: more than 0 is expected. To buy nothing, do not bid.")
        if auctions < 1:
            raise InputError(f"auctions = {auctions}: 1 or more are expected.")
        self.budget, self.auctions = budget, auctions
        self.left = budget
        self._seen = 0
        self._log_price = 0.0

    @property
    def price(self) -> float:
        """1 or more."""
        return float(np.exp(self._log_price))

    def spent(self, cost: float) -> None:
        """What one auction cost; 0 where it was lost."""
        # Beyond the expected number, what is left is shared over as many as one hundredth of it.
        to_come = max(self.auctions - self._seen, self.auctions // 100, 1)
        share = max(self.left, self.budget * 1e-6) / to_come
        step = max(FIRST_STEP / np.sqrt(1 + self._seen / 200), LAST_STEP)
        # An auction that costs the share of many moves the price as far as twenty of them: prices follow, not jump.
        self._log_price += step * float(np.clip(cost / share - 1, -1, 20))
        self._log_price = float(np.clip(self._log_price, 0.0, MOST))
        self.left -= cost
        self._seen += 1
