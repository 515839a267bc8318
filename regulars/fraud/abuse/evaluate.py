"""How good the findings are on a simulated shop, whose truth is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.fraud.abuse.summary import summary
from regulars.simulate.truth import Truth

if TYPE_CHECKING:
    from regulars.shop import Shop

SCENARIOS = {"promotions": "promotion farm", "returns": "return abuse", "takeover": "account takeover"}
"""Kinds of findings, and the scenario of the simulation that each is about. Reviews are never bought there, and
passwords never tried in bulk."""


class Judged(NamedTuple):
    """How good a list is.

    Attributes
    ----------
    kind : of finding.
    named : how many accounts it names.
    true : how many accounts of the scenario acted at all; several : at least three times.
    precision : share of the named that are of the scenario; NaN where nobody is named.
    precision_of_first : the same of the first `top`.
    recall, recall_of_several : share of the true that are named; NaN where there is none.
    """

    kind: str
    named: int
    true: int
    several: int
    precision: float
    precision_of_first: float
    recall: float
    recall_of_several: float


def judged(shop: Shop, top: int = 10) -> list[Judged]:
    """The findings of a simulated shop beside its truth, by account, at the end of its log.

    Raises
    ------
    NotFoundError
        If the shop is not simulated.
    """
    acts = Truth.read(shop.folder).frauds
    found = summary(shop, shop.now)
    return [_judged(kind, scenario, found, acts, top) for kind, scenario in SCENARIOS.items()]


def _judged(kind: str, scenario: str, found: pa.Table, acts: pa.Table, top: int) -> Judged:
    lists = found.filter(pc.equal(found["kind"], kind))["customers"].combine_chunks()
    named = lists.flatten().unique()
    done = acts.filter(pc.equal(acts["scenario"], scenario)).group_by("customer_id").aggregate([([], "count_all")])
    true = done["customer_id"].combine_chunks()
    several = true.filter(pc.greater_equal(done["count_all"].combine_chunks(), 3))
    is_true = np.asarray(pc.is_in(named, true))
    return Judged(
        kind, len(named), len(true), len(several), _share(is_true), _share(is_true[:top]),
        _share(np.asarray(pc.is_in(true, named))), _share(np.asarray(pc.is_in(several, named))),
    )  # fmt: skip


def _share(flags: npt.NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else float("nan")
