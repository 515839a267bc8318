"""Simulated ads: click chances beside a logistic model and LightGBM alone; conversions that come late."""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt

from benchmarks.report import Row
from regulars.ads.after_click import learned
from regulars.ads.prediction import AdRows, ClickModel, ripened
from regulars.ads.prediction.model import MOST_TREES, Linear, grown
from regulars.evaluation import auroc_score, expected_calibration_error, log_loss
from regulars.logistic import probability

Floats = npt.NDArray[np.float64]

SIZES = {
    "campaign": 12,
    "creative": 60,
    "channel": 5,
    "placement": 30,
    "device": 4,
    "hour": 24,
    "segment": 10,
    "category": 40,
}
NUMBERS = 6


def drawn(count: int, seed: int) -> tuple[AdRows, Floats]:
    """Impressions in order of time, and the true chance of each: main effects, pairs of fields, amounts, some drift."""
    rng = np.random.default_rng(seed)
    world = np.random.default_rng(99)
    names, sizes = tuple(SIZES), np.array(list(SIZES.values()))
    weights = [1 / np.arange(1, size + 1) ** 0.7 for size in sizes]
    codes = np.column_stack(
        [1 + rng.choice(size, count, p=weight / weight.sum()) for size, weight in zip(sizes, weights, strict=True)]
    )
    numbers = rng.normal(size=(count, NUMBERS))
    score = np.full(count, -2.8)
    factors = []
    for place, size in enumerate(sizes):
        score += world.normal(0, 0.35, size + 1)[codes[:, place]]
        factors.append(world.normal(0, 0.45, (size + 1, 4)))
    for one, other in ((1, 6), (1, 7), (3, 4), (0, 5), (2, 6)):
        score += (factors[one][codes[:, one]] * factors[other][codes[:, other]]).sum(axis=1)
    score += 0.4 * numbers[:, 0] - 0.3 * np.abs(numbers[:, 1]) + 0.3 * numbers[:, 2] * (numbers[:, 3] > 0)
    score += 0.4 * numbers[:, 4] * world.normal(0, 1, sizes[7] + 1)[codes[:, 7]]
    # Creatives wear out, and one campaign is changed in the middle.
    age = np.linspace(0, 1, count)
    score += -0.3 * age * world.random(sizes[1] + 1)[codes[:, 1]] + 0.3 * (codes[:, 0] == 2) * (age > 0.5)
    return AdRows(names, codes.astype(np.int64), numbers), probability(score)


