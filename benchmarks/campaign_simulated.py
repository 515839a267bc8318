"""A simulated grocer that sends messages by lot: is the message worth sending, and to whom? The truth is known.

Each day one in ten of those who may be written to gets a message by lot. From those days is learned; then a tenth of
all customers may get a message, and the truth says what that adds, beside the best tenth.
"""

from __future__ import annotations

import sys
from copy import copy

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.report import Row
from regulars.campaign.uplift import Trial, fit
from regulars.simulate import World
from regulars.simulate.encode import product_numbers
from regulars.simulate.raw import CODES, Rows
from regulars.simulate.truth import Truth

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

DAYS, LEARN_FROM, HORIZON = 150, 45, 14
CHANCE = 0.1
BUDGET = 0.1
MOST_ROWS = 400_000
WINDOWS = (14, 60)
COST = 0.1
PEERS = ["causalml S", "causalml T", "causalml X"]


class Counters:
    """What is known of customers as of the morning of a day: sums over all days before, (n, …)."""

    def __init__(self, world: World) -> None:
        category = world.catalogue()["category"].combine_chunks().dictionary_encode()
        self.ids = world.customer_ids
        self.category = np.zeros(len(world.product_ids), np.int64)
        self.cost = np.zeros(len(world.product_ids))
        self.groups = category.dictionary
        count = len(self.ids)
        self.owner = np.full(3 * count, -1)
        self.seen = np.zeros((count, len(self.groups)))
        self.first = np.full(count, np.inf)
        self.sums = {name: np.zeros(count) for name in ("sent", "opened", "clicked", "visits", "orders", "margin")}
        self.past = {name: [] for name in ("visits", "orders", "margin", "sent")}
        self.last_visit = np.full(count, -np.inf)
        self.lines = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.shelve(world.catalogue())

    def morning(self) -> None:
        """Keep the sums as they stand."""
        for name, days in self.past.items():
            days.append(self.sums[name].astype(np.float32))

    def shelve(self, catalogue: pa.Table) -> None:
        """Products that are new on a day."""
        which = product_numbers(catalogue["product_id"].combine_chunks(), len(self.cost))
        self.cost[which] = catalogue["unit_cost"].cast(pa.float64())
        self.category[which] = pc.index_in(catalogue["category"], self.groups)

    def add(self, rows: Rows, day: int) -> None:
        """The events of a day, as numbers; what does not say whose it is, is of who signed in last on that device."""
        count = len(self.ids)
        is_said = rows["signed"] == 1
        on_device = rows["device"]
        known = is_said & (on_device >= 0)
        self.owner[on_device[known]] = rows["customer"][known]
        said = np.where(is_said, rows["customer"], np.where(on_device >= 0, self.owner[on_device], -1))
        is_ours = (said >= 0) & (said < count)
        rows, who = rows[is_ours], said[is_ours]
        kind = rows["type"]
        for name in ("sent", "opened", "clicked"):
            self.sums[name] += np.bincount(who[kind == CODES[f"message_{name}"]], minlength=count)
        is_view, is_bought = kind == CODES["product_viewed"], kind == CODES["order_completed"]
        views, visitor = rows[is_view], who[is_view]
        is_new = np.isin(kind, (CODES["customer_identified"], CODES["signed_up"], CODES["product_viewed"]))
        self.first[who[is_new]] = np.minimum(self.first[who[is_new]], day)
        np.add.at(self.seen, (visitor, self.category[views["product"]]), 1.0)
        visitors = visitor[np.unique(views["session"], return_index=True)[1]]
        self.sums["visits"] += np.bincount(visitors, minlength=count)
        self.last_visit[visitors] = day
        lines, buyer = rows[is_bought], who[is_bought]
        each = lines["quantity"] * (lines["price"] / 10_000 - self.cost[lines["product"]])
        self.sums["margin"] += np.bincount(buyer, each, count)
        self.lines = buyer.astype(np.int64), lines["product"].astype(np.int64)
        buyers = buyer[np.unique(lines["order"], return_index=True)[1]]
        self.sums["orders"] += np.bincount(buyers, minlength=count)

    def copy(self) -> Counters:
        """Another of the same state."""
        other = copy(self)
        other.sums = {name: values.copy() for name, values in self.sums.items()}
        other.past = {name: list(values) for name, values in self.past.items()}
        for name in ("owner", "cost", "category", "seen", "first", "last_visit"):
            setattr(other, name, getattr(self, name).copy())
        return other

    def features(self, rows: Numbers, day: int) -> tuple[Floats, list[str]]:
        """(r, k) of some customers, from days before `day`; `morning` was called on it."""
        found = {name: values[rows] for name, values in self.sums.items()}
        for name, days in self.past.items():
            for window in WINDOWS:
                found[f"{name} {window} d"] = self.sums[name][rows] - days[max(day - window, 0)][rows]
        age = np.minimum(day - self.first[rows], DAYS)
        found["age"] = age
        # A few messages tell little: shares are drawn to what is usual.
        found["opened share"] = (found["opened"] + 2.0) / (found["sent"] + 4.5)
        found["clicked share"] = (found["clicked"] + 0.9) / (found["sent"] + 4.5)
        found["visits a day"] = (found["visits"] + 0.5) / (age + 5)
        found["margin a day"] = (found["margin"] + 0.2) / (age + 5)
        found["days since visit"] = np.minimum(day - self.last_visit[rows], DAYS)
        total = self.seen[rows].sum(1)
        usual = self.seen.sum(0) / max(self.seen.sum(), 1)
        for number in range(self.seen.shape[1]):
            found[f"category {number}"] = (self.seen[rows, number] + 20 * usual[number]) / (total + 20)
        return np.column_stack(list(found.values())), list(found)


