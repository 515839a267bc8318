"""The one next best action beside capabilities that act alone and beside textbook rules, in shops whose truth is known.

For so many days each customer who may be written to gets a message, a coupon or a discount by lot, now and then. From
those days is learned what each action brings: here the margin of two weeks alone, for effects fade within days. Then
each policy plays the same shop on, week by week, with the same number of contacts; only textbook rules mail to all. The
one next best action goes on drawing lots for a few customers a week, at its own cost, and learns again every five weeks.
What a decision adds is told by the truth at its moment: expected margin, fatigue, households and annoyance among it. The
oracle is the same arbitration by the truth.

    python -m benchmarks.lifecycle           all cases; each of the three shops takes half an hour
    python -m benchmarks.lifecycle fashion   some of: grocery, gifts, fashion, control, solver
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.lifecycle_shop import ACTIONS, COSTS, LEARN_FROM, Floats, Numbers, Shop
from benchmarks.report import Row, save
from regulars.campaign.uplift import LEARNERS, evidence_of
from regulars.campaign.uplift.learners import Learner
from regulars.lifecycle.arbitration import Schedule, Share, Use, solve
from regulars.lifecycle.fatigue import Fatigue
from regulars.lifecycle.proof import compared
from regulars.simulate import World
from regulars.simulate.oracle import values

CHANCE, ALONE = 0.03, 0.05
"""By lot each action a day; of those left alone so large a share is learned from."""
EXPLORED = 0.05
"""Of customers who may be written to, by lot in each week that is played."""
DAYS, WEEKS = 120, 26
RELEARNED = 5
"""Weeks."""
MOST_ROWS = 1_000_000
CONTACTS = 0.4
"""Of all customers so large a share a week may be contacted."""


def begun(customers: int, seed: int, preset: str) -> Shop:
    """A shop that was played by lot."""
    rng = np.random.default_rng(seed)
    shop = Shop(World(preset, customers=customers, seed=seed, days=DAYS + 7 * WEEKS))
    left = (1 - CHANCE * len(ACTIONS)) * ALONE
    chance = np.array([left, *[CHANCE] * len(ACTIONS)])
    chance /= chance.sum()
    for day in range(DAYS):
        drawn = rng.random(customers)
        action = np.where(shop.may & (drawn < CHANCE * len(ACTIONS)), (drawn // CHANCE).astype(np.int64), -1)
        kept = np.flatnonzero(shop.may & ((action >= 0) | (rng.random(customers) < ALONE)))
        if day >= LEARN_FROM:
            shop.draw(kept, action[kept] + 1, np.broadcast_to(chance, (len(kept), len(chance))))
        shop.play(action)
    return shop


class Learned(NamedTuple):
    """What lots teach: what each action brings, and how contacts of late weaken it."""

    learner: Learner
    fatigue: Fatigue

    def gain(self, shop: Shop, features: Floats) -> Floats:
        """(n, actions) what each would bring today, less what it costs."""
        effects = self.learner.effects(features)
        return np.where(effects > 0, effects * self.fatigue.factor(shop.contacts)[:, None], effects) - COSTS


def learned(shop: Shop) -> Learned:
    """What lots teach so far."""
    trial, contacts = shop.trial()
    if len(trial) > MOST_ROWS:
        some = np.sort(np.random.default_rng(0).choice(len(trial), MOST_ROWS, replace=False))
        trial, contacts = trial.rows(some), contacts[some]
    # The one that `fit` chooses for margins, unless another is surely better; trying them all takes as long as playing.
    return Learned(LEARNERS["lift"].fit(evidence_of(trial)), Fatigue.fit(trial, contacts))


def chosen(gain: Floats, may: npt.NDArray[np.bool_], contacts: int) -> Numbers:
    """One action each for those of most worth; `gain` (n, actions) after costs."""
    found = solve(
        Schedule.of(
            np.where(may[:, None], gain + COSTS, -np.inf)[:, :, None], cost=COSTS, actions=ACTIONS,
            uses=[Use.of("contacts", np.ones(len(ACTIONS)), contacts, 1)],
        )
    )  # fmt: skip
    return found.taken[:, 0].astype(np.int64)


def first(score: Floats, may: npt.NDArray[np.bool_], action: int, most: int) -> Numbers:
    """An action for those of the highest score."""
    order = np.argsort(-np.where(may, score, -np.inf), kind="stable")[:most]
    found = np.full(len(score), -1)
    found[order[may[order]]] = action
    return found


def judged(customers: int, seed: int, preset: str) -> dict[str, tuple[float, int]]:
    """policy -> (expected profit that its decisions add, contacts)."""
    start = begun(customers, seed, preset)
    model = learned(start)
    return {
        policy: played(policy, start.copy(), model, seed) for policy in ("lifecycle", "alone", "textbook", "oracle")
    }


def played(policy: str, shop: Shop, model: Learned, seed: int) -> tuple[float, int]:
    """What the decisions of a policy add, and how many there are."""
    rng = np.random.default_rng(seed + 1)
    count = len(shop.known.ids)
    most = int(CONTACTS * count)
    total, contacts = 0.0, 0
    for week in range(WEEKS):
        if policy == "lifecycle" and week and week % RELEARNED == 0:
            model = learned(shop)
        for day in range(7):
            action = np.full(count, -1)
            if day < len(ACTIONS) and (day == 0 or policy in ("alone", "textbook")):
                action = _policy(policy, shop, model, most, day)
                if policy == "lifecycle":
                    action = _explored(shop, action, rng)
                some = np.flatnonzero(action >= 0)
                total += float(values(shop.world).value[some, action[some]].sum())
                contacts += len(some)
            shop.play(action)
    print(policy, shop.world.params.name, seed, round(total, 1), contacts, file=sys.stderr)
    return total, contacts


def _explored(shop: Shop, action: Numbers, rng: np.random.Generator) -> Numbers:
    """The same, but for those whom the lot decides about."""
    who = np.flatnonzero(shop.may & (rng.random(len(action)) < EXPLORED))
    arm = rng.integers(0, 1 + len(ACTIONS), len(who))
    shop.draw(who, arm, np.full((len(who), 1 + len(ACTIONS)), 1 / (1 + len(ACTIONS))))
    action = action.copy()
    action[who] = arm - 1
    return action


def _policy(policy: str, shop: Shop, model: Learned, most: int, day: int) -> Numbers:
    """What a policy does on a day of the week: those that act alone, each on a day of its own."""
    may = shop.may
    if policy == "oracle":
        return chosen(values(shop.world).value[:, : len(ACTIONS)], may, most)
    features = shop.features(np.arange(len(may)))
    if policy == "lifecycle":
        return chosen(model.gain(shop, features), may, most)
    late, worth, margin, orders = (
        features[:, shop.names.index(name)] for name in ("days since visit", "margin a day", "margin", "orders")
    )
    if policy == "textbook":
        # The coupon to who is longest away, the mail to all, the discount to who buys cheapest.
        cheap = -margin / np.maximum(orders, 1)
        return (first(late, may, 1, most // 3), first(worth, may, 0, len(may)), first(cheap, may, 2, most // 3))[day]
    # Campaign its message, churn a coupon for risk times value, pricing its discount: each its third, blind to others.
    gain = model.learner.effects(features) - COSTS
    score = (gain[:, 0], late * worth, gain[:, 2])[day]
    return first(score, may & (score > 0), (0, 1, 2)[day], most // 3)


def covered(customers: int, seed: int, draws: int = 400) -> float:
    """How often the interval of the control group holds what the program truly adds, over control groups by lot."""
    rng = np.random.default_rng(seed)
    start = Shop(World("grocery", customers=customers, seed=seed, days=DAYS + 28))
    for _ in range(DAYS):
        start.play(np.full(customers, -1))
    margins = []
    for is_treated in (False, True):
        shop = start.copy()
        for day in range(28):
            shop.play(np.where(shop.may & is_treated & (day % 14 == 0), 0, -1))
        margins.append(shop.known.sums["margin"] - start.known.sums["margin"])
    start.known.morning()
    before = start.known.sums["margin"] - start.known.past["margin"][DAYS - 28]
    seen = np.isfinite(start.known.first)
    plain, treated, before = margins[0][seen], margins[1][seen], before[seen]
    truth = float((treated - plain).mean())
    hits = 0
    for _ in range(draws):
        out = rng.random(len(plain)) < 0.1
        found = compared("the program", np.where(out, plain, treated), before, out)
        hits += found.low <= truth <= found.high
    return hits / draws


def bench_policies(preset: str, customers: int = 100_000, seeds: tuple[int, ...] = (1,)) -> list[Row]:
    """One kind of shop, all seeds together."""
    runs = [judged(customers, seed, preset) for seed in seeds]
    profit = {name: sum(run[name][0] for run in runs) for name in runs[0]}
    contacts = {name: sum(run[name][1] for run in runs) for name in runs[0]}
    case = f"simulated {preset}, {customers:,} customers, {WEEKS} weeks, seeds {', '.join(map(str, seeds))}"
    return [
        Row(case, "share of the oracle's gain", "higher", profit["lifecycle"] / profit["oracle"]),
        Row(
            case, "profit added, in the shop's currency", "higher", profit["lifecycle"],
            {"each capability alone": profit["alone"], "textbook rules": profit["textbook"], "oracle": profit["oracle"]},
        ),
        Row(
            case, "contacts", "lower", contacts["lifecycle"],
            {"each capability alone": contacts["alone"], "textbook rules": contacts["textbook"]},
        ),
    ]  # fmt: skip


def bench_solver(customers: int = 1_000_000) -> list[Row]:
    """Customers x 20 actions x 7 days under a budget, contacts, minutes, stock, mails a day and a floor."""
    actions, days = 20, 7
    rng = np.random.default_rng(0)
    gain = np.empty((customers, actions, days), np.float32)
    base = rng.normal(0, 1, (customers, actions)).astype(np.float32)
    for day in range(days):
        gain[:, :, day] = base * (1 - 0.05 * day) + rng.normal(0, 0.2, (customers, actions)).astype(np.float32)
    noticed = np.arange(actions) < 15
    uses = [
        Use.of("contacts", noticed.astype(float), 0.8 * customers, days),
        Use.of("minutes", np.where(np.arange(actions) == 3, 5.0, 0.0), 0.1 * customers, days),
        Use.of("stock", (np.arange(actions) == 5).astype(float), 0.02 * customers, days),
        *(Use(f"mails on day {d}", np.outer(noticed, np.arange(days) == d).astype(float), 0.15 * customers) for d in range(days)),
    ]  # fmt: skip
    schedule = Schedule.of(
        gain, cost=rng.uniform(0, 1, actions), actions=[f"action {k}" for k in range(actions)], budget=0.3 * customers,
        is_contact=noticed, contacts=rng.integers(1, 4, customers), uses=uses, group=rng.integers(0, 4, customers),
        floors=[Share("group 1", 1, 0.6)],
    )  # fmt: skip
    del gain
    begin = time.perf_counter()
    found = solve(schedule)
    seconds = time.perf_counter() - begin
    case = f"arbitration, {customers:,} customers x {actions} actions x {days} days"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return [
        Row(case, "seconds", "lower", seconds),
        Row(case, "gap to the bound, %", "lower", 100 * found.gap),
        Row(case, "memory of the process, GiB", "lower", memory),
    ]


def control() -> list[Row]:
    """How often the control group's interval holds the truth."""
    case = "control group of a tenth, simulated grocery, 3,000 customers, 400 lots"
    return [Row(case, "coverage of the 95 % interval", "higher", covered(3000, 3))]


CASES: dict[str, Callable[[], list[Row]]] = {
    **{preset: partial(bench_policies, preset) for preset in ("grocery", "gifts", "fashion")},
    "control": control,
    "solver": bench_solver,
}

if __name__ == "__main__":
    for case in sys.argv[1:] or list(CASES):
        save("lifecycle", CASES[case]())
