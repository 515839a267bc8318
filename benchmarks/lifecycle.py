"""The one next best action beside capabilities that act alone and beside textbook rules, in shops whose truth is known.

For so many days each customer who may be written to gets a message, a coupon or a discount by lot, now and then. From
those days is learned what each action brings: here the margin of two weeks alone, for effects fade within days. Then
each policy plays the same shop on, week by week, with the same number of contacts; only textbook rules mail to all. What
a decision adds is told by the truth at its moment: expected margin, fatigue, households and annoyance among it.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.campaign_simulated import HORIZON, LEARN_FROM, Counters
from benchmarks.report import Row, save
from regulars.campaign.uplift import Trial, fit
from regulars.lifecycle.arbitration import Schedule, Share, Use, solve
from regulars.lifecycle.proof import compared
from regulars.simulate import World
from regulars.simulate.truth import Truth

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

ACTIONS = ("message", "coupon", "discount")
CHANCE = 0.05
SHARE_OFF = 0.1
COST = 0.1
DAYS, WEEKS = 120, 26
FOLLOWED = 3
"""Visits of so many days from a contact on are taken as its answer."""
CONTACTS = 0.4
"""Of all customers so large a share a week may be contacted."""


def decided(ids: pa.Array, action: Numbers) -> pa.Table:
    """Decisions (n,) as the world takes them; -1 for none."""
    some = np.flatnonzero(action >= 0)
    names = np.array(ACTIONS)[action[some]]
    return pa.table(
        {
            "customer_id": ids.take(pa.array(some)),
            "action": pa.array(names),
            "channel": pa.array(np.full(len(some), "email"), mask=names == "discount"),
            "share": pa.array(np.full(len(some), SHARE_OFF), mask=names == "message"),
        }
    )


class Answers:
    """How customers answered each action before, (n, actions) each: as `regulars.campaign.answers`, and visits after."""

    def __init__(self, count: int) -> None:
        self.sent, self.opened, self.clicked, self.followed, self.visits = np.zeros((5, count, len(ACTIONS)))
        self.last: list[tuple[Numbers, Floats]] = []

    def copy(self) -> Answers:
        """Another of the same state."""
        other = Answers.__new__(Answers)
        other.__dict__ = {name: value.copy() for name, value in self.__dict__.items()}
        return other

    def add(self, action: Numbers, came: dict[str, Floats]) -> None:
        """A day: who got what, and the opened, clicked and visits that day brought."""
        who = np.flatnonzero(action >= 0)
        what = action[who]
        self.sent[who, what] += 1
        self.opened[who, what] += came["opened"][who]
        self.clicked[who, what] += came["clicked"][who]
        self.last = [*self.last[-FOLLOWED + 1 :], (action, came["visits"])]
        if len(self.last) == FOLLOWED:
            first = self.last[0][0]
            who = np.flatnonzero(first >= 0)
            self.followed[who, first[who]] += 1
            self.visits[who, first[who]] += sum(visits for _, visits in self.last)[who]  # type: ignore[index]

    def features(self, rows: Numbers) -> tuple[Floats, list[str]]:
        """(r, 5 x actions) and their names."""
        sent = self.sent[rows]
        usual = {name: getattr(self, name).sum(0) / np.maximum(self.sent.sum(0), 1) for name in ("opened", "clicked")}
        found = {
            "sent": sent,
            "opened share": (self.opened[rows] + 4 * usual["opened"]) / (sent + 4),
            "clicked share": (self.clicked[rows] + 4 * usual["clicked"]) / (sent + 4),
            "followed": self.followed[rows],
            "visits after": self.visits[rows] / (self.followed[rows] + 2),
        }
        return np.concatenate(list(found.values()), 1), [f"{arm}: {name}" for name in found for arm in ACTIONS]


class Shop:
    """A world, and what its shop knows."""

    def __init__(self, world: World) -> None:
        self.world, self.known = world, Counters(world)
        self.answers = Answers(len(self.known.ids))

    def copy(self) -> Shop:
        """Another of the same state."""
        other = Shop.__new__(Shop)
        other.world, other.known, other.answers = self.world.copy(), _copied(self.known), self.answers.copy()
        return other

    def play(self, action: Numbers) -> None:
        """A day."""
        world, known = self.world, self.known
        catalogue = world.catalogue()
        known.morning()
        before = {name: known.sums[name].copy() for name in ("opened", "clicked", "visits")}
        known.add(world.step(decided(known.ids, action)), catalogue, world.day)
        self.answers.add(action, {name: known.sums[name] - sums for name, sums in before.items()})

    def features(self, rows: Numbers, day: int) -> tuple[Floats, list[str]]:
        """What is known of customers on the morning of a day."""
        known = self.known
        known.morning()
        features, names = known.features(rows, day)
        for past in known.past.values():
            past.pop()
        answered, more = self.answers.features(rows)
        return np.column_stack([features, answered]), names + more

    def learned(self, rng: np.random.Generator) -> Trial:
        """Play by lot, and tell what the lots have to say."""
        known, rows = self.known, []
        count = len(known.ids)
        for day in range(DAYS):
            who = self.world.contactable & np.isfinite(known.first)
            drawn = rng.random(count)
            action = np.where(who & (drawn < CHANCE * len(ACTIONS)), (drawn // CHANCE).astype(np.int64), -1)
            if LEARN_FROM <= day < DAYS - HORIZON:
                kept = np.flatnonzero(who & ((action >= 0) | (rng.random(count) < CHANCE)))
                features, names = self.features(kept, day)
                rows.append((kept, features, action[kept] + 1, day))
            self.play(action)
        known.morning()
        margin, visits = known.past["margin"], known.past["visits"]
        alone = (1 - CHANCE * len(ACTIONS)) * CHANCE
        chance = np.array([alone, *[CHANCE] * len(ACTIONS)])
        later = [margin[day + HORIZON][who] - margin[day][who] for who, _, _, day in rows]
        came = [visits[day + HORIZON][who] - visits[day][who] for who, _, _, day in rows]
        for past in known.past.values():
            past.pop()
        return Trial.of(
            np.concatenate([each[1] for each in rows]), np.concatenate([each[2] for each in rows]),
            np.concatenate(later).astype(float), kind="money", propensity=chance / chance.sum(), names=names,
            arms=("none", *ACTIONS), costs=[0.0, COST, COST, 0.0],
            customers=np.concatenate([each[0] for each in rows]), visits=np.concatenate(came).astype(float),
        )  # fmt: skip


def chosen(gain: Floats, may: npt.NDArray[np.bool_], contacts: int) -> Numbers:
    """One action each for those of most worth; `gain` (n, actions) after costs."""
    cost = np.array([COST, COST, 0.0])
    found = solve(
        Schedule.of(
            np.where(may[:, None], gain + cost, -np.inf)[:, :, None], cost=cost, actions=ACTIONS,
            uses=[Use.of("contacts", np.ones(3), contacts, 1)],
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
    rng = np.random.default_rng(seed)
    begun = Shop(World(preset, customers=customers, seed=seed, days=DAYS + 7 * WEEKS, workers=2))
    trial = begun.learned(rng)
    model = fit(trial)
    print(preset, seed, len(trial), "rows;", model.learner, file=sys.stderr)
    most = int(CONTACTS * customers)
    found = {}
    for policy in ("lifecycle", "alone", "textbook", "oracle"):
        shop = begun.copy()
        world = shop.world
        total, contacts = 0.0, 0
        for _ in range(WEEKS):
            for day in range(7):
                known = shop.known
                may = world.contactable & np.isfinite(known.first)
                action = np.full(customers, -1)
                needs = policy in ("alone", "textbook") or day == 0
                if needs and day < len(ACTIONS):
                    action = _policy(policy, shop, model, may, most, day)
                if (action >= 0).any():
                    truth = Truth.of(world)
                    total += float(truth.value(decided(known.ids, action)).sum())
                    contacts += int((action >= 0).sum())
                shop.play(action)
        found[policy] = (total, contacts)
        print(policy, round(total, 1), contacts, file=sys.stderr)
    return found


def _copied(known: Counters) -> Counters:
    other = Counters.__new__(Counters)
    other.__dict__ = dict(known.__dict__)
    other.sums = {name: values.copy() for name, values in known.sums.items()}
    other.past = {name: list(values) for name, values in known.past.items()}
    other.seen, other.first, other.last_visit = known.seen.copy(), known.first.copy(), known.last_visit.copy()
    return other


def _policy(policy: str, shop: Shop, model: object, may: npt.NDArray[np.bool_], most: int, day: int) -> Numbers:
    """What a policy does on a day of the week: those that act alone, each on a day of its own."""
    known, world = shop.known, shop.world
    rows = np.arange(len(known.ids))
    features, names = shop.features(rows, world.day)
    if policy == "oracle":
        best = Truth.of(world).best(most, ACTIONS)
        place = {one: k for k, one in enumerate(known.ids.to_pylist())}
        found = np.full(len(rows), -1)
        for one, action in zip(best["customer_id"].to_pylist(), best["action"].to_pylist(), strict=True):
            found[place[one]] = ACTIONS.index(action)
        return found
    late = features[:, names.index("days since visit")]
    worth = features[:, names.index("margin a day")]
    if policy == "textbook":
        # The coupon to who is longest away, the mail to all, the discount to who buys cheapest.
        per_order = features[:, names.index("margin")] / np.maximum(features[:, names.index("orders")], 1)
        return (first(late, may, 1, most // 3), first(worth, may, 0, len(rows)), first(-per_order, may, 2, most // 3))[
            day
        ]
    gain = model.gain(features)[:, 1:]  # type: ignore[attr-defined]
    if policy == "lifecycle":
        return chosen(gain, may, most)
    # Campaign its message, churn a coupon for risk times value, pricing its discount: each its third, blind to others.
    score = (gain[:, 0], late * worth, gain[:, 2])[day]
    open_ = may & (score > 0)
    return first(score, open_, (0, 1, 2)[day], most // 3)


def covered(customers: int, seed: int, draws: int = 400) -> float:
    """How often the interval of the control group holds what the program truly adds, over control groups by lot."""
    rng = np.random.default_rng(seed)
    begun = Shop(World("grocery", customers=customers, seed=seed, days=DAYS + 28, workers=2))
    for _ in range(DAYS):
        begun.play(np.full(customers, -1))
    margins = []
    for is_treated in (False, True):
        shop = begun.copy()
        for day in range(28):
            may = shop.world.contactable & np.isfinite(shop.known.first)
            shop.play(np.where(may & is_treated & (day % 14 == 0), 0, -1))
        margins.append(shop.known.sums["margin"] - begun.known.sums["margin"])
    begun.known.morning()
    before = begun.known.sums["margin"] - begun.known.past["margin"][DAYS - 28]
    seen = np.isfinite(begun.known.first)
    plain, treated, before = margins[0][seen], margins[1][seen], before[seen]
    truth = float((treated - plain).mean())
    hits = 0
    for _ in range(draws):
        out = rng.random(len(plain)) < 0.1
        found = compared("the program", np.where(out, plain, treated), before, out)
        hits += found.low <= truth <= found.high
    return hits / draws


def bench_policies(customers: int, seeds: tuple[int, ...], presets: tuple[str, ...]) -> list[Row]:
    """All presets and seeds together, and each preset."""
    rows = []
    for preset in presets:
        runs = [judged(customers, seed, preset) for seed in seeds]
        profit = {name: sum(run[name][0] for run in runs) for name in runs[0]}
        contacts = {name: sum(run[name][1] for run in runs) for name in runs[0]}
        case = f"simulated {preset}, {customers:,} customers, {WEEKS} weeks, {len(seeds)} seeds"
        rows += [
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
    return rows


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


def policies(customers: int = 20_000, seeds: tuple[int, ...] = (1,)) -> list[Row]:
    """Three shops; targets are of 100,000 customers and five seeds."""
    return [row for preset in ("grocery", "gifts", "fashion") for row in bench_policies(customers, seeds, (preset,))]


def control() -> list[Row]:
    """How often the control group's interval holds the truth."""
    case = "control group of a tenth, simulated grocery, 3,000 customers, 400 lots"
    return [Row(case, "coverage of the 95 % interval", "higher", covered(3000, 3))]


CASES = {"policies": policies, "control": control, "solver": bench_solver}

if __name__ == "__main__":
    for case in sys.argv[1:] or list(CASES):
        save("lifecycle", CASES[case]())
