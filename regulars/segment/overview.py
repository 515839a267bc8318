"""The groups of a shop at a glance: each with its size, what it is worth, and what sets it apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from regulars.errors import NotEnoughError
from regulars.segment.dataset import Known, known_as_of
from regulars.segment.rfm import CELLS, NAMES, Rfm
from regulars.segment.training import NAME, kept_as_of
from regulars.segment.value import GroupValue, Worth, after, by_group, worth

if TYPE_CHECKING:
    from regulars.shop import Shop

Ints = npt.NDArray[np.int64]

NO_CLUSTERS = {
    "en": "There are no real clusters here: {verdict} RFM cells are there all the same.",
    "zh": "这里没有真实的聚类：{verdict} RFM 分组仍可使用。",
}
NOT_LEARNED = {
    "en": "Nothing was learned before this moment, so there are RFM cells alone. Learn: regulars learn segment",
    "zh": "此刻之前尚未学习，只有 RFM 分组。请运行：regulars learn segment",
}


@dataclass(frozen=True)
class Group:
    """One segment or cell.

    Attributes
    ----------
    id : of a segment; None of a cell, whose name is its id.
    value : `churn` and `spend` are of whoever was in it one horizon before, within that horizon: what to expect next.
    """

    id: int | None
    name: str
    about: str
    value: GroupValue

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"id": self.id, "name": self.name, "about": self.about, **vars(self.value)}


@dataclass(frozen=True)
class Overview:
    """All segments, and all cells.

    Attributes
    ----------
    note : why there are no segments; empty where there are.
    """

    as_of: datetime
    horizon_days: int
    segments: tuple[Group, ...]
    cells: tuple[Group, ...]
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "as_of": self.as_of.isoformat(),
            "horizon_days": self.horizon_days,
            "segments": [group.to_dict() for group in self.segments],
            "rfm_cells": [group.to_dict() for group in self.cells],
            "note": self.note,
        }


def overview(shop: Shop, moment: datetime, language: str = "en") -> Overview:
    """The groups as of a moment.

    Raises
    ------
    NotEnoughError
        If no customer has an order before the moment.
    """
    pairs = shop.customers(moment)
    if not pairs.num_rows:
        raise NotEnoughError(
            f"segment: no customer has an order before {moment:%Y-%m-%d}; at least 1 is needed. Choose a later moment."
        )
    kept = kept_as_of(shop, moment)
    model = kept.model if kept is not None and kept.is_used else None
    behavior = None if model is None else model.behavior
    known = known_as_of(shop, pairs, behavior)
    rfm = kept.model.rfm if kept is not None else Rfm.of(known.profiles)
    days = shop.config.churn.horizon_days
    earlier = shop.customers(moment - timedelta(days=days))
    before = known_as_of(shop, earlier, behavior) if earlier.num_rows else None
    of_cells = expected(shop, known, before, days, lambda one: rfm.cells(one.profiles), len(NAMES))
    names = list(CELLS) if language == "en" else list(CELLS.values())
    cells = tuple(Group(None, *each) for each in zip(names, [""] * len(names), of_cells, strict=True))
    cells = tuple(group for group in cells if group.value.customers)
    if kept is None or model is None:
        note = NOT_LEARNED[language]
        if kept is not None:
            said = shop.models.get(NAME, kept.version).card["report"]["verdict"]
            note = NO_CLUSTERS[language].format(verdict=said)
        return Overview(moment, days, (), cells, note)
    of_segments = expected(shop, known, before, days, model.assign, len(model.ids))
    segments = [
        Group(int(model.ids[k]), model.names[language][k], model.paragraphs[language][k], value)
        for k, value in enumerate(of_segments)
    ]
    return Overview(moment, days, tuple(sorted(segments, key=lambda group: group.id or 0)), cells)


def expected(
    shop: Shop, known: Known, before: Known | None, days: int, group: Callable[[Known], Ints], count: int
) -> list[GroupValue]:
    """The value of groups now; what to expect of each is what whoever was in it so many days before did since.

    Parameters
    ----------
    before : the customers so many days before; None if there were none.
    group : the number of each customer's group, below 0 for none.
    """
    now = by_group(group(known), count, worth(shop, known), None)
    if before is None:
        return now
    then = after(shop, before.profiles, days)
    past = by_group(group(before), count, Worth(np.zeros(len(before)), None), then)
    return [replace(one, churn=was.churn, spend=was.spend) for one, was in zip(now, past, strict=True)]
