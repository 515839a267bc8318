"""Customers for whom a lot decided: who, when, by which chances, and what it fell upon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.actions import NONE
from regulars.campaign.uplift.trial import LEAST_OF_ARM
from regulars.events.schema import TIME

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

DRAWN = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("as_of", TIME, nullable=False),
        pa.field("arm", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("lot", pa.int64(), nullable=False),
    ]
)
"""One row a draw: the customer, the moment before it, the arm, whence it is known, and the number of its lot."""

Lot = Mapping[str, float]
"""arm -> chance; that of who is left alone is `actions.NONE`."""


@dataclass(frozen=True)
class Drawn:
    """Draws of lots.

    Attributes
    ----------
    table : in the columns of `DRAWN`, by time and customer.
    lots : the chances behind the rows.
    notes : what a reader must know of where they come from.
    """

    table: pa.Table
    lots: tuple[Lot, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def nothing(cls, *notes: str) -> Drawn:
        """No draws."""
        return cls(DRAWN.empty_table(), (), notes)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def where(self, rows: npt.NDArray[np.bool_]) -> Drawn:
        """Some of the rows."""
        return Drawn(self.table.filter(pa.array(rows)), self.lots, self.notes)

    @property
    def microseconds(self) -> Numbers:
        """(n,) when each was drawn, since 1970."""
        return np.asarray(self.table["as_of"].cast(pa.int64()), np.int64)

    @property
    def arms(self) -> npt.NDArray[np.object_]:
        """(n,) the arm of each."""
        return np.array(self.table["arm"].to_pylist(), object)


def joined(parts: Sequence[Drawn]) -> Drawn:
    """All draws of several sources, by time and customer."""
    lots: list[Lot] = []
    tables = []
    for part in parts:
        moved = pc.add(part.table["lot"], len(lots))
        tables.append(part.table.set_column(4, DRAWN.field("lot"), moved.cast(pa.int64())))
        lots += part.lots
    table = pa.concat_tables([DRAWN.empty_table(), *tables])
    table = table.sort_by([(name, "ascending") for name in ("as_of", "customer_id", "source", "arm")])
    return Drawn(table, tuple(lots), tuple(note for part in parts for note in part.notes))


@dataclass(frozen=True)
class Arms:
    """Draws that can be learned from together: each could have fallen upon each of the arms.

    Attributes
    ----------
    names : the arms, `NONE` first.
    rows : (n,) which of the draws.
    arm : (n,) the number of the arm that it fell upon.
    chance : (n, arms) of each, given that it fell upon one of them.
    """

    names: tuple[str, ...]
    rows: Numbers
    arm: Numbers
    chance: Floats


def comparable_arms(drawn: Drawn, wanted: Sequence[str] = ()) -> Arms | None:
    """The arms that most draws can be compared by.

    Draws of a lot that had other arms besides count where they fell upon one of these: given that, the chances are
    those of the lot, scaled.

    Parameters
    ----------
    wanted : only these actions; all when empty.

    Returns
    -------
    None where no arm, and who is left alone, has 100 customers each.

    Examples
    --------
    >>> rows = [("ada", 0, "none", "x", 0), ("bob", 0, "mail", "x", 0), ("cem", 0, "sms", "x", 0)] * 150
    >>> columns = dict(zip(DRAWN.names, zip(*rows)))
    >>> drawn = Drawn(pa.table(columns, schema=DRAWN), ({"none": 0.5, "mail": 0.25, "sms": 0.25},))
    >>> found = comparable_arms(drawn, ["mail"])
    >>> found.names, len(found.rows), found.chance[0].round(2).tolist()
    (('none', 'mail'), 300, [0.67, 0.33])
    """
    lot = drawn.table["lot"].to_numpy()
    arms = drawn.arms
    supports = {frozenset(name for name, chance in one.items() if chance > 0) for one in drawn.lots}
    allowed = {NONE, *wanted} if wanted else None
    candidates = {frozenset(one if allowed is None else one & allowed) for one in supports}
    best: Arms | None = None
    for support in sorted(candidates, key=lambda one: (-len(one), sorted(one))):
        found = _within(drawn, support, lot, arms)
        if found is not None and (best is None or len(found.rows) > len(best.rows)):
            best = found
    return best


def _within(drawn: Drawn, support: frozenset[str], lot: Numbers, arms: npt.NDArray[np.object_]) -> Arms | None:
    """Of the arms of a support those with enough customers, and the draws that count for them."""
    names = [NONE, *sorted(support - {NONE})]
    while len(names) > 1 and NONE in support:
        chances = np.array([[one.get(name, 0.0) for name in names] for one in drawn.lots])
        has_all: npt.NDArray[np.bool_] = np.asarray((chances > 0).all(1))
        is_fit = has_all[lot] & np.isin(arms, names)
        counts = {name: int((arms[is_fit] == name).sum()) for name in names}
        few = [name for name in names if counts[name] < LEAST_OF_ARM]
        if not few:
            rows = np.flatnonzero(is_fit)
            number = {name: k for k, name in enumerate(names)}
            chance = chances[lot[rows]]
            arm = np.array([number[name] for name in arms[rows]], np.int64)
            return Arms(tuple(names), rows, arm, chance / chance.sum(1, keepdims=True))
        if NONE in few:
            return None
        names = [name for name in names if name not in few]
    return None
