"""Campaigns: who is moved by a contact, and who gets what, beside causalml and EconML.

    python -m benchmarks.campaign                all cases (about forty minutes on two cores)
    python -m benchmarks.campaign hillstrom      some of: hillstrom, spend, journey, simulated, allocation

Hillstrom's e-mail test and journey's coupons come from beside the checkout (../shared/data). Settings and learners are
chosen inside the rows learned from, by cross-fitting; what is judged has no part in it.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from benchmarks.peer_environment import environment
from benchmarks.report import Row, save
from regulars.campaign.allocation import Floor, Limit, Problem, by_prices
from regulars.campaign.uplift import Trial, difference, evidence_of, fit, qini_score, value
from regulars.campaign.uplift.scores import doubly_robust_scores

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

DATA = Path(__file__).parents[2] / "shared" / "data"
NEEDED = ("causalml>=0.15", "econml>=0.15")
SPLITS = 10
FOLDS = 5
CONTACT_COST = 0.1
PUBLISHED = {"S, measured before": 37.2}
"""The best of S, T, DR and transformed outcome in an earlier study by the same formula and splits."""


def said_by_peers(
    which: list[str], parts: list[tuple[Floats, Numbers, Floats, Floats]], chance: list[float], is_binary: bool
) -> dict[str, list[Floats]]:
    """Effects (j, arms - 1) of each part by each peer that does not fail.

    Parameters
    ----------
    parts : features, arm and outcome learned from, and features judged.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source.npz", Path(folder) / "target.npz"
        named = {
            f"{word}_{number}": array
            for number, part in enumerate(parts)
            for word, array in zip(("learn", "arm", "outcome", "judge"), part, strict=True)
        }
        about = {"which": np.array(which), "parts": len(parts), "chance": np.array(chance), "is_binary": is_binary}
        np.savez(source, **named, **about)
        script = Path(__file__).parent / "campaign_peers.py"
        command = [str(environment("uplift", NEEDED)), "-W", "ignore", "-P", str(script), str(source), str(target)]
        subprocess.run(command, check=True, stdout=sys.stderr)
        found = dict(np.load(target))
    return {
        name: [found[f"{name}/{number}"] for number in range(len(parts))]
        for name in which
        if f"{name}/{len(parts) - 1}" in found
    }


def email() -> tuple[Floats, npt.NDArray[np.str_], dict[str, Floats]]:
    """Features, arms and outcomes of Hillstrom's test: words as one column for each."""
    table = pq.read_table(DATA / "hillstrom_email.parquet")
    columns = [np.asarray(table[name], np.float64) for name in ("recency", "history", "mens", "womens", "newbie")]
    for name in ("zip_code", "channel"):
        words = np.asarray(table[name].cast("string").to_pylist())
        columns += [(words == word).astype(float) for word in np.unique(words)]
    outcomes = {name: np.asarray(table[name], np.float64) for name in ("visit", "conversion", "spend")}
    return np.column_stack(columns), np.asarray(table["segment"].cast("string").to_pylist()), outcomes


PEERS = [
    "causalml S", "causalml T", "causalml X", "causalml R", "causalml DR", "econml LinearDRLearner", "econml DRLearner",
    "econml ForestDRLearner", "econml CausalForestDML", "econml XLearner",
]  # fmt: skip


