"""What does a customer's vector alone say of the two weeks to come?

After the RecSys Challenge 2025 (Synerise): from what is known of customers as of T, a small network predicts who stays
away, which categories are bought and which products. It is asked three times: of the behaviour vectors, of the named
features of the profile, and of both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from regulars.behavior.evaluate import fitted, settings_of
from regulars.behavior.model import BehaviorModel
from regulars.behavior.outcomes import outcomes_of
from regulars.behavior.probe import Probe
from regulars.behavior.propensity import aurocs, diversity_of, popularity_of
from regulars.behavior.use import vectors
from regulars.clock import micros
from regulars.errors import NotEnoughError
from regulars.evaluation import Metric, cut_offs
from regulars.logistic import Scaling

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]

DAYS = 14
CUT_OFFS = 6
HISTORY_DAYS = 90
"""So much log must lie before the first moment: the behaviour model learns from no more than that."""
LEAST_CUSTOMERS = 100
RESAMPLES = 200
INPUTS = ("vector", "features", "both")
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the network that knows vectors too, beside the one that knows the features alone."""


@dataclass(frozen=True)
class UniversalProfile:
    """How well a small network predicts the days after T from vectors, from features, and from both.

    Attributes
    ----------
    as_of : the moment that is judged; the network learned from the other `moments`, the newest first, whose windows
        end before it, and the behaviour model from events before the earliest of them.
    customers : who ordered before `as_of`: all of them are judged.
    labels : {"churn", "category", "product": how many labels are predicted}.
    shares : {task: how much the network on features and vectors counts in "both", see `share_of`}.
    metrics : "auroc TASK, INPUT" for each task and input, then "novelty product, INPUT" and "diversity product, INPUT",
        each with its 95 % interval; the baseline of each is the same of the features.
    """

    as_of: datetime
    moments: tuple[datetime, ...]
    customers: int
    labels: Mapping[str, int]
    shares: Mapping[str, float]
    metrics: tuple[Metric, ...]

    def __getitem__(self, name: str) -> Metric:
        """The metric of a name."""
        return next(metric for metric in self.metrics if metric.name == name)

    @property
    def table(self) -> pa.Table:
        """One row a metric: name, value, low, high, and the gain over the features, gain_low to gain_high."""
        columns = {
            "metric": [m.name for m in self.metrics],
            "value": [m.value for m in self.metrics],
            "low": [m.low for m in self.metrics],
            "high": [m.high for m in self.metrics],
            "gain": [m.difference for m in self.metrics],
            "gain_low": [m.difference_low for m in self.metrics],
            "gain_high": [m.difference_high for m in self.metrics],
        }
        return pa.table(columns)

    def __rich__(self) -> RenderableType:
        table = Table("Metric", *(heading.capitalize() for heading in INPUTS), "Both over features, 95 %")
        for name in dict.fromkeys(metric.name.rpartition(",")[0] for metric in self.metrics):
            shown = [self[f"{name}, {kind}"] for kind in INPUTS]
            gain = f"{shown[-1].difference_low:+.3f} to {shown[-1].difference_high:+.3f}"
            table.add_row(name, *(f"{m.value:.3f} ({m.low:.3f} to {m.high:.3f})" for m in shown), gain)
        counts = ", ".join(f"{count} of {task}" for task, count in self.labels.items())
        shares = ", ".join(f"{share:.0%} for {task}" for task, share in self.shares.items())
        return Group(
            Text("What does the vector alone say of the days to come?", style="bold"),
            Text(
                f"{self.customers:,} customers as of {self.as_of:%Y-%m-%d}, {DAYS} days ahead; learned as of "
                f"{len(self.moments) - 1} moments from {self.moments[-1]:%Y-%m-%d} on; labels: {counts}. Of both, the "
                f"network that knows vectors too counts {shares}.",
                style="dim",
            ),
            table,
        )


