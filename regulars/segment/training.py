"""Learning segments as of a moment: the choice, the fit, ids and names kept from the model before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.errors import NotEnoughError
from regulars.segment.choice import Choice, Way, choose, fit
from regulars.segment.dataset import (
    DIFFERENT,
    SCALED,
    VECTORS,
    Known,
    behavior_model,
    comparable,
    customers_as_of,
    known_as_of,
)
from regulars.segment.matching import matched
from regulars.segment.model import FILES, SegmentModel
from regulars.segment.naming import LANGUAGES, distinct, facts, names_of, paragraph
from regulars.segment.rfm import Rfm

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NAME = "segment"
HISTORY_DAYS = 60
"""So much log before a moment: two months, to see whether clusters of the one are those of the other."""


class Kept(NamedTuple):
    """A model that is kept; `is_used` unless its clusters were refused."""

    model: SegmentModel
    version: int
    is_used: bool


class Trained(NamedTuple):
    """A model, the customers that it was fitted to, and (n,) the number of each one's segment in its ids (below 0 for
    none)."""

    model: SegmentModel
    known: Known
    label: Ints


def train(shop: Shop, moment: datetime) -> tuple[Trained, Choice]:
    """Choose how to part customers by events before a moment, and part them.

    Raises
    ------
    NotEnoughError
        If there are fewer than 50 customers, fewer that differ, or too few days of log.
    """
    known = _known(shop, moment, HISTORY_DAYS)
    columns = comparable(known)
    try:
        # Of the same customers it is at hand: to judge what was learned, not every way need be tried once more.
        choice = shop.last.of("segment", (*shop.basis, moment), lambda: choose(columns, SCALED, unnamed=VECTORS))
    except ValueError as error:
        raise _alike(moment, error) from error
    return _fitted(shop, moment, known, columns, choice.way), choice


def fitted(shop: Shop, moment: datetime, way: Way, history_days: int = HISTORY_DAYS) -> Trained:
    """Part customers in a way that is given, where it can be had, by events before a moment; see `train`."""
    known = _known(shop, moment, history_days)
    columns = comparable(known)
    if way.space not in columns:
        # A behaviour model may be younger than the moment: then it is parted in the way that is best without.
        way = choose(columns, SCALED, unnamed=VECTORS).way
    return _fitted(shop, moment, known, columns, way)


def _known(shop: Shop, moment: datetime, history_days: int) -> Known:
    pairs = customers_as_of(shop, moment, history_days)
    return known_as_of(shop, pairs, behavior_model(shop, moment))


def _fitted(shop: Shop, moment: datetime, known: Known, columns: Mapping[str, Floats], way: Way) -> Trained:
    try:
        transform, partition = fit(columns[way.space], way.method, way.k, scaled=SCALED[way.space])
    except ValueError as error:
        raise _alike(moment, error) from error
    model = SegmentModel(
        rfm=Rfm.of(known.profiles),
        space=way.space,
        columns=known.names[way.space],
        transform=transform,
        method=way.method,
        partition=partition,
        ids=np.zeros(0, np.int64),
        newest=0,
        names={},
        paragraphs={},
        behavior=behavior_model(shop, moment) if way.space == VECTORS else None,
    )
    label = model.assign(known)
    return Trained(_named(shop, model, known, label, kept_as_of(shop, moment)), known, label)


def _alike(moment: datetime, error: ValueError) -> NotEnoughError:
    return NotEnoughError(
        f"segment: as of {moment:%Y-%m-%d} too few customers differ from the rest ({error}); at least {DIFFERENT} that "
        "do are needed. Import more history, or choose another moment."
    )


def kept_as_of(shop: Shop, moment: datetime) -> Kept | None:
    """The newest model that learned from nothing at or after a moment; None if there is none.

    Versions after the one in use count only if none is in use: of a refused one the RFM thresholds are good.
    """
    used = shop.models.version_in_use(NAME)
    old = [
        kept
        for kept in shop.models.history(NAME)
        if datetime.fromisoformat(kept.card["until"]) <= moment and (used is None or kept.version <= used)
    ]
    if not old:
        return None
    newest = max(old, key=lambda kept: (datetime.fromisoformat(kept.card["until"]), kept.version))
    model = SegmentModel.from_files({name: newest.read(name) for name in FILES})
    return Kept(model, newest.version, newest.version == used or bool(newest.card["report"]["in_use"]))


def _named(shop: Shop, model: SegmentModel, known: Known, label: Ints, before: Kept | None) -> SegmentModel:
    """With ids and names: of who was there before the same, of the others by size, the largest first."""
    count = int(label.max(initial=0)) + 1
    size = np.bincount(label[label >= 0], minlength=count)
    order = np.argsort(-size, kind="stable")
    place = np.argsort(order, kind="stable")
    ids, was_there, newest = np.arange(1, count + 1), np.zeros(count, bool), count
    if before is not None:
        old = before.model
        theirs = known if old.behavior == model.behavior or old.behavior is None else _again(shop, known, old)
        ranked = np.where(label >= 0, place[label], -1)
        ids, was_there = matched(old.assign(theirs), ranked, old.ids, count, old.newest)
        newest = max(old.newest, int(ids.max()))
    told = facts(known, label, count)
    names: dict[str, tuple[str, ...]] = {}
    paragraphs: dict[str, tuple[str, ...]] = {}
    currency = shop.config.shop.currency
    for language in LANGUAGES:
        made = names_of([told[number] for number in order], language)
        if before is not None:
            kept = dict(zip(before.model.ids.tolist(), before.model.names[language], strict=True))
            held = [kept[int(one)] if there else "" for one, there in zip(ids, was_there, strict=True)]
            taken = [name for name in held if name]
            for number, name in enumerate(held):
                if not name:
                    held[number] = distinct(made[number], taken)
                    taken.append(held[number])
            made = held
        names[language] = tuple(made[rank] for rank in place)
        paragraphs[language] = tuple(
            paragraph(segment, int(size[number]), len(known), language, currency) for number, segment in enumerate(told)
        )
    return SegmentModel(
        **{**vars(model), "ids": ids[place], "newest": newest, "names": names, "paragraphs": paragraphs}
    )


def _again(shop: Shop, known: Known, old: SegmentModel) -> Known:
    """The same customers, with the vectors that an older model reads."""
    return known_as_of(shop, known.profiles.select(["customer_id", "as_of"]), old.behavior)
