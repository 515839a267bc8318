"""Learning what to show, and judging it: does the list hold what customers buy next?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from altair.typing import ChartType

from regulars.behavior.dataset import sequences_of
from regulars.capability import Learned
from regulars.errors import NotEnoughError
from regulars.evaluation import (
    Check,
    Hits,
    Metric,
    Report,
    Split,
    compare,
    diversity,
    importance_plot,
    leak_check,
    mean_score,
    metric_plot,
    serendipity,
    spread,
)
from regulars.evaluation.wording import figure
from regulars.recommend.blocks import blocks, in_threads
from regulars.recommend.candidates import Ints
from regulars.recommend.dataset import Aim, Outcome
from regulars.recommend.detail import beside, by_customer, by_product, gallery, judged, others, taken_of
from regulars.recommend.features import Products
from regulars.recommend.impressions import first_fifth, shown_within
from regulars.recommend.model import RecommendModel
from regulars.recommend.past import Past
from regulars.recommend.ranker import Lesson
from regulars.recommend.shelf import catalogue_of
from regulars.recommend.sources import SOURCES, Head, Nearest, Own, Popular
from regulars.recommend.training import Asked, K, Trained, train

if TYPE_CHECKING:
    from regulars.shop import Shop

NAME = "recommend"
QUESTION = "Do the first {k} products for each customer hold what is bought within {days} days?"
OF_SHOWN = "Of what customers took up from lists that they were shown, how much lies in the first fifth of its order?"
BASELINE_OF_SHOWN = "what sold most of late, first"
BASELINE = "what the customer had before, then what sold most of late"
LEAST_CUSTOMERS = 20
PROBED = 200


def learn(shop: Shop, until: datetime) -> Learned:
    """Learn from events before `until`; judged as of a horizon earlier, by a model that learned before that.

    Raises
    ------
    NotEnoughError
        If the log is too short.
    """
    horizon = shop.config.recommend.horizon_days
    split = Split(until - timedelta(days=horizon), horizon)
    lessons: dict[Asked, Lesson | None] = {}
    judged = train(shop, split.as_of, lessons)
    report = _judge(shop, split, judged)
    trained = train(shop, until, lessons, helps=judged.model.has_head)
    about = {
        "until": until.isoformat(),
        "products": trained.past.products,
        "moments": [moment.isoformat() for moment in trained.moments],
        "behavior_version": None if trained.head is None else trained.head.kept.version,
    }
    return Learned(trained.model.to_files(), about, report)


def evaluate(shop: Shop, split: Split) -> Report:
    """Does the list made as of the split's moment hold what is bought after it?

    Raises
    ------
    NotEnoughError
        If the log holds too little before it.
    """
    return _judge(shop, split, train(shop, split.as_of))


def _judge(shop: Shop, split: Split, trained: Trained) -> Report:
    past = trained.past
    bought = Outcome.within(shop, past, split.horizon_days)
    if len(bought.customer) < LEAST_CUSTOMERS:
        raise NotEnoughError(
            f"recommend: {len(bought.customer)} customers with an order before {split.as_of:%Y-%m-%d} ordered in the "
            f"{split.horizon_days} days after; at least {LEAST_CUSTOMERS} are needed. Import more history, or choose "
            "another time."
        )
    ours = lists(trained, past, bought.customer, K)
    theirs = simple_lists(past, bought.customer, K)
    found, simple = judged(bought, ours), judged(bought, theirs)
    metrics = _metrics(found, simple)
    question, primary, baseline = QUESTION.format(k=K, days=split.horizon_days), f"NDCG@{K}", BASELINE
    if trained.model.ranker.knows_chances and (seen := _of_shown(shop, split, trained)):
        metrics, question, primary, baseline = (seen, *metrics), OF_SHOWN, seen.name, BASELINE_OF_SHOWN
    alone = {name: judged(bought, named) for name, named in others(past, bought.customer, K, trained.head).items()}
    customers_of = np.bincount(past.had % (past.products + 1), minlength=past.products + 1)
    shown = spread(ours, customers_of.astype(float), len(past.sequences.customers))
    vectors = next(source.vectors for source in trained.model.sources if isinstance(source, Nearest))
    unlike = diversity(ours, vectors)
    surprise = serendipity(taken_of(bought, ours), ours, theirs)
    titles = [None, *catalogue_of(shop, past.vocabulary.products, split.as_of)["title"].to_pylist()]
    return Report(
        capability=NAME,
        question=question,
        as_of=split.as_of,
        horizon_days=split.horizon_days,
        customers=len(bought.customer),
        trained_until=split.as_of,
        model="boosted trees over " + ", ".join(s.name for s in SOURCES) + (", behavior" if trained.head else ""),
        baseline=baseline,
        metrics=metrics,
        primary=primary,
        log_version=shop.log.version,
        charts={
            "The model beside the baseline": metric_plot(metrics),
            "What the order goes by": _importance(trained.model),
        },
        tables={
            "Beside methods that stand alone": beside({"model": found, "baseline": simple, **alone}, K),
            "By customer": by_customer(past, bought, found, simple, K),
            "By product": by_product(past, bought, ours, theirs),
            "Ten customers, to judge by eye": gallery(past, bought, ours, titles, K),
        },
        checks=(_leaks(shop, split, trained, bought.customer),),
        notes=(
            f"The lists show {shown.coverage:.0%} of {past.products:,} products (Gini {shown.gini:.2f}); one in "
            f"{2**shown.novelty:,.0f} customers had a product that is shown, which is {shown.bias:.2f} times as "
            "popular as what customers had themselves.",
            f"Two products of a list are unlike by {unlike:.2f} (1 - cosine of what is known of them); of a hundred "
            f"products shown, {100 * surprise:.1f} are bought that the baseline does not name.",
            "NDCG of methods that stand alone: "
            + ", ".join(f"{name} {figure(float(each.ndcg.mean()))}" for name, each in alone.items())
            + ".",
            *trained.notes,
        ),
    )


def _of_shown(shop: Shop, split: Split, trained: Trained) -> Metric | None:
    """How much of what the lines that customers were shown brought lies where the model would put it; None of few."""
    shown = shown_within(shop, trained.past, split.horizon_days)
    if shown is None:
        return None
    ours, theirs = first_fifth(shown, Aim.of(shop, trained.past).clicks, trained.model, trained.head, trained.past)
    return compare({"worth in the first fifth": mean_score}, np.ones(len(ours)), ours, theirs)[0]


def _metrics(ours: Hits, theirs: Hits) -> tuple[Metric, ...]:
    names = {"ndcg": f"NDCG@{K}", "recall": f"recall@{K}", "mrr": f"MRR@{K}", "map": f"MAP@{K}"}
    found: list[Metric] = []
    for field, name in names.items():
        one, other = getattr(ours, field), getattr(theirs, field)
        found += compare({name: mean_score}, np.ones(len(one)), one, other)
    return tuple(found)


def lists(trained: Trained, past: Past, customers: Ints, k: int, allowed: npt.NDArray[np.bool_] | None = None) -> Ints:
    """(n, k) the best products for some customers of a past, 0 where there are no more."""
    products = Products.of(past)

    def part(block: range) -> Ints:
        some = past.of(customers[block.start : block.stop])
        return trained.model.rank(some, products, trained.head, allowed).top(k)

    return np.concatenate([np.zeros((0, k), np.int64), *in_threads(part, blocks(len(customers)))])


def simple_lists(past: Past, customers: Ints, k: int) -> Ints:
    """(n, k) what customers had, most and last, then what sold most of late."""
    part = past.of(customers)
    every = np.arange(past.products + 1) > 0
    own = Own.fit(past).top(part, k, every).products
    popular = Popular.fit(past).top(part, 2 * k, every).products
    both = np.hstack([own, popular])
    # Of a product that stands twice the first counts.
    is_again = np.zeros(both.shape, bool)
    for place in range(own.shape[1], both.shape[1]):
        is_again[:, place] = (own == both[:, place : place + 1]).any(axis=1)
    order = np.argsort(is_again | (both == 0), axis=1, kind="stable")[:, :k]
    return np.take_along_axis(both, order, 1)


def _importance(model: RecommendModel) -> ChartType:
    gain = np.asarray(model.ranker.booster.feature_importance("gain"), float)
    best = np.argsort(-gain)[:15]
    return importance_plot([model.names[k] for k in best], gain[best] / max(gain.sum(), 1e-9))


def _leaks(shop: Shop, split: Split, trained: Trained, customers: Ints) -> Check:
    """Change the future of some customers: their lists must stay as they are."""
    some = customers[:: max(len(customers) // PROBED, 1)]
    ids = [trained.past.sequences.customers[number] for number in some]
    moment = pa.scalar(split.as_of, pa.timestamp("us", tz="UTC"))
    pairs = pa.table({"customer_id": pa.array(ids, pa.string()), "as_of": pa.repeat(moment, len(ids))})
    events = shop.identities.events_of(shop.events, pairs)
    products = Products.of(trained.past)

    def compute(seen: object) -> pa.Table:
        other = shop.holding(seen)
        sequences = sequences_of(other, trained.past.vocabulary, split.as_of, ids)
        past = Past(trained.past.vocabulary, trained.past.content, sequences, trained.past.now)
        head = None if trained.head is None else Head.of(other, trained.head.kept, split.as_of, ids)
        top = trained.model.rank(past, products, head).top(K)
        return pa.table(
            {"customer_id": pairs["customer_id"], **{f"place_{k}": column for k, column in enumerate(top.T)}}
        )

    return leak_check(compute, events, split.as_of)