def hillstrom() -> list[Row]:
    """Women's e-mail against none: who visits because of it, in ten half splits."""
    features, segment, outcomes = email()
    inside = np.isin(segment, ["Womens E-Mail", "No E-Mail"])
    features, arm, visit = (
        features[inside],
        (segment[inside] == "Womens E-Mail").astype(np.int64),
        outcomes["visit"][inside],
    )
    halves = []
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(len(arm))
        halves.append((order[: len(order) // 2], order[len(order) // 2 :]))
    ours, chosen = [], []
    for learn, judge in halves:
        model = fit(Trial.of(features[learn], arm[learn], visit[learn], kind="binary"))
        chosen.append(model.learner)
        ours.append(1e4 * qini_score(model.effects(features[judge]).mean[:, 0], arm[judge], visit[judge]))
    print("chosen inside the halves learned from:", ", ".join(chosen), file=sys.stderr)
    parts = [(features[learn], arm[learn], visit[learn], features[judge]) for learn, judge in halves]
    peers = {
        name: float(np.mean([1e4 * qini_score(said[:, 0], arm[judge], visit[judge]) for said, (_, judge) in zip(each, halves, strict=True)]))
        for name, each in said_by_peers(PEERS, parts, [0.5, 0.5], is_binary=True).items()
    }  # fmt: skip
    case = "hillstrom women's against none, visit"
    mean, error = float(np.mean(ours)), float(np.std(ours) / np.sqrt(SPLITS))
    return [
        Row(case, "qini x 1e4, mean of 10 half splits", "higher", mean, peers, PUBLISHED),
        Row(case, "qini x 1e4, lower end of 95 % interval over splits", "higher", mean - 1.96 * error),
        Row(case, "qini x 1e4, upper end of 95 % interval over splits", "higher", mean + 1.96 * error),
    ]


def spend() -> list[Row]:
    """Men's, women's or no e-mail: what policies earn per customer, each judged on customers it does not know."""
    features, segment, outcomes = email()
    names = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")
    arm = np.select([segment == name for name in names], range(3))
    costs = [0.0, CONTACT_COST, CONTACT_COST]
    trial = Trial.of(features, arm, outcomes["spend"], kind="money", arms=names, costs=costs, visits=outcomes["visit"])
    fold = trial.folds(FOLDS, seed=2)
    policy, response = np.zeros(len(trial), int), np.empty(len(trial))
    for number in range(FOLDS):
        is_out = fold == number
        model = fit(trial.rows(~is_out))
        print(f"fold {number}: {model.learner}", file=sys.stderr)
        policy[is_out] = model.gain(features[is_out]).argmax(1)
        response[is_out] = model.response(features[is_out])
    # The spend itself, tails and all, is what is judged.
    scores = doubly_robust_scores(trial, evidence_of(trial).expected)
    policies = {
        name: np.full(len(trial), number) for number, name in enumerate(("nobody", "men's for all", "women's for all"))
    }
    likely = np.zeros(len(trial), int)
    likely[np.argsort(-response, kind="stable")[: int((policy > 0).sum())]] = 1
    policies["response model: men's to the most likely, as many"] = likely
    parts = [(features[fold != k], arm[fold != k], trial.outcome[fold != k], features[fold == k]) for k in range(FOLDS)]
    for name, each in said_by_peers(PEERS[:5], parts, [1 / 3] * 3, is_binary=False).items():
        theirs = np.zeros(len(trial), int)
        for number, effects in enumerate(each):
            theirs[fold == number] = np.column_stack([np.zeros(len(effects)), effects - CONTACT_COST]).argmax(1)
        policies[f"{name} policy"] = theirs
    case = "hillstrom three arms, spend, contact cost .1"
    ours = value(trial, scores, policy)
    rows = [
        Row(case, "policy value per customer by aipw", "higher", ours.value, {name: value(trial, scores, other).value for name, other in policies.items()}),
        Row(case, "policy value, lower end of 95 % interval", "higher", ours.low),
        Row(case, "policy value, upper end of 95 % interval", "higher", ours.high),
        Row(case, "contacted", "higher", ours.contacted),
    ]  # fmt: skip
    for name, other in policies.items():
        found = difference(trial, scores, policy, other)
        rows.append(Row(case, f"difference to {name}, lower end of 95 % interval", "higher", found.low))
        rows.append(Row(case, f"difference to {name}, upper end of 95 % interval", "higher", found.high))
    return rows


def journey() -> list[Row]:
    """A grocer's coupons, mailed to chosen households."""
    from benchmarks import campaign_journey

    return campaign_journey.bench(DATA)


def simulated() -> list[Row]:
    """A shop whose effects are known."""
    from benchmarks import campaign_simulated

    return campaign_simulated.bench(20_000)


def simulated_large() -> list[Row]:
    """The same with ten times the customers."""
    from benchmarks import campaign_simulated

    return campaign_simulated.bench(200_000)


def allocation() -> list[Row]:
    """A million customers, twelve actions: a budget, three limits and a floor."""
    people, actions = 1_000_000, 12
    rng = np.random.default_rng(0)
    gain = rng.lognormal(0, 1, people)[:, None] * rng.normal(0.3, 0.6, (people, actions))
    gain[rng.random(gain.shape) < 0.1] = -np.inf
    names = [
        f"{offer} by {channel}" for channel in ("e-mail", "sms", "push") for offer in ("10 %", "5 %", "news", "gift")
    ]
    cost = np.tile([0.1, 0.05, 0.02, 0.6], 3)
    start = time.perf_counter()
    problem = Problem.of(
        gain, cost=cost, actions=names, budget=0.05 * people,
        limits=[
            Limit("gifts", tuple(name for name in names if "gift" in name), people // 50),
            Limit("e-mail", tuple(name for name in names if "e-mail" in name), people // 5),
            Limit("sms", tuple(name for name in names if "sms" in name), people // 10),
        ],
        group=rng.integers(0, 4, people), floors=[Floor(2, 0.45)],
    )  # fmt: skip
    found = by_prices(problem)
    seconds = time.perf_counter() - start
    case = "allocation 1 m customers x 12 actions, 5 constraints"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    return [
        Row(case, "seconds", "lower", seconds),
        Row(case, "duality gap", "lower", found.gap),
        Row(case, "memory gib", "lower", peak),
    ]


CASES: dict[str, Callable[[], list[Row]]] = {
    "hillstrom": hillstrom, "spend": spend, "journey": journey, "simulated": simulated,
    "simulated_large": simulated_large, "allocation": allocation,
}  # fmt: skip

if __name__ == "__main__":
    for case in sys.argv[1:] or list(CASES):
        save("campaign", CASES[case]())
