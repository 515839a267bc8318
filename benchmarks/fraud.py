"""Fraud: card payments of the Fraud Detection Handbook, speed of features, and one live decision.

    python -m benchmarks.fraud                  all cases, about half an hour on two cores
    python -m benchmarks.fraud handbook history delay unlabelled features live

Settings of the model were chosen on the four weeks before the protocol's folds, which its test weeks do not touch.
The handbook's peers learn from its own features; ours from those that `regulars.fraud` declares, for any shop.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.fraud_handbook import FOLDS, Payments, handbook_features, part
from benchmarks.peer_environment import Unavailable, environment
from benchmarks.report import Row, save
from regulars import Shop
from regulars.fraud.attempts import Facts
from regulars.fraud.features.batch import features
from regulars.fraud.features.own import own
from regulars.fraud.model import fit
from regulars.fraud.stream import Stream
from regulars.simulate import World, load, simulate

PROTOCOL = "handbook: chapter 7 protocol (4 folds: train 7 days, delay 7, test 7)"
HISTORY = "handbook, all history before the delay allowed"
DELAY = "same, label delay 0, 1, 3, 7 days"
UNLABELLED = "same, labels withheld"
FEATURES = "features, 1.75 m attempts"
LIVE = "live decision"
METRICS = ("auc roc", "ap", "card precision@100")
PUBLISHED = (0.876, 0.687, 0.303)
ORACLE = (0.8947, 0.7781, 0.300)
"""Of the Bayes oracle on these splits: it knows the simulator's rules, and labels 7 days late."""
MONTHS = 60
"""Days that are learned from where the protocol's seven are not all that may be."""
PANDAS_DAYS = 30
"""Of so many first days the handbook's code is timed, and scaled to all."""

Matrix = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Fitted = Callable[[Ints, Ints], Floats]


def table(payments: Payments, stream: Stream) -> tuple[tuple[str, ...], Matrix]:
    """Our features of all payments."""
    columns = features(stream, base_rate=0.01)
    count = len(payments.day)
    texts = pa.nulls(count, pa.string())
    facts = Facts(
        payments.stream.time, payments.stream.amount, np.full(count, -1), texts, texts, texts,
        np.zeros(count, bool), np.full((4, count), np.nan), {},
    )  # fmt: skip
    columns |= own(facts, "UTC")
    return tuple(columns), np.stack(list(columns.values()), axis=1)


def judged(payments: Payments, fitted: Fitted, train_days: int = 7, delay_days: int = 7) -> Floats:
    """(folds, 3) AUC, AP and card precision of what learns from some rows and scores others."""
    found = []
    for start in FOLDS:
        train, test = payments.fold(start, train_days, delay_days)
        risk = fitted(train, test)
        truth = payments.is_fraud[test]
        found.append(
            (roc_auc_score(truth, risk), average_precision_score(truth, risk), payments.card_precision(test, risk))
        )
    return np.array(found)


def ours(payments: Payments, names: tuple[str, ...], rows: Matrix) -> Fitted:
    """Our model."""

    def fitted(train: Ints, test: Ints) -> Floats:
        model = fit(rows[train], names, payments.is_fraud[train].astype(np.int8), 0.01)
        return model.scores(rows[test]).risk

    return fitted


def plain_trees(payments: Payments, rows: Floats) -> Fitted:
    """LightGBM with the settings that the handbook's features did best with."""
    settings = {"objective": "binary", "learning_rate": 0.05, "num_leaves": 16, "min_data_in_leaf": 50, "verbose": -1}

    def fitted(train: Ints, test: Ints) -> Floats:
        data = lgb.Dataset(rows[train], payments.is_fraud[train].astype(float))
        return np.asarray(lgb.train({**settings, "seed": 0, "num_threads": 2}, data, 200).predict(rows[test]))

    return fitted


def with_labels(wanted: set[str]) -> list[Row]:
    payments = Payments.read()
    names, rows = table(payments, payments.known(7))
    found = []
    if "handbook" in wanted or "history" in wanted:
        peer = handbook_features(payments)
        for key, case, days in (("handbook", PROTOCOL, 7), ("history", HISTORY, MONTHS)):
            if key in wanted:
                mine = judged(payments, ours(payments, names, rows), days)
                theirs = judged(payments, plain_trees(payments, peer), days)
                print(case, "by fold", mine.round(4).tolist(), theirs.round(4).tolist(), file=sys.stderr)
                for k, metric in enumerate(METRICS):
                    published = {"handbook, best per metric": PUBLISHED[k], "bayes oracle, 7 days late": ORACLE[k]}
                    peers = {"handbook features + lightgbm": float(theirs[:, k].mean())}
                    found.append(Row(case, metric, "higher", float(mine[:, k].mean()), peers, published))
    if "delay" in wanted:
        for days in (0, 1, 3, 7):
            at = (names, rows) if days == 7 else table(payments, payments.known(days))
            mine = judged(payments, ours(payments, *at), MONTHS, days)
            found.append(Row(DELAY, f"ap, {days} days", "higher", float(mine[:, 1].mean())))
    if "unlabelled" in wanted:
        found += without_labels(payments, names, rows)
    return found