def universal_profile(
    shop: Shop, model: BehaviorModel | None = None, moments: Sequence[datetime] | None = None
) -> UniversalProfile:
    """Judge behaviour vectors by what they tell of churn, categories and products in the 14 days after a moment.

    Churn is no order in the window. Of categories and products those count that were bought most often in the windows
    learned from, 100 at most. Where the catalogue names no category, groups of products stand for them, made of the
    meaning of their titles (`embed`) by k-means, 50 at most.

    AUROC of categories and products is the mean over the labels that some customers bought and others did not (macro),
    as in the challenge. Novelty and diversity are those of its code too: see `popularity_of` and `diversity_of`.

    Parameters
    ----------
    model : default one that is trained here, until the earliest of the moments.
    moments : the newest is judged; the network learns from the others, all of them 14 days or more before it. Default:
        the newest whose window has ended, and up to six before it, 14 days apart.

    Raises
    ------
    ValueError
        If a window learned from reaches into the one judged, or the model saw events after the earliest moment.
    NotEnoughError
        If the log is too short, or fewer than 100 customers ordered before a moment.

    Source
    ------
    RecSys Challenge 2025, github.com/Synerise/recsys2025: README.md (tasks), training_pipeline/metrics.py.
    """
    moments = _checked(shop, moments)
    if model is None:
        model, _ = fitted(shop, moments[-1], settings_of(shop), "until the first moment")
    if model.until > micros(moments[-1]):
        raise ValueError(
            f"the behaviour model learned from events after {moments[-1]:%Y-%m-%d}, the earliest moment; one that "
            "learned until then is expected"
        )
    customers = [shop.customers(moment) for moment in moments]
    if min(table.num_rows for table in customers) < LEAST_CUSTOMERS:
        raise NotEnoughError(
            f"behavior: {min(table.num_rows for table in customers)} customers ordered before {moments[-1]:%Y-%m-%d}; "
            f"at least {LEAST_CUSTOMERS} are needed. Import more history, or choose later moments."
        )
    pairs = pa.concat_tables(customers)
    is_judged = np.arange(pairs.num_rows) < customers[0].num_rows
    who = np.unique(pairs["customer_id"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)[1]
    inputs = inputs_of(shop, pairs, model, ~is_judged)
    tasks = outcomes_of(shop, pairs, DAYS, ~is_judged)
    drawn = _draws(int(is_judged.sum()))
    metrics: list[Metric] = []
    shares: dict[str, float] = {}
    for task, target in tasks.items():
        past = target[~is_judged]
        probes = {kind: Probe.fit(values[~is_judged], past, who[~is_judged]) for kind, values in inputs.items()}
        shares[task] = share_of(past, probes["features"].held_out, probes["both"].held_out)
        scores = {kind: probe.predict(inputs[kind][is_judged]) for kind, probe in probes.items()}
        scores["both"] = _blended(scores["features"], scores["both"], shares[task])
        judged = target[is_judged].astype(np.float64)
        metrics += _metrics(f"auroc {task}", {kind: _aurocs(judged, score, drawn) for kind, score in scores.items()})
        if task == "product":
            popularity = target[~is_judged].sum(0).astype(np.float64)
            each = {kind: popularity_of(score, popularity) for kind, score in scores.items()}
            metrics += _metrics("novelty product", {kind: (1 - drawn @ p) ** 100 for kind, p in each.items()})
            each = {kind: diversity_of(score) for kind, score in scores.items()}
            metrics += _metrics("diversity product", {kind: drawn @ d for kind, d in each.items()})
    labels = {task: target.shape[1] for task, target in tasks.items()}
    return UniversalProfile(moments[0], tuple(moments), customers[0].num_rows, labels, shares, tuple(metrics))


def _checked(shop: Shop, moments: Sequence[datetime] | None) -> list[datetime]:
    window = timedelta(days=DAYS)
    if moments is None:
        first, judged = shop.engine.to_arrow(shop.events.time.min()).as_py(), shop.now - window
        span = {"horizon_days": DAYS, "step_days": DAYS, "at_most": CUT_OFFS, "history_days": HISTORY_DAYS}
        moments = [judged, *cut_offs(first, judged, **span)]
    moments = sorted(moments, reverse=True)
    if len(moments) < 2 or moments[0] - moments[1] < window:
        raise ValueError(f"a moment to judge and others {DAYS} days or more before it are expected")
    if moments[0] + window > shop.now:
        raise NotEnoughError(
            f"behavior: what comes in the {DAYS} days after {moments[0]:%Y-%m-%d} is not known yet: the log ends on "
            f"{shop.now:%Y-%m-%d}. Choose earlier moments."
        )
    return moments


def inputs_of(
    shop: Shop, pairs: pa.Table, model: BehaviorModel, is_learned: npt.NDArray[np.bool_]
) -> dict[str, Float32s]:
    """{"vector", "features", "both": (n, k)} of customers as of moments, scaled by the rows learned from.

    Features are log-scaled and standardised, with an indicator for those often absent; vectors are standardised.
    """
    known = vectors(shop, pairs, model)
    spread = known[is_learned].std(0)
    vector = (known - known[is_learned].mean(0)) / np.where(spread > 1e-6, spread, 1.0)
    table = shop.tables.of("profile", pairs).drop_columns(["customer_id", "as_of"])
    named = np.column_stack([column.to_numpy(zero_copy_only=False) for column in table.columns])
    features = Scaling.of(named[is_learned]).inputs(named).astype(np.float32)
    return {"vector": vector, "features": features, "both": np.hstack([features, vector])}


def share_of(target: Float32s, features: Float32s, both: Float32s) -> float:
    """How much a network that knows vectors besides should count beside one that knows the features alone.

    A capability takes vectors where they help on validation, and so does this: the share whose blend of log-odds ranks
    best those who were held out, the smallest of equals; nothing where vectors do not help.

    Parameters
    ----------
    target : (n, labels) 1 where it happened, else 0.
    features, both : (n, labels) log-odds of those held out.

    Examples
    --------
    >>> target, good, bad = (np.array([[float(v)] for v in values], np.float32) for values in ("0011", "1234", "4213"))
    >>> share_of(target, good, bad), share_of(target, bad, good)
    (0.0, 0.75)
    """
    alike = np.full((1, len(target)), 1 / len(target))
    came = target.astype(np.float64)
    return max(SHARES, key=lambda share: (float(_aurocs(came, _blended(features, both, share), alike)[0]), -share))


def _blended(features: Float32s, both: Float32s, share: float) -> Float32s:
    return features * np.float32(1 - share) + both * np.float32(share)


def _draws(count: int) -> Floats:
    """(1 + resamples, n) how much each customer weighs: first all alike, then as drawn with replacement."""
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    return np.vstack([np.ones(count), drawn]) / count


def _aurocs(target: Floats, score: Float32s, weights: Floats) -> Floats:
    """(draws,) the mean over labels; in each draw over those that some drawn bought and others did not."""
    found = np.array([aurocs(*label, weights) for label in zip(target.T, score.T, strict=True)])
    is_defined = ~np.isnan(found)
    if not is_defined.any(axis=0).all():
        raise NotEnoughError(
            f"behavior: too few customers did, or did not, in the {DAYS} days what is predicted. Choose other moments."
        )
    mean: Floats = np.where(is_defined, found, 0).sum(0) / is_defined.sum(0)
    return mean


def _metrics(name: str, draws: Mapping[str, Floats]) -> list[Metric]:
    """A metric for each of the inputs; the first of its draws is what was observed."""

    def interval(values: Floats) -> tuple[float, float]:
        low, high = np.percentile(values[1:], [2.5, 97.5])
        return float(min(low, values[0])), float(max(high, values[0]))

    base = draws["features"]
    return [
        Metric(
            f"{name}, {kind}",
            "higher",
            float(values[0]),
            *interval(values),
            float(base[0]),
            *interval(base),
            *interval(values - base),
        )
        for kind, values in draws.items()
    ]
