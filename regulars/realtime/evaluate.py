"""Learning what sources count, and judging it event by event: what comes next is asked for before it is learned."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from regulars.behaving import model_before
from regulars.capability import Learned
from regulars.clock import micros
from regulars.errors import NotEnoughError
from regulars.evaluation import Check, Metric, Report, Split, Table, compare, leak_check, mean_score, metric_plot
from regulars.evaluation.wording import figure
from regulars.realtime.asked import Answers, K, nobody, recalled, reciprocal, walk
from regulars.realtime.candidates import Blend, first
from regulars.realtime.dataset import Events, events_before, require_customers
from regulars.realtime.learner import Learner
from regulars.realtime.model import RealtimeModel, tried
from regulars.realtime.sessions import Ints

if TYPE_CHECKING:
    from regulars.realtime.foresight import Foresight, Past
    from regulars.shop import Shop

NAME = "realtime"
QUESTION = "Do the first {k} products hold the next new one of a session under way?"
BASELINE = "what followed the last product most"
LEAST_ASKED = 20
PROBED = 50


def learn(shop: Shop, until: datetime) -> Learned:
    """Choose what sources count by the last days before `until`; judged on them by what the days before those chose.

    Raises
    ------
    NotEnoughError
        If the log is too short.
    """
    horizon = shop.config.realtime.horizon_days
    split = Split(until - timedelta(days=horizon), horizon)
    walked = _walked(shop, split)
    report = _report(shop, split, walked)
    blend, judged, learner = walked.blends[walked.judged.best()], walked.judged, walked.learner
    about = {"until": until.isoformat(), "products": len(learner.products) - 1, "questions": len(judged.customer)}
    return Learned(RealtimeModel(blend).to_files(), about, report)


def evaluate(shop: Shop, split: Split) -> Report:
    """Is the next product of sessions after the split's moment foreseen?

    Raises
    ------
    NotEnoughError
        If the log holds too little before or within it.
    """
    return _report(shop, split, _walked(shop, split))


class _Walked(NamedTuple):
    """What was answered within the split's horizon; which blend the time before it chose; all learned until its end.

    `version` is of the behaviour model, which saw nothing of either; None where there is none.
    """

    judged: Answers
    blends: list[Blend]
    chosen: int
    learner: Learner
    version: int | None


def _walked(shop: Shop, split: Split) -> _Walked:
    learner, events = Learner(), events_before(shop, split.target_end)
    lessons, rows = learner.lessons(events), np.flatnonzero(events.weight > 0)
    begin = split.as_of - timedelta(days=split.horizon_days)
    first, second = np.searchsorted(lessons.time, [micros(begin), micros(split.as_of)]).tolist()
    require_customers(lessons.customer[:second], split.as_of)
    past = _past(shop, events, begin, split.target_end)
    blends = tried(is_foreseen=past is not None)

    def asked(start: int, end: int) -> Answers:
        foreseen = nobody if past is None else lambda places: past.before(rows[start + places])
        return walk(learner, lessons.part(start, end), blends, foreseen)

    learner.learn(lessons.part(0, first))
    chosen, judged = asked(first, second).best(), asked(second, len(lessons.time))
    whose = len(np.unique(judged.customer))
    if whose < LEAST_ASKED:
        raise NotEnoughError(
            f"realtime: {whose} customers had a session of two products in the {split.horizon_days} days after "
            f"{split.as_of:%Y-%m-%d}; at least {LEAST_ASKED} are needed. Import more history, or choose another time."
        )
    return _Walked(judged, blends, chosen, learner, None if past is None else past.version)


def _past(shop: Shop, events: Events, since: datetime, until: datetime) -> Past | None:
    """What the behaviour model foresaw; a shop without one does not wait for torch."""
    if model_before(shop, since) is None:
        return None
    from regulars.realtime.foresight import Past  # noqa: PLC0415

    return Past.of(shop, events, since, until)


def _report(shop: Shop, split: Split, walked: _Walked) -> Report:
    judged, blends = walked.judged, walked.blends
    blend, ours = blends[walked.chosen], judged.places[walked.chosen]
    metrics = _compared(judged, ours, judged.simple)
    wanted = {"recall": recalled(judged.wanted).mean(), "mrr": reciprocal(judged.wanted).mean()}
    beside = Table(
        ("", f"recall@{K}", f"MRR@{K}"),
        [
            [name, figure(float(recalled(places).mean())), figure(float(reciprocal(places).mean()))]
            for name, places in (
                ("all sources", ours),
                ("sessions alike alone", judged.places[0]),
                *_foreseen_alone(walked),
                (BASELINE, judged.simple),
                ("what is wanted most", judged.wanted),
            )
        ],
    )
    return Report(
        capability=NAME,
        question=QUESTION.format(k=K),
        as_of=split.as_of,
        horizon_days=split.horizon_days,
        customers=len(np.unique(judged.customer)),
        trained_until=split.as_of,
        model="sessions alike (VMIS-kNN), what follows, what is wanted",
        baseline=BASELINE,
        metrics=metrics,
        primary=f"MRR@{K}",
        log_version=shop.log.version,
        charts={"The model beside the baseline": metric_plot(metrics)},
        tables={"Beside methods that stand alone": beside},
        checks=(_leaks(shop, split.as_of, blend, is_foreseen=walked.version is not None),),
        notes=(
            f"{len(judged.customer):,} products were asked for. After each, model and baseline learn it, as they would "
            "live; what sources count was chosen before.",
            f"What is wanted most by all: recall@{K} {figure(float(wanted['recall']))}, MRR@{K} "
            f"{figure(float(wanted['mrr']))}.",
            *_of_behavior(walked.version, blend),
        ),
    )


def _foreseen_alone(walked: _Walked) -> list[tuple[str, Ints]]:
    alone = [place for place, blend in enumerate(walked.blends) if blend == Blend(0, 0, 0, 1, 0, 0)]
    return [("the behaviour model alone", walked.judged.places[place]) for place in alone]


def _of_behavior(version: int | None, blend: Blend) -> list[str]:
    if version is None:
        return []
    if blend.foreseen:
        return [f"Behaviour model {version} counts {blend.foreseen:g}; it saw nothing of the days it is judged by."]
    return [f"Behaviour model {version} is left out: beside the other sources it did not help."]


def _compared(judged: Answers, ours: np.ndarray, theirs: np.ndarray) -> tuple[Metric, ...]:
    found: list[Metric] = []
    for name, measure in ((f"recall@{K}", recalled), (f"MRR@{K}", reciprocal)):
        one, other = measure(ours), measure(theirs)
        found += compare({name: mean_score}, np.ones(len(one)), one, other, customers=judged.customer)
    return tuple(found)


def _leaks(shop: Shop, as_of: datetime, blend: Blend, *, is_foreseen: bool) -> Check:
    """Change all of the future: what would be shown must stay as it is, and what the behaviour model foresees."""

    def compute(seen: object) -> pa.Table:
        other = shop.with_events(seen)
        learner, events = Learner(), events_before(other, as_of)
        learner.add(events)
        said = events.weight > 0
        whose, rows = np.unique(events.customer[said]), []
        foresight = _foresight(other, as_of) if is_foreseen else None
        for customer in whose[:: max(len(whose) // PROBED, 1)].tolist():
            name, last = events.customers[customer], int(events.time[said & (events.customer == customer)][-1])
            foreseen = {} if foresight is None else foresight.next(name)
            found = learner.candidates(*learner.session(name, last), micros(as_of), foreseen)
            some, _ = first(found.product, found.features, blend.weights, np.zeros_like(blend.weights), K, True)
            lists = {"shown": [learner.products[found.product[at]] for at in some], "foreseen": list(foreseen)}
            rows += [(name, of, place, each) for of, products in lists.items() for place, each in enumerate(products)]
        return pa.table(
            dict(zip(("customer", "list", "place", "product"), map(list, zip(*rows, strict=True)), strict=True))
        )

    return leak_check(compute, shop.events, as_of)


def _foresight(shop: Shop, as_of: datetime) -> Foresight | None:
    from regulars.realtime.foresight import Foresight  # noqa: PLC0415

    return Foresight.of(shop, as_of)