BEHAVIOUR = (
    "amount", "hour", "customer_attempts_1d", "customer_attempts_7d", "customer_attempts_30d",
    "customer_amount_mean_7d", "customer_amount_mean_30d", "amount_over_customer_mean_30d", "merchant_attempts_1d",
)  # fmt: skip
"""What the peers look at: nine columns of behaviour, no labels."""


def without_labels(payments: Payments, names: tuple[str, ...], rows: Matrix) -> list[Row]:
    is_free = [k for k, name in enumerate(names) if not any(word in name for word in ("fraud", "label"))]
    free, kept = rows[:, is_free], tuple(names[k] for k in is_free)
    nobody = np.full(len(payments.day), -1, np.int8)

    def fitted(train: Ints, test: Ints) -> Floats:
        return fit(free[train], kept, nobody[train], 0.01).scores(free[test]).risk

    mine = judged(payments, fitted)
    behaviour = np.nan_to_num(rows[:, [names.index(name) for name in BEHAVIOUR]]).astype(float)
    theirs = by_pyod(payments, behaviour)
    for name, figures in theirs.items():
        print(UNLABELLED, name, figures.mean(axis=0).round(4).tolist(), file=sys.stderr)
    return [
        Row(UNLABELLED, metric.split()[0], "higher", float(mine[:, k].mean()),
            {name: float(figures[:, k].mean()) for name, figures in theirs.items()})
        for k, metric in enumerate(METRICS[:2])
    ]  # fmt: skip


def by_pyod(payments: Payments, rows: Floats) -> dict[str, Floats]:
    """{detector: (folds, 3)} in an environment of its own."""
    folds = [payments.fold(start, 7, 7) for start in FOLDS]
    given: dict[str, object] = {"folds": len(folds)}
    for k, (train, test) in enumerate(folds):
        centre, scale = rows[train].mean(axis=0), rows[train].std(axis=0) + 1e-9
        given |= {f"train_{k}": (rows[train] - centre) / scale, f"test_{k}": (rows[test] - centre) / scale}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(source, **given)
        try:
            python = environment("pyod", ("pyod==2.0.5", "scikit-learn<1.6", "torch", "tqdm"))
            script = Path(__file__).with_name("fraud_pyod.py")
            subprocess.run([str(python), str(script), str(source), str(target)], check=True)
        except (Unavailable, subprocess.CalledProcessError) as error:
            print(f"pyod: {error}", file=sys.stderr)
            return {}
        scores = dict(np.load(target))
    found = {}
    for name in ("isolation forest", "ecod", "copod", "autoencoder"):
        figures = []
        for k, (_, test) in enumerate(folds):
            truth, risk = payments.is_fraud[test], scores[f"{name}_{k}"]
            figures.append((roc_auc_score(truth, risk), average_precision_score(truth, risk), 0.0))
        found[name] = np.array(figures)
    return found


def speed() -> list[Row]:
    """All our features of all payments, and the handbook's of those of some days, each alone."""
    payments = Payments.read()
    stream = payments.known(7)
    features(part(payments, 3).known(7), base_rate=0.01)  # compiles
    start = time.perf_counter()
    columns = features(stream, base_rate=0.01)
    mine = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sample = part(payments, PANDAS_DAYS)
    start = time.perf_counter()
    theirs_columns = handbook_features(sample).shape[1]
    theirs = (time.perf_counter() - start) * len(payments.day) / len(sample.day)
    count = len(payments.day)
    print(f"{len(columns)} features of ours, {theirs_columns} of theirs", file=sys.stderr)
    return [
        Row(FEATURES, "attempts/s on 2 cores", "higher", count / mine, {"handbook, pandas": count / theirs}),
        Row(FEATURES, "memory gib", "lower", memory),
    ]


def live() -> list[Row]:
    """Decisions about the last attempts of a simulated shop, one by one, the state warm."""
    from regulars.fraud.live import Live

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "shop"
        params = load("gifts")
        simulate(home, World(params, customers=10_000, seed=5, days=180))
        shop = Shop.open(home)
        learned, _ = shop.learn("fraud")
        shop.models.use("fraud", learned.version)
        now = shop.now
        warm = Live.of(shop, now)
        known = shop.engine.to_arrow(
            shop.events.filter(shop.events.type == "payment_attempted").order_by("time").limit(3000)
        ).to_pylist()
        taken = []
        for k, row in enumerate(known):
            said = {name: row[name] for name in ("customer_id", "device_id", "ip", "payment_id", "event_id", "channel")}
            said["amount"] = float(row["unit_price"] or 0)
            start = time.perf_counter()
            warm.decide(said, now + timedelta(seconds=k))
            taken.append(time.perf_counter() - start)
    p50, p99 = np.percentile(taken[200:], [50, 99]) * 1e3
    return [Row(LIVE, "ms p50", "lower", float(p50)), Row(LIVE, "ms p99", "lower", float(p99))]


def main() -> None:
    wanted = set(sys.argv[1:]) or {"handbook", "history", "delay", "unlabelled", "features", "live"}
    if "features" in wanted:
        save("fraud", speed())
    if "live" in wanted:
        save("fraud", live())
    if wanted & {"handbook", "history", "delay", "unlabelled"}:
        save("fraud", with_labels(wanted))


if __name__ == "__main__":
    main()
