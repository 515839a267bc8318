"""How does the shop answer competitors, and what would that bring? Simulated before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from regulars import clock
from regulars.errors import InputError
from regulars.pricing.competitor.tables import prepare, responses
from regulars.pricing.guard import UNKNOWN, Admissible, Ints

if TYPE_CHECKING:
    from regulars.pricing.suggest.demand import Demand
    from regulars.state import State

Floats = npt.NDArray[np.float64]
Kind = Literal["match", "beat", "ignore"]
KINDS: tuple[Kind, ...] = ("match", "beat", "ignore")
ALL = ""
"""In place of a category: all that have no rule of their own."""


@dataclass(frozen=True)
class Response:
    """What to do where a competitor asks less than we do, or would at the price of most expected margin; where nobody
    does, that price is left.

    Attributes
    ----------
    kind : match (ask the same), beat (ask less by `by`), or ignore.
    by : share of the competitor's price, 0 to 0.5; of beat alone.
    """

    kind: Kind
    by: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f'There is no response "{self.kind}". There are: {", ".join(KINDS)}.')
        if not 0 <= self.by <= 0.5 or (self.by > 0) != (self.kind == "beat"):
            raise InputError(
                f"{self.kind} by {self.by}: beat needs a share of the competitor's price up to 0.5 (0.02 is 2 %), the "
                "others none."
            )

    def wanted(self, ours: Ints, theirs: Ints) -> Ints:
        """(n,) prices that answer; ours where nobody asks less, or nothing is known.

        >>> Response("beat", 0.1).wanted(np.array([1000, 1000, 1000]), np.array([900, 1200, -1])).tolist()
        [810, 1000, 1000]
        """
        if self.kind == "ignore":
            return ours
        answer = np.floor(theirs * (1 - self.by)).astype(np.int64)
        return np.where((theirs > UNKNOWN) & (theirs < ours), answer, ours)


class Simulated(NamedTuple):
    """What a response would bring in a week, beside leaving prices as they are.

    Attributes
    ----------
    price : (n,) that would be asked.
    products : how many prices would move; limited : how many of them not as far as the rule wants, by guardrails.
    margin, margin_now : of the products that would move, with the rule and without.
    low, high : in which the change of margin lies with 90 %, for how demand answers prices is not known exactly.
    """

    price: Ints
    products: int
    limited: int
    margin: float
    margin_now: float
    low: float
    high: float

    @property
    def change(self) -> float:
        """What the rule adds."""
        return self.margin - self.margin_now

    def to_dict(self) -> dict[str, Any]:
        """The figures."""
        return {name: value for name, value in self._asdict().items() if name != "price"} | {"change": self.change}


def simulate(response: Response, bounds: Admissible, ours: Ints, theirs: Ints, cost: Ints, demand: Demand) -> Simulated:
    """What a response would do to prices and margin, guardrails held.

    That customers compare is not known from our own sales: what a lower price brings is by our own demand alone, so
    what is said of a match is rather too little than too much.

    Parameters
    ----------
    theirs : (n,) the lowest of competitors, or -1.
    cost : (n,) coins; -1 where it is not known: those prices stay.
    """
    wanted = response.wanted(ours, theirs)
    asks = wanted != ours
    price = np.where(asks, bounds.nearest(wanted), ours)
    moves = price != ours
    left = price - np.maximum(cost, 0)
    now = ours - np.maximum(cost, 0)
    draws = demand.draws(np.stack([ours, price], axis=1), 200, seed=0)  # (200, n, 2)
    # Who comes for the lower price comes from other products of ours too.
    others = demand.others(np.stack([ours, price], axis=1))
    others = np.where(cost > UNKNOWN, others[:, 1] - others[:, 0], 0.0)
    change = ((draws[:, :, 1] * left - draws[:, :, 0] * now + others) * moves).sum(1)
    units = demand.units(np.stack([ours, price], axis=1))
    margin, before = float((units[:, 1] * left + others)[moves].sum()), float((units[:, 0] * now)[moves].sum())
    low, high = np.quantile(change, [0.05, 0.95]) if moves.any() else (0.0, 0.0)
    return Simulated(
        price, int(moves.sum()), int((asks & (price != wanted)).sum()), margin, before, float(low), float(high)
    )


def use(state: State, category: str, response: Response, simulated: Simulated | None, who: str) -> None:
    """Put a response to use for a category, from now on.

    Raises
    ------
    InputError
        If it was not simulated, or nobody says who does it.
    """
    if simulated is None:
        raise InputError("A response is simulated before it is used. See what it would bring first.")
    if not who.strip():
        raise InputError("Who puts the response to use? Say it: --as NAME")
    with prepare(state).write(alone="pricing responses") as change:
        change.execute(
            sa.insert(responses).values(
                category=category, at=clock.now(), rule=asdict(response), outcome=simulated.to_dict(), who=who
            )
        )


def in_use(state: State) -> Mapping[str, Response]:
    """The response of each category; of `ALL` where there is one for the others."""
    with prepare(state).read() as view:
        rows = view.execute(sa.select(responses).order_by(responses.c.at)).all()
    return {row.category: Response(**row.rule) for row in rows}
