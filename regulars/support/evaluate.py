"""Learning what customers of a shop want, and judging it by questions that were labelled later."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from regulars.capability import Learned
from regulars.errors import NotEnoughError
from regulars.evaluation import Check, Report, Split, compare, leak_check, mean_score, metric_plot
from regulars.support.dataset import Labelled, labelled
from regulars.support.describe import table
from regulars.support.intent import Intents, starter
from regulars.support.settings import knowledge_of

if TYPE_CHECKING:
    from regulars.shop import Shop

NAME = "support"
QUESTION = "What does a customer want who writes to the shop?"
BASELINE = "words alone (TF-IDF and naive Bayes)"
CUSTOMERS = 50
"""Of fewer no share of them can be told."""
JUDGES, ASKERS = 50, 20
"""Labelled questions, and customers who asked them, that are enough to judge by; else the starter set does."""
HELD_OUT = 3
"""Of so many phrasings of an intent one is held out to judge by."""
SAMPLE = 200
"""Customers whose rows are computed again with another future."""


def learn(shop: Shop, until: datetime) -> Learned:
    """Learn from questions that were labelled before a moment, beside the starter set.

    Raises
    ------
    NotEnoughError
        If fewer than 50 customers are known before it.
    """
    days = shop.config.support.horizon_days
    report = _judge(shop, Split(until - timedelta(days=days), days))
    known = labelled(shop, until)
    texts, labels = known.with_starter()
    about = {"labelled": len(known.texts), "intents": len(set(labels) - {None}), **_knowledge(shop)}
    return Learned(_fitted(tuple(texts), tuple(labels), *_bars(shop)).to_files(), about, report)


def evaluate(shop: Shop, split: Split) -> Report:
    """Does what was learned before the split tell what later questions want?

    Where hardly any was labelled after it, phrasings of the starter set that were held out judge; a note says so.

    Raises
    ------
    NotEnoughError
        If fewer than 50 customers are known before it.
    """
    return _judge(shop, split)


class Answered(NamedTuple):
    """What a model and the baseline made of questions.

    Attributes
    ----------
    right, baseline : (n,) 1 where the intent is the right one, else 0.
    is_sure : (n,) whether the model was sure.
    owners : (n,) whose question it is.
    strangers : share of questions of no intent that were taken for such; NaN where there are none.
    """

    right: npt.NDArray[np.float64]
    baseline: npt.NDArray[np.float64]
    is_sure: npt.NDArray[np.bool_]
    owners: npt.NDArray[np.int64]
    strangers: float


def _judge(shop: Shop, split: Split) -> Report:
    pairs = _asked_about(shop, split.as_of)
    later = labelled(shop, split.target_end, since=split.as_of)
    known = labelled(shop, split.as_of)
    fresh = _unseen(later, known)
    askers = {customer or str(row) for row, customer in enumerate(fresh.customers)}
    if len(fresh.texts) >= JUDGES and len(askers) >= ASKERS:
        texts, labels = known.with_starter()
        judged = _answered(texts, labels, fresh, *_bars(shop))
        by = f"{len(fresh.texts):,} questions that were labelled in the {split.horizon_days} days after."
    else:
        judged = _by_starter(*_bars(shop))
        by = (
            f"{len(fresh.texts)} questions of {len(askers)} customers were labelled in the {split.horizon_days} days "
            f"after, {JUDGES} of {ASKERS} are needed: {len(judged.right):,} phrasings of the starter set that were "
            "held out judge instead. Label questions of your own: regulars support questions"
        )
    nothing = np.zeros(len(judged.right))
    metrics = compare({"right": mean_score}, nothing, judged.right, judged.baseline, customers=judged.owners)
    sure = judged.is_sure
    return Report(
        capability=NAME,
        question=QUESTION,
        as_of=split.as_of,
        horizon_days=split.horizon_days,
        customers=len(np.unique(judged.owners)),
        trained_until=split.as_of,
        model="what questions mean beside their words",
        baseline=BASELINE,
        metrics=metrics,
        primary="right",
        log_version=shop.log.version,
        charts={"The model beside the baseline": metric_plot(metrics)},
        checks=_leaks(shop, split, pairs),
        notes=(
            f"Judged by {by}",
            f"Sure of {sure.mean():.0%} of them, and right in {judged.right[sure].mean() if sure.any() else 0:.1%} of "
            "those.",
            *([f"Of questions of no intent {judged.strangers:.0%} are known for such."]
              if np.isfinite(judged.strangers) else []),
        ),
    )  # fmt: skip


def _asked_about(shop: Shop, as_of: datetime) -> pa.Table:
    """Customers before a moment, as pairs: enough to judge by, and so many that a check is quick."""
    pairs = shop.customers(as_of)
    if pairs.num_rows < CUSTOMERS:
        raise NotEnoughError(
            f"support: {pairs.num_rows} customers had ordered before {as_of:%Y-%m-%d}; at least {CUSTOMERS} are needed "
            "to tell shares of them. Choose a later time, or import more history."
        )
    return pairs.slice(0, SAMPLE)


def _unseen(later: Labelled, known: Labelled) -> Labelled:
    """Questions whose words were not learned from already."""
    seen = {text.casefold().strip() for text in known.texts}
    rows = [row for row, text in enumerate(later.texts) if text.casefold().strip() not in seen]
    texts, labels, customers = later
    return Labelled([texts[row] for row in rows], [labels[row] for row in rows], [customers[row] for row in rows])


def _answered(
    texts: Sequence[str], labels: Sequence[str | None], asked: Labelled, right_if_sure: float, kept: float
) -> Answered:
    """What a model learned from some questions makes of others, beside the baseline."""
    intents = _fitted(tuple(texts), tuple(labels), right_if_sure, kept)
    found = intents.of(asked.texts)
    learned = [row for row, label in enumerate(labels) if label is not None]
    words = make_pipeline(TfidfVectorizer(analyzer=_words), MultinomialNB(alpha=0.1))
    words.fit([texts[row] for row in learned], [labels[row] for row in learned])
    guessed = words.predict(asked.texts)
    is_known = np.array([label is not None for label in asked.labels])
    right = np.array([one.choices[0][0] == label for one, label in zip(found, asked.labels, strict=True)])
    by_words = np.array([one == label for one, label in zip(guessed, asked.labels, strict=True)])
    strange = np.array([one.verdict == "unknown" for one in found])[~is_known]
    names = np.array([customer or f"?{row}" for row, customer in enumerate(asked.customers)])
    owners = np.unique(names, return_inverse=True)[1]
    sure = np.array([one.verdict == "sure" for one in found])
    return Answered(
        right[is_known].astype(float),
        by_words[is_known].astype(float),
        sure[is_known],
        owners[is_known],
        float(strange.mean()) if len(strange) else float("nan"),
    )


def _words(text: str) -> list[str]:
    """Words, and each Chinese sign."""
    return re.findall(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+", text.casefold())


@cache
def _by_starter(right_if_sure: float, kept: float) -> Answered:
    """The starter set judged by those of its phrasings that were held out; once in a process: no shop changes it."""
    texts, labels = starter()
    place = dict.fromkeys(labels, 0)
    held: list[bool] = []
    for label in labels:
        held.append(place[label] % HELD_OUT == 0)
        place[label] += 1
    rows = [row for row, is_held in enumerate(held) if is_held]
    rest = [row for row, is_held in enumerate(held) if not is_held]
    asked = Labelled([texts[row] for row in rows], [labels[row] for row in rows], [""] * len(rows))
    return _answered([texts[row] for row in rest], [labels[row] for row in rest], asked, right_if_sure, kept)


@cache
def _fitted(texts: tuple[str, ...], labels: tuple[str | None, ...], right_if_sure: float, kept: float) -> Intents:
    # The starter set alone takes ten seconds, and is the same for every shop that has labelled nothing.
    return Intents.fit(texts, labels, right_if_sure=right_if_sure, kept=kept)


def _bars(shop: Shop) -> tuple[float, float]:
    settings = shop.config.support
    return settings.right_if_sure, settings.kept


def _knowledge(shop: Shop) -> dict[str, object]:
    """Which texts of the shop there were: how many, and a mark by which one sees later whether they changed."""
    knowledge = knowledge_of(shop)
    if knowledge is None:
        return {"texts": 0}
    said = json.dumps([(text.citation, text.text) for text in knowledge.texts], ensure_ascii=False)
    return {"texts": len(knowledge), "texts_hash": hashlib.sha256(said.encode()).hexdigest()[:16]}


def _leaks(shop: Shop, split: Split, pairs: pa.Table) -> tuple[Check, ...]:
    """Change the future: labels known before it, and what is told of customers, must stay as they are."""

    def labels(seen: ibis.Table) -> pa.Table:
        found = labelled(shop.with_events(seen), split.as_of)
        return pa.table({"text": pa.array(found.texts, pa.string()), "label": pa.array(found.labels, pa.string())})

    def described(seen: ibis.Table) -> pa.Table:
        return table(shop.with_events(seen), pairs)

    return tuple(leak_check(compute, shop.events, split.as_of) for compute in (labels, described))
