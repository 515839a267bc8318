"""Which brand a household takes: ours beside xlogit and LightGBM on scanner panels of yogurt and ketchup."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from benchmarks.peer_environment import environment
from benchmarks.report import Row
from regulars.pricing.choice import Choices, Forecaster, Habits, fit

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

DATA = Path(__file__).parents[2] / "shared" / "data"
NEEDED = ("xlogit>=0.2.7", "numpy", "scipy")
DRAWS = 500
HELD_OUT = 0.3
RESAMPLES = 1000


def yogurt() -> tuple[Choices, Flags]:
    """The choices, and which are the last 20 % of their household."""
    table = pq.read_table(DATA / "scanner_yogurt.parquet")
    brands = ["dannon", "hiland", "weight", "yoplait"]
    choices = _choices(table, brands, "price.", "choice", "id", {"feature": "feat."})
    count = np.repeat(np.diff(choices.begin), np.diff(choices.begin))
    return choices, choices.position >= np.ceil(0.8 * count)


def ketchup() -> tuple[Choices, Flags]:
    """The choices, and which are of 30 % of households held out; without an order inside a household."""
    table = pq.read_table(DATA / "scanner_ketchup.parquet")
    choices = _choices(table, ["delmonte", "heinz", "hunts", "stb"], "price.", "Ketchup.choice", "Ketchup.hid", {})
    households = len(choices.begin) - 1
    out = np.random.default_rng(0).permutation(households)[: int(HELD_OUT * households)]
    return choices, np.isin(choices.household, out)


def _choices(
    table: object, brands: list[str], price: str, choice: str, household: str, features: dict[str, str]
) -> Choices:
    def wide(prefix: str) -> Floats:
        return np.column_stack([np.asarray(table[f"{prefix}{brand}"], np.float64) for brand in brands])  # type: ignore[index]

    chosen = np.asarray(table[choice].to_pylist())  # type: ignore[index]
    rows, each = len(chosen), len(brands)
    return Choices.of(
        np.repeat(np.arange(rows), each), np.tile(brands, rows), (chosen[:, None] == np.array(brands)).ravel(),
        wide(price).ravel(), {name: wide(prefix).ravel() for name, prefix in features.items()},
        np.repeat(np.asarray(table[household]), each),  # type: ignore[index]
    )  # fmt: skip


def _design(choices: Choices) -> tuple[Floats, list[str]]:
    """Constants of brands but the first, and all features."""
    alternatives = len(choices.alternatives)
    constants = np.broadcast_to(np.eye(alternatives)[:, 1:], (len(choices), alternatives, alternatives - 1))
    return np.concatenate([constants, choices.features], axis=2), [*choices.alternatives[1:], *choices.names]


def by_xlogit(cases: dict[str, tuple[Choices, Choices]]) -> dict[str, Floats]:
    """What xlogit says of each case's choices to be judged, of its choices learned from."""
    given: dict[str, object] = {"cases": np.array(list(cases))}
    for case, (learned, judged) in cases.items():
        given[f"learn_{case}"], names = _design(learned)
        given[f"judge_{case}"] = _design(judged)[0]
        given |= {
            f"chosen_{case}": learned.chosen, f"panel_{case}": learned.household, f"names_{case}": np.array(names),
            f"varying_{case}": np.array([*learned.alternatives[1:], "price"]), f"draws_{case}": DRAWS,
        }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source.npz", Path(folder) / "target.npz"
        np.savez(source, **given)  # type: ignore[arg-type]
        script = Path(__file__).parent / "pricing_choice_peers.py"
        command = [str(environment("choice", NEEDED)), "-W", "ignore", "-P", str(script), str(source), str(target)]
        subprocess.run(command, check=True, stdout=sys.stderr)
        return dict(np.load(target))


def by_trees(learned: Choices, judged: Choices) -> Floats:
    """LightGBM on all alternatives' features side by side, stopped on a tenth of what it learns from."""
    settings = {"objective": "multiclass", "num_class": len(learned.alternatives), "learning_rate": 0.05, "verbose": -1, "seed": 0, "num_leaves": 15}  # fmt: skip
    is_out = np.random.default_rng(0).random(len(learned.begin) - 1)[np.unique(learned.household, return_inverse=True)[1]] < 0.1  # fmt: skip

    def data(rows: Flags) -> lgb.Dataset:
        return lgb.Dataset(learned.features[rows].reshape(int(rows.sum()), -1), learned.chosen[rows])

    stop = lgb.early_stopping(30, verbose=False)
    trees = lgb.train(settings, data(~is_out), 500, valid_sets=[data(is_out)], callbacks=[stop])
    return np.asarray(trees.predict(judged.features.reshape(len(judged), -1)))


