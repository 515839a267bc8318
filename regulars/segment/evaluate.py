"""Learning segments and judging them: firm and separate beside data without any, and worth what, by what came after."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from altair.typing import ChartType

from regulars.capability import Learned
from regulars.errors import NotEnoughError
from regulars.evaluation import Check, Metric, Report, Split, Table, leak_check
from regulars.segment.choice import DRAWS, FIRM, SAMPLE, Candidate, Choice, Way, sample
from regulars.segment.dataset import KEYS, Known, customers_as_of, known_as_of
from regulars.segment.describe import described
from regulars.segment.migration import as_named, moved
from regulars.segment.overview import expected
from regulars.segment.plots import map_plot, migration_plot, rfm_plot, stability_plot
from regulars.segment.rfm import NAMES
from regulars.segment.stability import BARS, FITTERS, firmness, rand_index, table_of
from regulars.segment.training import HISTORY_DAYS, Trained, fitted, train
from regulars.segment.value import GroupValue, after, by_group, worth
from regulars.units import shown

if TYPE_CHECKING:
    from datetime import datetime

    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

QUESTION = "Which customers are alike, and is that more than chance would show?"
BASELINE = "data without clusters (columns shuffled, or one cloud with the same correlations) or the bar"
PROBED = 500
"""How many customers the leak check looks at."""
MONTH = timedelta(days=30)
NO_CLUSTERS = (
    "There are no real clusters here: the best that was tried, {way}, is no firmer or no more separate than what is "
    "found in data without clusters. Segments stay out of use; RFM cells and rules work all the same."
)


def learn(shop: Shop, until: datetime) -> Learned:
    """Learn segments from events before `until`, with what they are worth as of one horizon earlier."""
    horizon = shop.config.churn.horizon_days
    split = Split(until - timedelta(days=horizon), horizon)
    customers_as_of(shop, split.as_of, HISTORY_DAYS)
    trained, choice = train(shop, until)
    # Judged by what came after is the same way to part customers, made from what was known then.
    report = _report(shop, split, fitted(shop, split.as_of, choice.way), choice)
    way = choice.way
    about = {
        "space": way.space,
        "method": way.method,
        "clusters": way.k,
        "are_real": choice.best.stands,
        "stability": round(choice.best.stability, 4),
        "shuffled_stability": round(float(choice.best.null_stability().mean()), 4),
        "silhouette": round(choice.best.figures.silhouette, 4),
        "customers": len(trained.known),
        "names": {str(one): name for one, name in zip(trained.model.ids, trained.model.names["en"], strict=True)},
        "seed": 0,
    }
    return Learned(trained.model.to_files(), about, report)


def evaluate(shop: Shop, split: Split) -> Report:
    """Are there real segments as of the split's moment, and what did each do after it?

    Raises
    ------
    NotEnoughError
        If the log holds too little before it.
    """
    return _report(shop, split, *train(shop, split.as_of))


def _report(shop: Shop, split: Split, trained: Trained, choice: Choice) -> Report:
    """Of segments as they were at the split, by the choice that was made there or later."""
    best = choice.best
    metrics = _metrics(best)
    failing = [metric.name for metric in metrics if not metric.beats_baseline]
    firm = _firmness(trained, best)
    before, same = _month_before(shop, split, trained, choice.way)
    tables, charts = _values(shop, split, trained, before, firm)
    way = f"{best.figures.k} clusters by {best.method} on {best.space}"
    notes = [f"{way}: {_explained(best)}"] if best.stands else [NO_CLUSTERS.format(way=way)]
    notes.append(same)
    shaky = [name for name, value in zip(trained.model.names["en"], firm, strict=True) if value < BARS[0]]
    if best.stands and shaky:
        notes.append(f"Not to be trusted one by one (Jaccard under {BARS[0]}): {'; '.join(shaky)}.")
    of_space = [one for one in choice.candidates if one.space == best.space and one.method == "k-means"]
    charts = {"How firm clusters are, beside data without any": stability_plot(of_space), **charts}
    return Report(
        capability="segment",
        question=QUESTION,
        as_of=split.as_of,
        horizon_days=split.horizon_days,
        customers=len(trained.known),
        trained_until=split.as_of,
        model=way,
        baseline=BASELINE,
        metrics=metrics,
        primary=failing[0] if failing else metrics[0].name,
        log_version=shop.log.version,
        charts=charts,
        tables={"Ways that were tried": _ways(choice), **tables},
        checks=(_leaks(shop, split, trained),),
        notes=tuple(notes),
    )


def _metrics(best: Candidate) -> tuple[Metric, ...]:
    """What clusters must pass; the interval of a gain is over the sets without clusters: its low end is the hardest."""
    null = best.null_stability()
    kind = max(best.of_nulls, key=lambda one: best.null_silhouette(one).mean())
    without = best.null_silhouette(kind)
    silhouette = best.figures.silhouette
    draws = best.figures.stability
    ends = float(np.quantile(draws, 0.025)), float(np.quantile(draws, 0.975))
    weakest = best.figures.jaccard[:, int(best.figures.jaccard.mean(axis=0).argmin())]
    return (
        _metric("stability", best.stability, ends, null, (best.stability - null.max(), best.stability - null.min())),
        _metric(
            "silhouette",
            silhouette,
            (silhouette, silhouette),
            without,
            (silhouette - best.least_silhouette, silhouette - float(without.min())),
        ),
        _metric("gap", best.gap, (best.gap, best.gap), np.zeros(1), (best.gap, best.gap)),
        _metric("stability over the bar", best.stability, ends, np.array([FIRM]), (best.stability - FIRM + 1e-9,) * 2),
        _metric(
            "weakest segment",
            best.weakest,
            (float(weakest.min()), float(weakest.max())),
            np.array([BARS[0]]),
            (best.weakest - BARS[0],) * 2,
        ),
    )


def _metric(name: str, value: float, ends: tuple[float, float], baseline: Floats, gain: tuple[float, ...]) -> Metric:
    return Metric(
        name=name,
        better="higher",
        value=value,
        low=min(ends[0], value),
        high=max(ends[1], value),
        baseline=float(baseline.mean()),
        baseline_low=float(baseline.min()),
        baseline_high=float(baseline.max()),
        difference_low=float(gain[0]),
        difference_high=float(gain[1]),
    )


def _explained(best: Candidate) -> str:
    shuffled, cloud = best.null_stability().mean(), best.null_stability("cloud").mean()
    return (
        f"adjusted Rand index between bootstrap draws {best.stability:.2f}, {shuffled:.2f} on shuffled columns, "
        f"{cloud:.2f} in one cloud; silhouette {best.figures.silhouette:.2f}, more than {best.least_silhouette:.2f} "
        "was asked for."
    )


def _ways(choice: Choice) -> Table:
    heads = (
        "Space", "Method", "Clusters", "Stability", "shuffled", "one cloud", "Silhouette", "must be above", "Gap",
        "Calinski-Harabasz", "Weakest Jaccard", "",
    )  # fmt: skip
    rows: list[list[object]] = []
    for one in choice.candidates:
        judged: list[object] = [None, None, None, None]
        if one.of_nulls:
            nulls = (float(one.null_stability(kind).mean()) for kind in ("shuffled", "cloud"))
            judged = [*nulls, one.least_silhouette, one.gap]
        verdict = "chosen" if one is choice.best and one.stands else "stands" if one.stands else "does not stand"
        figures = one.figures
        rows.append(
            [one.space, one.method, figures.k, one.stability, judged[0], judged[1], figures.silhouette, judged[2],
             judged[3], round(figures.calinski), one.weakest, verdict]
        )  # fmt: skip
    return Table(heads, rows)


def _firmness(trained: Trained, best: Candidate) -> Floats:
    """(k,) Jaccard of each segment as it is kept, under bootstrap."""
    rng = np.random.default_rng(0)
    points = trained.model.points(trained.known)
    some = sample(len(points), SAMPLE, rng)
    label = trained.label[some]
    count = len(trained.model.ids)
    if label.max(initial=-1) + 1 < count:
        return np.zeros(count)
    return firmness(points[some], label, FITTERS[best.method], DRAWS, rng)


def _values(
    shop: Shop, split: Split, trained: Trained, month_before: Known | None, firm: Floats
) -> tuple[dict[str, Table], dict[str, ChartType]]:
    known, model = trained.known, trained.model
    earlier = shop.customers(split.as_of - timedelta(days=split.horizon_days))
    before = known_as_of(shop, earlier, model.behavior) if earlier.num_rows else None
    earned, then = worth(shop, known), after(shop, known.profiles, split.horizon_days)

    def rows_of(group: Any, count: int) -> tuple[list[GroupValue], list[GroupValue]]:
        return expected(shop, known, before, split.horizon_days, group, count), by_group(
            group(known), count, earned, then
        )

    foreseen, came = rows_of(model.assign, len(model.ids))
    order = np.argsort(model.ids)
    heads = ("Customers", "Revenue", "Margin", "Churn, expected", "came", "Spend each, expected", "came")
    money = shop.config.shop.currency
    segments = [
        [
            f"{model.ids[k]} {model.names['en'][k]}",
            *_cells(foreseen[k], came[k], money),
            round(float(firm[k]), 2),
            _bar(float(firm[k])),
            model.paragraphs["en"][k],
            model.names["zh"][k],
        ]
        for k in order
    ]
    foreseen, came = rows_of(lambda one: model.rfm.cells(one.profiles), len(NAMES))
    cells = [[name, *_cells(foreseen[k], came[k], money)] for k, name in enumerate(NAMES)]
    same = None if month_before is None else as_named(shop, month_before, split.as_of)
    matrix = moved(same, known, model.rfm, model, "segment").matrix
    tables = {
        "Segments": Table(("Segment", *heads, "Jaccard", "Is", "In words", "Chinese name"), segments),
        "RFM cells": Table(("Cell", *heads), cells),
        "Who moved within a month": Table(
            ("From", "To", "Customers", "Share of from"),
            [[row["from"], row["to"], row["customers"], shown(row["share"], "share")] for row in matrix.to_pylist()],
        ),
    }
    charts = {
        "The customers as a map": map_plot(model.points(known), trained.label, model.names["en"]),
        "Recency, frequency and money": rfm_plot(model.rfm.scores(known.profiles)),
        "Who moved within a month": migration_plot(matrix),
    }
    return tables, charts


def _cells(foreseen: GroupValue, came: GroupValue, currency: str) -> list[object]:
    def told(value: float | None, unit: str) -> str:
        return "" if value is None else shown(value, unit, currency)

    return [
        came.customers,
        told(came.revenue_share, "share"),
        told(came.margin_share, "share") or "unknown",
        told(foreseen.churn, "share"),
        told(came.churn, "share"),
        told(foreseen.spend, "money"),
        told(came.spend, "money"),
    ]


def _bar(value: float) -> str:
    """In words what a Jaccard index means.

    >>> [_bar(value) for value in (0.9, 0.8, 0.7, 0.5)]
    ['highly stable', 'stable', 'a pattern only', 'not to be trusted']
    """
    words = ("not to be trusted", "a pattern only", "stable", "highly stable")
    return words[int(np.searchsorted(BARS, value, side="right"))]


def _month_before(shop: Shop, split: Split, trained: Trained, way: Way) -> tuple[Known | None, str]:
    """The customers as they were, and whether their segments then are those of now."""
    moment = split.as_of - MONTH
    try:
        before = fitted(shop, moment, way, history_days=0)
    except NotEnoughError as error:
        return None, f"Whether segments are the same as a month before cannot be told: {error}"
    index = rand_index(table_of(trained.label, before.model.assign(trained.known)))
    said = f"Made a month before, and applied to the same customers: adjusted Rand index {index:.2f} with these."
    same_vectors = before.model.behavior == trained.model.behavior
    return before.known if same_vectors else known_as_of(shop, shop.customers(moment), trained.model.behavior), said


def _leaks(shop: Shop, split: Split, trained: Trained) -> Check:
    """Change the future of some customers: their cells and segments must stay as they are."""
    known, model = trained.known, trained.model
    step = max(len(known) // PROBED, 1)
    pairs = known.profiles.select(KEYS).take(pa.array(range(0, len(known), step)))
    events = shop.identities.events_of(shop.events, pairs)

    def compute(seen: Any) -> pa.Table:
        return described(known_as_of(shop.holding(seen), pairs, model.behavior), model.rfm, model)

    return leak_check(compute, events, split.as_of)
