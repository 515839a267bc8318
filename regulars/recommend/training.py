"""Learning what to show: from moments whose outcome is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from regulars.clock import moment_of
from regulars.errors import NotEnoughError
from regulars.evaluation import cut_offs
from regulars.recommend.dataset import aimed, head_as_of, lesson
from regulars.recommend.model import RecommendModel, feature_names
from regulars.recommend.past import Past
from regulars.recommend.ranker import Lesson, Ranker
from regulars.recommend.sources import SOURCES, Head

if TYPE_CHECKING:
    from regulars.shop import Shop

K = 20
HISTORY_DAYS = 30
"""So much log must lie before a moment from which to learn."""

Asked = tuple[datetime, datetime | None]
"""Of a lesson: its moment, and until when the behaviour model learned that was asked."""


@dataclass(frozen=True)
class Trained:
    """A model, and how it came about.

    Attributes
    ----------
    head : the behaviour model that it reads, if that helped.
    moments : those that the ranker learned from, newest first.
    """

    model: RecommendModel
    past: Past
    head: Head | None
    moments: list[datetime]
    notes: tuple[str, ...]


def train(
    shop: Shop, until: datetime, lessons: dict[Asked, Lesson | None] | None = None, helps: bool | None = None
) -> Trained:
    """Learn from moments whose outcome was known at `until`.

    Parameters
    ----------
    lessons : those that were made already; new ones are added.
    helps : whether what the behaviour model expects is used; by default it is tried.
    """
    lessons = {} if lessons is None else lessons
    settings = shop.config.recommend
    past, aim = aimed(shop, until)
    moments = cut_offs(
        moment_of(int(past.sequences.time.min())),
        until,
        horizon_days=settings.horizon_days,
        step_days=settings.horizon_days,
        at_most=settings.cut_offs,
        history_days=HISTORY_DAYS,
    )
    heads = [head_as_of(shop, moment) for moment in moments]
    # What the head says can be learned only where every moment has one.
    with_head = all(head is not None for head in heads) and helps is not False
    some = []
    for moment, head in zip(moments, heads, strict=True):
        used = head if with_head else None
        asked = moment, None if used is None else used.kept.until
        if asked not in lessons:
            lessons[asked] = lesson(shop, moment, settings.horizon_days, used)
        if (found := lessons[asked]) is not None:
            some.append(found)
    if not some:
        raise NotEnoughError(
            f"recommend: nobody who had ordered before {moments[-1]:%Y-%m-%d} ordered again until {until:%Y-%m-%d}, so "
            "there is nothing to learn an order of products from. Import more history, or choose a later time."
        )
    # What was taken up of what was shown says what showing does; what was ordered anyway does not.
    some = [each for each in some if each.is_shown] or some
    whole = Lesson.joined(some)
    notes: tuple[str, ...] = ()
    if helps is None and not with_head:
        notes = ("No behaviour model is old enough to learn from what it expected: it is not asked.",)
    elif helps is None and len(some) > 1:
        with_head, said = _helps(some[0], Lesson.joined(some[1:]))
        whole = whole if with_head else whole.without_head()
        notes = (said,)
    ranker = Ranker.fit(whole, feature_names(has_head=with_head))
    sources = tuple(source.fit(past) for source in SOURCES)
    content = replace(past.content, texts=past.content.texts[:, :0])
    worth = np.ones(past.products + 1, np.float32)
    if ranker.knows_chances:
        worth += aim.clicks + past.worth - 1
    model = RecommendModel(past.vocabulary, content, sources, ranker, with_head, past.now, worth)
    return Trained(model, past, head_as_of(shop, until) if with_head else None, moments, notes)


def _helps(newest: Lesson, older: Lesson) -> tuple[bool, str]:
    """Whether what the behaviour model expects makes a better order as of the newest moment; and that in words."""
    gained = []
    for one, other, has_head in (
        (newest, older, True),
        (newest.without_head(), older.without_head(), False),
    ):
        ranker = Ranker.fit(other, feature_names(has_head=has_head))
        gained.append(one.ndcg(ranker.scores(one.features), K))
    helps = gained[0] > gained[1]
    found = f"NDCG@{K} {gained[0]:.4f} with it, {gained[1]:.4f} without, among the candidates of a later moment"
    if helps:
        return True, f"What the behaviour model expects is used: {found}."
    return False, f"What the behaviour model expects is left out, for it does not help: {found}."
