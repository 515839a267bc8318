"""Who gets which arm: a pure function of a customer's id, the same for one, for many, and in the engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.experiment.assign.hashing import NOBODY, Gates, Numbers, places, refuse_empty, unpacked


@dataclass(frozen=True)
class Arm:
    """One way to treat customers.

    Attributes
    ----------
    weight : its share of the customers in the experiment, (0, 1]; those of all arms add to 1.
    """

    name: str
    weight: float


@dataclass(frozen=True)
class Holdout:
    """Customers whom no experiment ever touches, so that all of them together can be measured against it.

    Attributes
    ----------
    share : of all customers, [0, 1).
    """

    share: float
    salt: str

    def holds(self, customer_ids: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.bool_]:
        """(n,) who is held out; InputError if an id is empty.

        >>> Holdout(0.25, "ever").holds(pa.array(["ada", "bob", "cem", "dan", "eve"])).tolist()
        [False, True, False, False, False]
        """
        return places(self.salt, customer_ids) < self.share

    def expression(self, customer_id: Any) -> Any:
        """Whether a customer is held out, for a column of the engine; null where the id is missing or empty."""
        found = _asked(Gates([], self.salt, (self.share, 1.0)), "held_out", customer_id)
        return found.nullif(NOBODY) == 0


@dataclass(frozen=True)
class Plan:
    """How an experiment assigns: everything that an implementation elsewhere must know.

    A customer is in it if it is not held out, its place in the layer is in the experiment's range, and its place in the
    traffic is below the share. Its arm is the first whose weights, added up to it, are above its place among the arms.
    Each of the four is a place of its own, under a salt of its own: so raising the share takes more customers in and
    moves none of those that are in, and who was in which arm of one experiment says nothing of the next.

    Attributes
    ----------
    salt : of the experiment; a new one deals all customers anew.
    share : of the customers in its range, [0, 1].
    layer : experiments of one layer have ranges of it that do not meet, so no customer is in two; "" for none.
    low, high : the range [low, high) of the layer.
    holdout : the shop's.

    Examples
    --------
    >>> plan = Plan("spring", (Arm("control", 0.5), Arm("blue", 0.5)), share=1.0)
    >>> plan.arm("ada"), plan.arm("顾客7")
    ('blue', 'control')
    >>> plan.assigned(pa.array(["ada", "bob", "cem"])).to_pylist()
    ['blue', 'control', 'control']
    """

    salt: str
    arms: tuple[Arm, ...]
    share: float
    layer: str = ""
    low: float = 0.0
    high: float = 1.0
    holdout: Holdout | None = None

    @cached_property
    def ends(self) -> tuple[float, ...]:
        """Where the arms end in [0, 1), in their order: weights added up from the first, the last end being 1."""
        return (*accumulate(arm.weight for arm in self.arms[:-1]), 1.0)

    @cached_property
    def _gates(self) -> Gates:
        gates = [(f"{self.salt}/traffic", 0.0, self.share)]
        if self.layer:
            gates.append((f"layer/{self.layer}", self.low, self.high))
        if self.holdout is not None:
            gates.append((self.holdout.salt, self.holdout.share, 1.0))
        return Gates(gates, f"{self.salt}/arm", self.ends)

    def numbers(self, customer_ids: pa.Array | pa.ChunkedArray) -> Numbers:
        """(n,) the number of each customer's arm, from 0; -1 for who is not in it. InputError if an id is empty."""
        texts = unpacked(customer_ids)
        refuse_empty(customer_ids, texts[1])
        return self._gates.numbers(texts)

    def assigned(self, customer_ids: pa.Array | pa.ChunkedArray) -> pa.Array:
        """(n,) the name of each customer's arm; null for who is not in it. InputError if an id is empty."""
        numbers = self.numbers(customer_ids)
        return pa.array([arm.name for arm in self.arms]).take(pa.array(numbers, mask=numbers == NOBODY))

    def arm(self, customer_id: str) -> str | None:
        """The name of one customer's arm; None if it is not in it. InputError if the id is empty."""
        number = int(self.numbers(pa.array([customer_id]))[0])
        return None if number == NOBODY else self.arms[number].name

    def expression(self, customer_id: Any) -> Any:
        """The name of the arm, for a column of the engine: null for who is not in it, and where the id is empty.

        >>> from regulars.engine import Engine
        >>> engine, plan = Engine(), Plan("spring", (Arm("control", 0.5), Arm("blue", 0.5)), share=1.0)
        >>> rows = engine.table(pa.table({"customer_id": ["ada", "bob", "cem", "", None]}))
        >>> found = engine.to_arrow(rows.mutate(arm=plan.expression(rows.customer_id)))
        >>> found.sort_by("customer_id")["arm"].to_pylist()
        [None, 'blue', 'control', 'control', None]
        """
        found = _asked(self._gates, "arm_number", customer_id)
        return found.cases(*((number, arm.name) for number, arm in enumerate(self.arms)), else_=ibis.null(dt.string))


def _asked(gates: Gates, name: str, customer_id: Any) -> Any:
    """The number of an arm as a part of an expression: the engine hands over a few thousand ids at a time.

    Spark runs the same function the same way. Nulls never reach it, and may not come out of it.
    """

    def of_some(ids: Any) -> pa.Array:
        return pa.array(gates.numbers(unpacked(ids)))

    return ibis.udf.scalar.pyarrow(of_some, name=name, signature=((dt.string,), dt.int16))(customer_id)
