"""Churn and value: ours beside lifetimes on CDNOW, and beside what others do on Online Retail.

    python -m benchmarks.churn             all cases (about fifteen minutes on two cores)
    python -m benchmarks.churn cdnow       some of: cdnow, cdnow_sample, retail, journey, simulated, million, outputs

CDNOW comes from beside the checkout (../shared/data). Customers are known by their first 39 weeks, and judged by the
next 39, of which nothing is learned.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import spearmanr

from benchmarks import churn_learned, churn_worlds
from benchmarks.peer_environment import environment
from benchmarks.report import Row, save
from regulars import Shop
from regulars.churn.btyd import BetaGeometricNBD, GammaGamma, Histories, ParetoNBD
from regulars.churn.dataset import features_of
from regulars.churn.model import inputs_of
from regulars.churn.table import foreseen
from regulars.churn.training import train
from regulars.config import ShopSettings

Floats = npt.NDArray[np.float64]

DATA = Path(__file__).parents[2] / "shared" / "data"
KNOWN_WEEKS, LATER_WEEKS = 272 / 7, 39.0
"""Until the end of September 1997; as in the literature, ages are counted to that day."""
PEERS = {
    "lifetimes": (("lifetimes>=0.11.3", "numpy<2", "scipy<1.14"), "churn_lifetimes.py"),
    "pymc_marketing": (("pymc-marketing>=0.10",), "churn_pymc.py"),
}
"""What each needs, and the script that runs in it."""
CUSTOMERS = 1_000_000


@dataclass(frozen=True)
class Case:
    """Customers as they were known, and what they did later.

    Attributes
    ----------
    mean : (n,) worth of a later order than the first; 0 of who has none.
    orders, spend : (n,) in the weeks after.
    """

    known: Histories
    mean: Floats
    orders: Floats
    spend: Floats

    @classmethod
    def read(cls, name: str) -> Case:
        table = pq.read_table(DATA / f"{name}.parquet")
        customer = np.unique(np.asarray(table["customer_id"]), return_inverse=True)[1]
        day = np.asarray(table["date"].cast("date32").cast("int32")).astype(float)
        amount = np.asarray(table["amount"].cast("float64"))
        rows, back = np.unique(np.column_stack([customer, (day - day.min()) / 7]), axis=0, return_inverse=True)
        worth, who, week = np.bincount(back.ravel(), amount), rows[:, 0].astype(int), rows[:, 1]
        people = int(who.max()) + 1
        inside, later = week <= KNOWN_WEEKS, (week > KNOWN_WEEKS) & (week <= KNOWN_WEEKS + LATER_WEEKS + 1e-9)
        again = inside & np.append(False, np.diff(who) == 0)
        count = np.bincount(who[again], minlength=people)
        mean = np.bincount(who[again], worth[again], people) / np.maximum(count, 1)
        return cls(
            Histories.of(who, week, KNOWN_WEEKS + 1e-9), mean,
            np.bincount(who[later], minlength=people).astype(float), np.bincount(who[later], worth[later], people),
        )  # fmt: skip


def said_by(peer: str, case: Case) -> dict[str, Floats]:
    """What a library says of the same customers, and the seconds of its fits."""
    needed, script = PEERS[peer]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "known.npz", Path(folder) / "found.npz"
        known = case.known
        np.savez(source, orders=known.orders, last=known.last, age=known.age, mean=case.mean, horizon=LATER_WEEKS)
        path = Path(__file__).parent / script
        command = [str(environment(peer, needed)), "-W", "ignore", "-P", str(path), str(source), str(target)]
        subprocess.run(command, check=True, stdout=sys.stderr)
        return dict(np.load(target))


def gini(value: Floats, score: Floats) -> float:
    """How well a score orders by value: 1 as value itself does, 0 as chance."""

    def area(by: Floats) -> float:
        share = np.cumsum(value[np.argsort(-by, kind="stable")]) / value.sum()
        return float(share.mean() - 0.5)

    return area(score) / area(value)


MEASURES: dict[str, tuple[str, Callable[[Floats, Floats], float]]] = {
    "rmse": ("lower", lambda said, was: float(np.sqrt(np.mean((said - was) ** 2)))),
    "mae": ("lower", lambda said, was: float(np.abs(said - was).mean())),
    "correlation": ("higher", lambda said, was: float(np.corrcoef(said, was)[0, 1])),
    "total bias, absolute": ("lower", lambda said, was: abs(float(said.sum() / was.sum() - 1))),
}


def timed(work: Callable[[], object]) -> float:
    """The least seconds of several runs; the first of a process may compile."""
    found = []
    for _ in range(4):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def cdnow(name: str, case_name: str) -> list[Row]:
    """Orders and worth of the weeks after."""
    case = Case.read(name)
    known = case.known
    theirs, bayesian = said_by("lifetimes", case), said_by("pymc_marketing", case)
    models: dict[str, ParetoNBD | BetaGeometricNBD] = {
        "pareto": ParetoNBD.fit(known), "bg": BetaGeometricNBD.fit(known),
        "mbg": BetaGeometricNBD.fit(known, at_once=True),
    }  # fmt: skip
    names = {"pareto": "pareto/nbd", "bg": "bg/nbd", "mbg": "mbg/nbd"}
    said = {key: model.expected(known, LATER_WEEKS) for key, model in models.items()}
    rows = []
    for key, words in names.items():
        for metric, (better, measure) in MEASURES.items():
            peers = {f"lifetimes {words}": measure(theirs[key], case.orders)}
            if key in bayesian:
                peers[f"pymc-marketing {words}, map"] = measure(bayesian[key], case.orders)
            rows.append(Row(case_name, f"{metric}, {words}", better, measure(said[key], case.orders), peers))
    fits = {
        "pareto": lambda: ParetoNBD.fit(known), "bg": lambda: BetaGeometricNBD.fit(known),
        "mbg": lambda: BetaGeometricNBD.fit(known, at_once=True),
    }  # fmt: skip
    for key, fit in fits.items():
        peer = {f"lifetimes {names[key]}": float(theirs[f"seconds_{key}"])}
        if key in bayesian:
            peer[f"pymc-marketing {names[key]}, map"] = float(bayesian[f"seconds_{key}"])
        rows.append(Row(case_name, f"fit seconds, {names[key]}", "lower", timed(fit), peer))
    worth = GammaGamma.fit(known.orders, case.mean)
    ours, peer = said["pareto"] * worth.expected(known.orders, case.mean), theirs["pareto"] * theirs["worth"]
    label = "lifetimes pareto/nbd and gamma-gamma"
    rows.append(
        Row(case_name, "revenue normalised gini", "higher", gini(case.spend, ours), {label: gini(case.spend, peer)})
    )
    with tempfile.TemporaryDirectory() as folder:
        learned, learned_worth = churn_learned.foreseen(DATA / f"{name}.parquet", Path(folder))
    for metric, (better, measure) in MEASURES.items():
        peers = {f"lifetimes {words}": measure(theirs[key], case.orders) for key, words in names.items()}
        peers |= {
            f"pymc-marketing {words}, map": measure(bayesian[key], case.orders)
            for key, words in names.items()
            if key in bayesian
        }
        rows.append(Row(case_name, f"{metric}, learned", better, measure(learned, case.orders), peers))
    found = gini(case.spend, learned_worth)
    rows.append(Row(case_name, "revenue normalised gini, learned", "higher", found, {label: gini(case.spend, peer)}))
    for metric, of_value in (
        ("value, spearman", lambda value: float(spearmanr(value, case.spend).statistic)),
        ("value, top-decile share", lambda value: _top_share(value, case.spend)),
    ):
        rows.append(Row(case_name, metric, "higher", of_value(ours), {label: of_value(peer)}))
        rows.append(Row(case_name, f"{metric}, learned", "higher", of_value(learned_worth), {label: of_value(peer)}))
    if name == "cdnow_sample":
        published = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
        plain = models["bg"]
        rows += [
            Row(case_name, f"bg/nbd parameter {key}", "higher", float(getattr(plain, key)), {}, {"literature": value})
            for key, value in published.items()
        ]
    return rows


def _top_share(value: Floats, spend: Floats) -> float:
    best = np.argsort(-value, kind="stable")[: len(value) // 10]
    return float(spend[best].sum() / spend.sum())


def retail() -> list[Row]:
    """Who leaves, as of 2011-09-10."""
    from benchmarks import churn_peers

    with tempfile.TemporaryDirectory() as folder:
        return churn_peers.bench(Path(folder))


def million() -> list[Row]:
    """A million customers of a year, by days: fitted, and the chance and the orders expected of each."""
    rng = np.random.default_rng(0)
    rate, leaving = rng.gamma(0.6, 1 / 60.0, CUSTOMERS), rng.gamma(0.6, 1 / 90.0, CUSTOMERS)
    age = rng.integers(1, 366, CUSTOMERS).astype(float)
    stays = np.minimum(age, rng.exponential(1 / leaving))
    orders = rng.poisson(rate * stays).astype(float)
    last = np.where(orders > 0, np.ceil(stays * rng.random(CUSTOMERS) ** (1 / np.maximum(orders, 1))), 0.0)
    last = np.minimum(last, age)
    known = Histories(orders, last, age, np.ones(CUSTOMERS), np.zeros(CUSTOMERS))
    ParetoNBD.fit(known.some(10_000))

    def work() -> None:
        model = ParetoNBD.fit(known)
        model.alive(known)
        model.expected(known, 90.0)

    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    case = "1 m customers, btyd"
    return [Row(case, "seconds", "lower", seconds), Row(case, "memory gib", "lower", peak)]


def journey() -> list[Row]:
    """A grocer's households."""
    with tempfile.TemporaryDirectory() as folder:
        return churn_worlds.journey(DATA / "journey_transactions_sample.parquet", Path(folder))