def bench(count: int = 300_000) -> list[Row]:
    rows, chance = drawn(count, 1)
    clicked = (np.random.default_rng(2).random(count) < chance).astype(float)
    sizes = tuple(size + 1 for size in SIZES.values())
    learn, judge = slice(0, count * 2 // 3), slice(count * 2 // 3, None)
    early, late, y, y_late = rows.where(learn), rows.where(judge), clicked[learn], clicked[judge]
    model = ClickModel.fit(sizes, early, y)
    print("on the newest fifth of the past:", model.losses, "weights", model.weights, file=sys.stderr)
    held = int(0.2 * len(early))
    best = grown(
        early.where(slice(0, -held)), y[:-held], MOST_TREES, (early.where(slice(-held, None)), y[-held:])
    ).best_iteration
    alone = probability(
        np.asarray(grown(early, y, best).predict(np.hstack([late.fields, late.numbers]), raw_score=True))
    )
    said = {
        "ours": model.predict(late),
        "logistic": probability(Linear.fit(sizes, early, y).score(late)),
        "lightgbm alone": alone,
        "truth": chance[judge],
    }
    # As it is used: what came of a day moves the calibration before the next day.
    followed = []
    for part in np.array_split(np.arange(len(late)), 20):
        day = late.where(part)
        followed.append(model.predict(day))
        model.update(day, y_late[part])
    said["ours, calibration updated daily"] = np.concatenate(followed)
    case = f"simulated ads, {len(early):,} impressions learned, the next {len(late):,} judged"
    found = []
    for name, score, better in (
        ("log loss", log_loss, "lower"),
        ("AUC", auroc_score, "higher"),
        ("ECE", expected_calibration_error, "lower"),
    ):
        figures = {who: float(score(y_late, each)) for who, each in said.items()}
        for ours in ("ours", "ours, calibration updated daily"):
            peers = {who: figures[who] for who in ("logistic", "lightgbm alone", "truth")}
            found.append(Row(case, f"{name}{ours.removeprefix('ours')}", better, figures[ours], peers))
    return found + campaigns(said, late, y_late, case) + late_orders() + orders_by_creative()


def campaigns(said: dict[str, Floats], rows: AdRows, clicked: Floats, case: str) -> list[Row]:
    """How far said and seen are apart within each campaign and creative, in the mean by impressions."""

    def error(p: Floats) -> float:
        codes = rows.fields[:, 1]
        missed = np.bincount(codes, p - clicked)
        return float(np.abs(missed).sum() / len(p))

    return [
        Row(
            case,
            "error of level by creative",
            "lower",
            error(said["ours, calibration updated daily"]),
            {name: error(said[name]) for name in ("ours", "logistic", "lightgbm alone", "truth")},
        )
    ]


def late_orders(count: int = 60_000, window: float = 14.0) -> list[Row]:
    """Orders after clicks of the last four weeks, delays of five days in the mean: the level that is learned."""
    rows, chance = drawn(count, 5)
    rng = np.random.default_rng(6)
    elapsed = np.linspace(28.0, 0.0, count)
    delay = rng.exponential(5.0, count)
    within = 1 - np.exp(-window / 5.0)
    came = (rng.random(count) < chance) & (delay < np.minimum(elapsed, window))
    delays = np.where(came, delay, np.nan)
    sizes = tuple(size + 1 for size in SIZES.values())

    def learner(target: Floats) -> Floats:
        return probability(Linear.fit(sizes, rows, target).score(rows))

    soft, found = ripened(learner, delays, elapsed, window)
    truth, later = chance * within, drawn(count, 7)
    y = (np.random.default_rng(8).random(count) < later[1] * within).astype(float)
    ours = probability(Linear.fit(sizes, rows, soft).score(later[0]))
    naive = probability(Linear.fit(sizes, rows, came.astype(float)).score(later[0]))
    ripe = elapsed >= window
    only = probability(Linear.fit(sizes, rows.where(ripe), came[ripe].astype(float)).score(later[0]))

    def off(said: Floats) -> float:
        return abs(float(said.mean() / (later[1] * within).mean()) - 1)

    case = "orders after clicks, 4 weeks of clicks, delays of 5 days"
    peers = {"silence is refusal": naive, "ripe clicks only": only}
    print(
        "share arrived in 5 days",
        found.share([5.0]),
        "truth",
        (1 - np.exp(-1)) / within,
        "soft mean",
        soft.mean(),
        "truth",
        truth.mean(),
        file=sys.stderr,
    )
    return [
        Row(
            case,
            "log loss of later clicks",
            "lower",
            log_loss(y, ours),
            {name: log_loss(y, each) for name, each in peers.items()},
        ),
        Row(
            case,
            "level: share by which mean predicted misses the true mean",
            "lower",
            off(ours),
            {name: off(each) for name, each in peers.items()},
        ),
    ]


def orders_by_creative(count: int = 20_000, window: float = 14.0) -> list[Row]:
    """Orders follow clicks on some creatives more than on others: what is learned of which, beside the same for all."""
    world, kinds = np.random.default_rng(11), SIZES["creative"]
    raised = np.log(1.5) + world.normal(0, 0.5, kinds + 1)
    weight = 1 / np.arange(1, kinds + 1) ** 0.7

    def drawn_clicks(rng: np.random.Generator) -> tuple[Floats, npt.NDArray[np.int64], Floats]:
        before = probability(rng.normal(-2.2, 0.8, count))
        creative = 1 + rng.choice(kinds, count, p=weight / weight.sum())
        return before, creative, probability(np.log(before / (1 - before)) + raised[creative])

    rng = np.random.default_rng(12)
    before, creative, after = drawn_clicks(rng)
    elapsed, delay = np.linspace(28.0, 0.0, count), rng.exponential(5.0, count)
    # The chance is that of an order within the window; within it delays are what they are.
    came = (rng.random(count) < after / (1 - np.exp(-window / 5.0))) & (delay < np.minimum(elapsed, window))
    delays = np.where(came, delay, np.nan)
    own = learned(delays, elapsed, before, window, creative)
    alike = learned(delays, elapsed, before, window, np.zeros_like(creative))
    later, which, truth = drawn_clicks(np.random.default_rng(13))
    y = (np.random.default_rng(14).random(count) < truth).astype(float)
    odds = np.log(later / (1 - later))
    said = {"ours": probability(odds + own[which]), "the same for all creatives": probability(odds + alike[0])}
    said["truth"] = truth

    def off(p: Floats) -> float:
        missed, sum_of = (np.bincount(which, each, kinds + 1)[1:] for each in (p - truth, truth))
        return float(np.abs(missed).sum() / sum_of.sum())

    case = f"orders after clicks on {kinds} creatives that differ, {count:,} clicks of 4 weeks, delays of 5 days"
    rows = []
    for name, score in (
        ("log loss of later clicks", lambda p: log_loss(y, p)),
        ("share by which creatives are missed", off),
    ):
        figures = {who: float(score(p)) for who, p in said.items()}
        rows.append(Row(case, name, "lower", figures.pop("ours"), figures))
    return rows


if __name__ == "__main__":
    for row in bench(int(sys.argv[1]) if len(sys.argv) > 1 else 300_000):
        print(row.metric, row.ours, row.peers)
