"""Segments: choosing k-means on a million customers beside scikit-learn, and tastes of which the truth is known.

    python -m benchmarks.segment            all cases (about five minutes on two cores)
    python -m benchmarks.segment million    some of: million, tastes, lookalikes

The shop of tastes is the simulated one, `gifts`, whose customers each buy mostly from one or two categories (habit
0.15), and as the preset has it (habit 1.5), where tastes shade into one another and there are no kinds to be found.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import ibis
import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.report import Row, save
from regulars import Shop, segment
from regulars.segment.choice import choose, fit
from regulars.segment.dataset import comparable, known_as_of
from regulars.segment.rfm import measures
from regulars.segment.space import Space
from regulars.segment.training import train
from regulars.simulate import World, simulate
from regulars.simulate.truth import Truth

Floats = npt.NDArray[np.float64]

CUSTOMERS, COLUMNS, KINDS = 1_000_000, 40, 6
JUDGED = 10_000
"""Customers by whom the peer's silhouette is told: of a million it would take days."""
SEEDS, PEOPLE, DAYS = (1,), 3_000, 180
HABITS = {"kinds": 0.15, "no kinds": 1.5}


def made_up() -> tuple[Floats, npt.NDArray[np.int64]]:
    """A million customers by forty columns, of six kinds."""
    rng = np.random.default_rng(0)
    which = rng.integers(0, KINDS, CUSTOMERS)
    centres = rng.normal(scale=1.2, size=(KINDS, COLUMNS))
    return centres[which] + rng.normal(size=(CUSTOMERS, COLUMNS)), which


def million() -> list[Row]:
    """k-means for 2 to 12 clusters, the best of them, and everybody's cluster; by us with stability and nulls.

    Each on one core, in seconds of the processor: on a machine that others use, the threads of a batch wait for them.
    """
    with threadpool_limits(1):
        return _million()


def _million() -> list[Row]:
    values, which = made_up()
    choose({"warm": values[:500]}, {"warm": True}, ["k-means"])  # the first call compiles
    start = time.process_time()
    way = choose({"columns": values}, {"columns": True}, ["k-means"]).way
    space, partition = fit(values, "k-means", way.k, scaled=True)
    ours = partition.assign(space.points(values))
    seconds = time.process_time() - start
    start = time.process_time()
    scaled = StandardScaler().fit_transform(values)
    found: dict[int, tuple[float, npt.NDArray[np.int64]]] = {}
    for k in range(2, 13):
        label = MiniBatchKMeans(k, random_state=0).fit_predict(scaled)
        found[k] = silhouette_score(scaled, label, sample_size=JUDGED, random_state=0), label
    best = max(found, key=lambda k: found[k][0])
    theirs = time.process_time() - start
    case, name = "segments, 1 m x 40", "scikit-learn minibatchkmeans and silhouette"
    return [
        Row(case, "seconds for k-means chosen over 2 to 12", "lower", seconds, {name: theirs}),
        Row(
            case, f"adjusted rand index to the {KINDS} kinds", "higher", adjusted_rand_score(which, ours),
            {name: adjusted_rand_score(which, found[best][1])},
        ),
    ]  # fmt: skip


def tastes() -> list[Row]:
    """Whose main category is it? Clusters as they are chosen, beside k-means of as many on RFM and on features."""
    rows = []
    for kind, habit in HABITS.items():
        figures = np.array([_tastes(seed, habit) for seed in SEEDS]).mean(axis=0)
        case = "simulated tastes" if kind == "kinds" else "simulated tastes that shade into one another"
        peers = {"k-means on rfm": float(figures[1]), "k-means on features": float(figures[2])}
        rows.append(Row(case, "adjusted rand index to the main category", "higher", float(figures[0]), peers))
        rows.append(Row(case, "clusters", "higher", float(figures[3])))
    return rows


def _tastes(seed: int, habit: float) -> tuple[float, float, float, float]:
    with tempfile.TemporaryDirectory() as folder:
        preset = Path(folder) / "tastes.toml"
        text = (files("regulars.simulate") / "presets" / "gifts.toml").read_text("utf-8")
        preset.write_text(text.replace("habit = 1.5", f"habit = {habit}"), "utf-8")
        home = Path(folder) / "shop"
        simulate(home, World(str(preset), customers=PEOPLE, seed=seed, days=DAYS))
        shop = Shop.open(home)
        trained, _ = train(shop, shop.now)
        truth = Truth.read(home).customers
        habits = np.array(truth["habit"].to_pylist())
        main = dict(zip(truth["customer_id"].to_pylist(), habits.argmax(axis=1).tolist(), strict=True))
        is_honest = np.array([name in main for name in trained.known.customers])
        which = np.array([main[name] for name in trained.known.customers[is_honest]])
        k = len(trained.model.ids)
        rfm = Space.of(measures(trained.known.profiles)).points(measures(trained.known.profiles))
        columns = comparable(trained.known)["features"]
        features = Space.of(columns).points(columns)
        peers = [KMeans(k, n_init=10, random_state=0).fit_predict(points)[is_honest] for points in (rfm, features)]
        scores = [adjusted_rand_score(which, label) for label in (trained.label[is_honest], *peers)]
        return scores[0], scores[1], scores[2], float(k)


def lookalikes() -> list[Row]:
    """Of who did not have one of the twenty products most bought: how many of the tenth most like its buyers buy it
    within 60 days, for each of all others."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "shop"
        simulate(home, World("gifts", customers=PEOPLE, seed=1, days=DAYS))
        shop = Shop.open(home)
        moment = shop.now - timedelta(days=60)
        known_as_of(shop, shop.customers(moment))
        events = shop.events
        bought = events.filter(events.type == "order_completed", events.time < ibis.literal(moment))
        sold = bought.group_by("product_id").agg(buyers=bought.customer_id.nunique())
        sold = sold.order_by(ibis.desc("buyers"), "product_id").limit(20)
        found = [
            segment.lift(shop, product, moment, 60) for product in shop.engine.to_arrow(sold)["product_id"].to_pylist()
        ]
    share, base = (float(np.mean([getattr(one, name) for one in found])) for name in ("share", "base"))
    return [Row("lookalikes, simulated gifts", "buyers among the tenth most alike", "higher", share, {"all": base})]


CASES: dict[str, Callable[[], list[Row]]] = {"million": million, "tastes": tastes, "lookalikes": lookalikes}

if __name__ == "__main__":
    for case in sys.argv[1:] or list(CASES):
        save("segment", CASES[case]())