def played(customers: int, seed: int) -> tuple[World, Counters, Trial]:
    """The shop as it stands after its days, and what its lots have to say."""
    world = World("grocery", customers=customers, seed=seed, days=DAYS, workers=2)
    known, rng = Counters(world), np.random.default_rng(seed)
    learned = customers * (DAYS - HORIZON - LEARN_FROM)
    share = min(1.0, MOST_ROWS / (2 * CHANCE * 0.6 * learned))
    rows: list[tuple[Numbers, Floats, npt.NDArray[np.bool_], int]] = []
    for day in range(DAYS):
        known.morning()
        who = np.flatnonzero(world.contactable)
        is_sent = rng.random(len(who)) < CHANCE
        if LEARN_FROM <= day < DAYS - HORIZON:
            # As many who were left alone as were written to: they are alike, by lot.
            kept = (is_sent | (rng.random(len(who)) < CHANCE)) & (rng.random(len(who)) < share)
            kept &= known.first[who] < day
            features, names = known.features(who[kept], day)
            rows.append((who[kept], features, is_sent[kept], day))
        sent = known.ids.take(pa.array(who[is_sent]))
        known.shelve(world.catalogue(launched_only=True))
        decided = pa.table({"customer_id": sent, "action": pa.repeat("message", len(sent))})
        known.add(world.advance(decided)[0], day)
        if day % 30 == 0:
            print(f"day {day}", file=sys.stderr)
    known.morning()
    who, features, was_sent = (np.concatenate([each[k] for each in rows]) for k in range(3))
    margin = known.past["margin"]
    later = [margin[day + HORIZON][each] - margin[day][each] for each, _, _, day in rows]
    alone = (1 - CHANCE) * CHANCE
    chance = np.array([alone, CHANCE]) / (alone + CHANCE)
    trial = Trial.of(
        features, was_sent.astype(np.int64), np.concatenate(later).astype(float), kind="money", propensity=chance,
        names=names, costs=[0.0, COST], customers=who,
    )  # fmt: skip
    return world, known, trial


def bench(customers: int, seed: int = 5) -> list[Row]:
    """Share of the best policy's profit that policies have, each sending to a tenth of all customers at most."""
    from benchmarks.campaign import said_by_peers

    world, known, trial = played(customers, seed)
    truth = Truth.of(world)
    asked = np.flatnonzero(world.contactable)
    asked = asked[np.isfinite(known.first[asked])]
    features, _ = known.features(asked, DAYS)
    most = int(BUDGET * customers)
    oracle = float(np.sum(truth.best(most, ("message",))["value"].to_numpy()))
    model = fit(trial)
    print(
        len(trial), "rows;", model.learner, [(t.learner, round(1e5 * t.gain, 2)) for t in model.tried], file=sys.stderr
    )

    def share(gain: Floats) -> float:
        """Of the oracle's profit, by sending to those with most gain."""
        order = np.argsort(-gain, kind="stable")[:most]
        order = order[gain[order] > 0]
        sent = pa.table(
            {"customer_id": known.ids.take(pa.array(asked[order])), "action": pa.repeat("message", len(order))}
        )
        return float(truth.value(sent).sum()) / oracle

    part = (trial.features, trial.arm, trial.outcome, features)
    said = said_by_peers(PEERS, [part], trial.propensity[0].tolist(), is_binary=False)
    peers = {name: share(each[0][:, 0] - COST) for name, each in said.items()}
    peers["most likely to buy"] = share(model.response(features))
    peers["random"] = float(np.mean([share(np.random.default_rng(draw).random(len(asked))) for draw in range(20)]))
    case = f"simulated shop, {customers // 1000} k customers, known uplift"
    return [
        Row(
            case,
            "share of the oracle policy's profit at 10 % budget",
            "higher",
            share(model.gain(features)[:, 1]),
            peers,
        ),
        Row(case, "oracle policy's profit", "higher", oracle),
        Row(case, "rows learned from", "higher", len(trial)),
    ]