def _rows(case: str, ours: Floats, peers: dict[str, Floats], judged: Choices) -> list[Row]:
    at = np.arange(len(judged)), judged.chosen

    def likelihood(said: Floats) -> float:
        return float(np.log(np.maximum(said[at], 1e-12)).mean())

    def hits(said: Floats) -> float:
        return float((said.argmax(1) == judged.chosen).mean())

    rows = [
        Row(case, "log-likelihood per choice", "higher", likelihood(ours), {name: likelihood(said) for name, said in peers.items()}),
        Row(case, "hit rate", "higher", hits(ours), {name: hits(said) for name, said in peers.items()}),
    ]  # fmt: skip
    best = max(peers, key=lambda name: likelihood(peers[name]))
    gain = np.log(np.maximum(ours[at], 1e-12)) - np.log(np.maximum(peers[best][at], 1e-12))
    _, household = np.unique(judged.household, return_inverse=True)
    total, count = np.bincount(household, gain), np.bincount(household)
    draws = np.random.default_rng(0).multinomial(len(count), np.full(len(count), 1 / len(count)), RESAMPLES)
    low, high = np.quantile((draws @ total) / (draws @ count), [0.025, 0.975])
    rows.append(Row(case, f"log-likelihood per choice above {best}, lower end of 95 % interval over households", "higher", float(low)))  # fmt: skip
    rows.append(Row(case, f"log-likelihood per choice above {best}, upper end of 95 % interval over households", "higher", float(high)))  # fmt: skip
    return rows


def _timed(case: str, learned: Choices, theirs: dict[str, Floats], name: str) -> list[Row]:
    random = dict.fromkeys([*learned.alternatives[1:], "price"], "normal")
    fit(learned, random, draws=2)  # compiled once, kept for ever: no part of a fit
    start = time.perf_counter()
    model = fit(learned, random, draws=DRAWS)  # type: ignore[arg-type]
    seconds = time.perf_counter() - start
    return [
        Row(case, "fit seconds of mixed logit, 500 draws", "lower", seconds, {"xlogit": float(theirs[f"mixed_seconds_{name}"])}),
        Row(case, "log-likelihood reached by mixed logit, 500 draws", "higher", model.likelihood, {"xlogit": float(theirs[f"mixed_likelihood_{name}"])}),
    ]  # fmt: skip


def bench_yogurt() -> list[Row]:
    """Brand choice, last 20 % of each household's purchases held out; past choices as features for all."""
    choices, is_out = yogurt()
    learned, judged = choices.some(~is_out), choices.some(is_out)
    forecaster = Forecaster.fit(learned, draws=DRAWS)
    for tried in forecaster.tried:
        print(tried, file=sys.stderr)
    ours = forecaster.predict(judged, learned)
    habits = Habits.fit(learned)
    told, asked = habits.add(learned), habits.add(judged, learned)
    usual = [told.names.index("loyalty")]

    def loyal(some: Choices, plain: Choices) -> Choices:
        return plain.with_features(("loyalty",), some.features[:, :, usual])

    cases = {
        "plain": (learned, judged),
        "loyalty": (loyal(told, learned), loyal(asked, judged)),
        "habits": (told, asked),
    }
    theirs = by_xlogit(cases)
    peers = {
        f"{kind} logit by xlogit, {said}": theirs[f"{kind}_{name}"]
        for name, said in (("plain", "no past"), ("loyalty", "smoothed loyalty"), ("habits", "all our habits"))
        for kind in ("multinomial", "mixed")
    }
    peers |= {
        "lightgbm, smoothed loyalty": by_trees(*cases["loyalty"]),
        "lightgbm, all our habits": by_trees(*cases["habits"]),
    }
    case = "scanner yogurt: brand choice, last 20 % of each household's purchases held out"
    return _rows(case, ours, peers, judged) + _timed(case, learned, theirs, "plain")


def bench_ketchup() -> list[Row]:
    """Brand choice of households that nothing is known of."""
    choices, is_out = ketchup()
    learned, judged = choices.some(~is_out), choices.some(is_out)
    forecaster = Forecaster.fit(learned, is_ordered=False, draws=DRAWS)
    for tried in forecaster.tried:
        print(tried, file=sys.stderr)
    theirs = by_xlogit({"plain": (learned, judged)})
    peers = {f"{kind} logit by xlogit": theirs[f"{kind}_plain"] for kind in ("multinomial", "mixed")}
    peers["lightgbm"] = by_trees(learned, judged)
    case = "scanner ketchup: brand choice, 30 % of households held out"
    return _rows(case, forecaster.predict(judged), peers, judged) + _timed(case, learned, theirs, "plain")
