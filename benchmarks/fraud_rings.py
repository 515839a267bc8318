"""Rings: how many accounts of rings are found, beside the rule that whoever shares a device or an address is one.

    python -m benchmarks.fraud_rings          simulated shops of seeds 11 to 13, about four minutes on two cores
    python -m benchmarks.fraud_rings weights  what a fit on seeds 1 to 3 gives; those in use were rounded from it

Each seed makes two shops of 20,000 customers and 180 days, one with the preset's households and one with three times
as many, who share devices and IPs as rings do. A ring's accounts are all that the truth names, whatever they do. The
weights of the score were fitted on seeds 1 to 3; the rule has no parts to fit, and is given each customer's largest
number of others as its rank, which is more than a rule gives.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.optimize import minimize
from sklearn.metrics import precision_recall_curve

from benchmarks.report import Row, save
from regulars.fraud.attempts import attempts
from regulars.fraud.graph.components import groups
from regulars.fraud.graph.evidence import SIGNS, evidence
from regulars.fraud.graph.links import STRONG, links
from regulars.fraud.graph.rings import ring_scores, rings
from regulars.fraud.graph.spread import spread
from regulars.fraud.stream import KIND, Stream
from regulars.simulate import World, load, simulate
from regulars.simulate.fraud import SCENARIOS
from regulars.simulate.truth import Truth

CUSTOMERS, DAYS = 20_000, 180
HOUSEHOLDS = (0.1, 0.3)
LEARNED, JUDGED = (1, 2, 3), (11, 12, 13)
PRECISION = 0.95
RIDGE = 3.0
CASE = "promotion rings on the simulated shop"
LARGE = "rings of a shop, 1 m customers, 3 m rows"

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.int64]


def shops(seeds: tuple[int, ...], folder: Path) -> list[tuple[Stream, Truths]]:
    """Of each simulated shop its stream, and of each customer the scenario of its ring, -1 for the honest."""
    found = []
    for seed in seeds:
        for share in HOUSEHOLDS:
            params = load("gifts")
            params = params.model_copy(
                update={"customers": params.customers.model_copy(update={"household_share": share})}
            )
            home = folder / f"{seed}-{share}"
            shop = simulate(home, World(params, customers=CUSTOMERS, seed=seed, days=DAYS)).shop
            stream = attempts(shop, shop.now).stream
            table = Truth.read(home).rings
            place = pc.index_in(stream.names["customer"], table["customer_id"].combine_chunks())
            scenario = pc.index_in(table["scenario"].combine_chunks(), pa.array(SCENARIOS)).take(place)
            found.append((stream, pc.fill_null(scenario, -1).to_numpy(zero_copy_only=False).astype(np.int64)))
            print(f"simulated: seed {seed}, households {share}", file=sys.stderr)
    return found


def unlabelled(stream: Stream) -> Stream:
    """The same, had nobody ever told of a fraud."""
    return replace(stream, kind=np.where(stream.kind == KIND["fraud"], KIND["honest"], stream.kind).astype(np.int8))


def by_rule(stream: Stream, *, with_victims: bool = True) -> Floats:
    """(customers,) with how many others each shares a device, a card, an address or a phone.

    Without victims a device that came by failed sign-ins is not counted: better than the rule, and our own idea.
    """
    found = links(stream)
    strong = found.is_of(STRONG) & (with_victims | ~found.is_taken)
    others = np.zeros(found.rows.shape[0])
    np.maximum.at(others, found.customer[strong], found.sharing(strong)[found.entity[strong]] - 1.0)
    return others


def recall(is_ring: npt.NDArray[np.bool_], score: Floats) -> float:
    """The largest share of ring accounts above a threshold at which PRECISION of all above it are such; 0 if never."""
    precision, found, _ = precision_recall_curve(is_ring, score)
    return float(found[:-1][precision[:-1] >= PRECISION].max(initial=0.0))


def judge(found: list[tuple[Stream, Truths]]) -> list[Row]:
    """All shops together: one threshold for all, as a default would be."""
    scenario = np.concatenate([truth for _, truth in found])
    is_ring = scenario >= 0
    ours = np.concatenate([ring_scores(stream) for stream, _ in found])
    silent = np.concatenate([ring_scores(unlabelled(stream)) for stream, _ in found])
    rule = np.concatenate([by_rule(stream) for stream, _ in found])
    spared = np.concatenate([by_rule(stream, with_victims=False) for stream, _ in found])
    rows = []
    peer, stronger = "rules-only (same device or address)", "the same, accounts taken over left out"
    for metric, score in (
        ("recall at 95 % precision of ring members", ours),
        ("recall at 95 % precision of ring members, no label known", silent),
    ):
        rows.append(
            Row(
                CASE,
                metric,
                "higher",
                recall(is_ring, score),
                {peer: recall(is_ring, rule), stronger: recall(is_ring, spared)},
            )
        )
    likely, listed = ours > 0.5, rule > 0
    for metric, figure, theirs in (
        ("precision at 0.5, or of all that the rule names", is_ring[likely].mean(), is_ring[listed].mean()),
        ("recall at 0.5, or of all that the rule names", likely[is_ring].mean(), listed[is_ring].mean()),
    ):
        rows.append(Row(CASE, metric, "higher", float(figure), {peer: float(theirs)}))
    for number, name in enumerate(SCENARIOS):
        rows.append(Row(CASE, f"recall at 0.5, {name}", "higher", float(likely[scenario == number].mean())))
    best = max((is_ring[rule >= many].mean(), many) for many in range(1, int(rule.max()) + 1))
    print(f"{is_ring.sum()} ring accounts of {len(is_ring)} customers; the rule at its best: {best}", file=sys.stderr)
    return rows


def speed() -> list[Row]:
    """A million customers, three million rows."""
    rng = np.random.default_rng(0)
    customers, rows = 1_000_000, 3_000_000
    customer = rng.integers(0, customers, rows)
    chance = rng.random(rows)
    shared = {
        "customer": customer,
        "device": np.where(chance < 0.9, customer, customer // 3 * 3),
        "payment": np.where(chance < 0.97, customer, rng.integers(0, customers, rows)),
        "ip": np.where(chance < 0.7, customer // 2, rng.integers(0, customers // 20, rows)),
    }
    kind = rng.choice([KIND[name] for name in ("attempt", "sign_in", "signed_up", "coupon")], rows).astype(np.int8)
    codes = {name: code.astype(np.int32) for name, code in shared.items()}
    at = np.sort(rng.integers(0, 10**13, rows))
    stream = Stream(at, kind, rng.random(rows) * 100, np.arange(rows), codes, {})
    labelled = stream.attempts[:10_000]
    stream = stream.with_known(labelled, at[labelled] + 10**11, np.full(len(labelled), KIND["fraud"], np.int8))
    start = time.perf_counter()
    rings(stream)
    middle = time.perf_counter()
    spread(links(stream), stream)
    return [
        Row(LARGE, "rings with scores, seconds", "lower", middle - start),
        Row(LARGE, "links and spread of risk, seconds", "lower", time.perf_counter() - middle),
    ]


def weights(found: list[tuple[Stream, Truths]]) -> None:
    """Print a logistic fit over groups of two customers or more, no sign negative, with labels and without."""
    values, rung, many = [], [], []
    for stream, truth in found:
        for told in (stream, unlabelled(stream)):
            joint = links(told)
            joined = groups(joint)
            several = joined.customers > 1
            values.append(evidence(told, joint, joined).values[several])
            rung.append(np.bincount(joined.of_customer, truth >= 0, len(joined.customers))[several])
            many.append(joined.customers[several])
    inputs, ring, size = np.concatenate(values), np.concatenate(rung), np.concatenate(many)

    def loss(guess: Floats) -> float:
        odds = inputs @ guess[1:] + guess[0]
        told = ring * np.logaddexp(0, -odds) + (size - ring) * np.logaddexp(0, odds)
        return float(told.sum() + RIDGE * (guess[1:] ** 2).sum())

    bounds = [(None, None), *[(0.0, None)] * len(SIGNS)]
    fitted = minimize(loss, np.r_[-8.0, np.ones(len(SIGNS))], method="L-BFGS-B", bounds=bounds).x
    print({"bias": round(float(fitted[0]), 2), **dict(zip(SIGNS, fitted[1:].round(2).tolist(), strict=True))})


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        if sys.argv[1:] == ["weights"]:
            weights(shops(LEARNED, Path(name)))
        else:
            save("fraud", [*judge(shops(JUDGED, Path(name))), *speed()])