def simulated() -> list[Row]:
    """A shop whose truth is known."""
    with tempfile.TemporaryDirectory() as folder:
        return churn_worlds.simulated(Path(folder))


def outputs() -> list[Row]:
    """A million customers of a year in a shop's log: learning all that churn says, and saying it of each."""
    rng = np.random.default_rng(0)
    age = rng.integers(1, 365, CUSTOMERS)
    stays = np.minimum(age, rng.exponential(1 / rng.gamma(0.6, 1 / 90.0, CUSTOMERS)))
    again = rng.poisson(rng.gamma(0.6, 1 / 60.0, CUSTOMERS) * stays)
    who = np.concatenate([np.arange(CUSTOMERS), np.repeat(np.arange(CUSTOMERS), again)])
    after = np.concatenate([np.zeros(CUSTOMERS), rng.random(again.sum()) * np.repeat(stays, again)])
    moment = np.datetime64("2024-12-31T00:00:00", "us") - ((age[who] - after) * 86_400e6).astype("timedelta64[us]")
    table = pa.table(
        {
            "customer_id": np.char.add("c", who.astype(str)), "order_id": np.arange(len(who)).astype(str),
            "time": pa.array(moment, pa.timestamp("us", "UTC")), "product_id": rng.integers(0, 1000, len(who)).astype(str),
            "unit_price": rng.lognormal(3, 0.6, len(who)).round(2), "quantity": np.ones(len(who)),
        }
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.parquet"
        pq.write_table(table.sort_by("time"), path)
        shop = Shop.create(Path(folder) / "shop", ShopSettings(name="Large", currency="EUR"))
        shop.import_(path)
        start = time.perf_counter()
        trained = train(shop, shop.now, 90)
        learned = time.perf_counter() - start
        customers = shop.customers(shop.now)
        inputs = inputs_of(shop, shop.tables.of("profile", customers), trained.model)
        foreseen(trained.model, inputs, trained.model.predict(features_of(inputs, trained.model.names)))
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    case = "1 m customers, all churn outputs"
    return [
        Row(case, "seconds", "lower", seconds), Row(case, "of them learning", "lower", learned),
        Row(case, "memory gib", "lower", peak),
    ]  # fmt: skip


CASES: dict[str, Callable[[], list[Row]]] = {
    "cdnow": lambda: cdnow("cdnow", "cdnow 23,570 customers, weekly, 39 + 39 weeks, orders"),
    "cdnow_sample": lambda: cdnow("cdnow_sample", "cdnow_sample 2,357 customers, weekly, 39 + 39 weeks"),
    "retail": retail,
    "journey": journey,
    "simulated": simulated,
    "million": million,
    "outputs": outputs,
}

if __name__ == "__main__":
    for case in sys.argv[1:] or list(CASES):
        save("churn", CASES[case]())
