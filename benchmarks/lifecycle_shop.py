"""A simulated shop as its owner sees it: what is known of customers, what was drawn by lot, and what came of it."""

from __future__ import annotations

from copy import copy, deepcopy
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, svds

from benchmarks.campaign_simulated import HORIZON, Counters
from regulars.campaign.uplift import Trial
from regulars.lifecycle.fatigue import HALF_DAYS
from regulars.simulate import World

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

ACTIONS = ("message", "coupon", "discount")
COSTS = np.array([0.1, 0.1, 0.0])
SHARE_OFF = 0.1
LEARN_FROM = 30
"""Before this day nobody is known well enough to learn from."""
FOLLOWED = 3
"""Visits of so many days from a contact on are taken as its answer."""
TASTES = 16


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
        self.last_day = np.full((count, len(ACTIONS)), -np.inf)
        self.last: list[tuple[Numbers, Floats]] = []

    def add(self, action: Numbers, came: dict[str, Floats], day: int) -> None:
        """A day: who got what, and the opened, clicked and visits that day brought."""
        who = np.flatnonzero(action >= 0)
        what = action[who]
        self.sent[who, what] += 1
        self.last_day[who, what] = day
        self.opened[who, what] += came["opened"][who]
        self.clicked[who, what] += came["clicked"][who]
        self.last = [*self.last[-FOLLOWED + 1 :], (action, came["visits"])]
        if len(self.last) == FOLLOWED:
            first = self.last[0][0]
            who = np.flatnonzero(first >= 0)
            self.followed[who, first[who]] += 1
            self.visits[who, first[who]] += sum(visits for _, visits in self.last)[who]  # type: ignore[index]

    def features(self, rows: Numbers, day: int) -> tuple[Floats, list[str]]:
        """(r, 6 x actions) and their names."""
        found = {
            "sent": self.sent[rows],
            "opened": self.opened[rows],
            "clicked": self.clicked[rows],
            "followed": self.followed[rows],
            "visits after": self.visits[rows] / (self.followed[rows] + 2),
            "days since": np.minimum(day - self.last_day[rows], 60),
        }
        return np.concatenate(list(found.values()), 1), [f"{arm}: {name}" for name in found for arm in ACTIONS]


class Tastes:
    """What customers like, by what they bought: a few numbers each, as the behaviour model's vectors in a real shop.

    Products get vectors once, from what was bought until then: of who bought more of a product than its share among all
    that the customer bought of its category, by the largest singular values. A customer's is the mean of its products'.
    """

    def __init__(self, count: int, category: Numbers) -> None:
        self.category = category
        self.bought = sparse.csr_matrix((count, len(category)))
        self.vectors = np.zeros((len(category), TASTES))
        self.sums, self.lines = np.zeros((count, TASTES)), np.zeros(count)

    def add(self, who: Numbers, product: Numbers) -> None:
        """The lines of a day's orders."""
        self.bought += sparse.csr_matrix((np.ones(len(who)), (who, product)), self.bought.shape)
        np.add.at(self.sums, who, self.vectors[product])
        np.add.at(self.lines, who, 1.0)

    def learn(self) -> None:
        """Give products their vectors."""
        bought, groups = self.bought, self.category.max() + 1
        of = sparse.csr_matrix((np.ones(len(self.category)), (np.arange(len(self.category)), self.category)))
        units = np.asarray(bought.sum(0)).ravel()
        share = units / np.maximum(np.bincount(self.category, units, groups), 1)[self.category]
        needs = (bought @ of).toarray()
        row = 1 / np.sqrt(self.lines + 5)
        column = 1 / np.sqrt(units + 5)

        def times(right: Floats) -> Floats:
            right = column * right.ravel()
            found: Floats = row * (bought @ right - needs @ (of.T @ (share * right)))
            return found

        def back(left: Floats) -> Floats:
            left = row * left.ravel()
            found: Floats = column * (bought.T @ left - share * (of @ (needs.T @ left)))
            return found

        surprise = LinearOperator(bought.shape, matvec=times, rmatvec=back, dtype=float)
        right = svds(surprise, TASTES, random_state=0)[2].T * column[:, None]
        # What all buy of a category says nothing.
        usual = np.stack([np.bincount(self.category, share * each, groups) for each in right.T], 1)
        self.vectors = np.where((units > 0)[:, None], right - usual[self.category], 0.0)
        self.vectors /= max(float(np.sqrt((units[:, None] * self.vectors**2).sum() / units.sum() / TASTES)), 1e-12)
        self.sums = bought @ self.vectors

    def features(self, rows: Numbers) -> tuple[Floats, list[str]]:
        """(r, TASTES) and their names."""
        return self.sums[rows] / (self.lines[rows, None] + 10), [f"taste {number}" for number in range(TASTES)]


class Lot(NamedTuple):
    """Customers of a day whom a lot decided about: what was known of them (r, k), contacts of late, what they got, by
    which chances."""

    day: int
    who: Numbers
    features: Floats
    contacts: Floats
    arm: Numbers
    chance: Floats


class Shop:
    """A world, and what its shop knows."""

    def __init__(self, world: World) -> None:
        self.world, self.known = world, Counters(world)
        self.answers = Answers(len(self.known.ids))
        self.tastes = Tastes(len(self.known.ids), self.known.category)
        self.contacts = np.zeros(len(self.known.ids))  # of late, as `regulars.lifecycle.fatigue.recent` has them
        self.lots: list[Lot] = []
        self.names: list[str] = []

    def copy(self) -> Shop:
        """Another of the same state."""
        other = copy(self)
        other.world, other.lots = self.world.copy(), list(self.lots)
        other.known = self.known.copy()
        other.answers, other.tastes = deepcopy(self.answers), copy(self.tastes)
        other.contacts = self.contacts.copy()
        other.tastes.sums, other.tastes.lines = self.tastes.sums.copy(), self.tastes.lines.copy()
        return other

    @property
    def may(self) -> npt.NDArray[np.bool_]:
        """(n,) who may be written to."""
        return self.world.contactable & np.isfinite(self.known.first)

    def play(self, action: Numbers) -> None:
        """A day."""
        world, known, day = self.world, self.known, self.world.day
        if day == LEARN_FROM:
            self.tastes.learn()
        known.shelve(world.catalogue(launched_only=True))
        known.morning()
        before = {name: known.sums[name].copy() for name in ("opened", "clicked", "visits")}
        known.add(world.advance(decided(known.ids, action))[0], day)
        self.tastes.add(*known.lines)
        self.answers.add(action, {name: known.sums[name] - sums for name, sums in before.items()}, day)
        self.contacts = (self.contacts + (action >= 0)) * 0.5 ** (1 / HALF_DAYS)

    def features(self, rows: Numbers) -> Floats:
        """(r, k) what is known of customers on the morning that begins."""
        day = self.world.day
        parts = [self.known.features(rows, day), self.answers.features(rows, day), self.tastes.features(rows)]
        self.names = [name for _, names in parts for name in names]
        return np.column_stack([found for found, _ in parts])

    def draw(self, who: Numbers, arm: Numbers, chance: Floats) -> None:
        """Keep what a lot decides about some customers today: (r,) from 0 for nothing, by chances (r, arms)."""
        self.lots.append(Lot(self.world.day, who, self.features(who), self.contacts[who], arm, chance))

    def trial(self) -> tuple[Trial, Floats]:
        """What lots have to say whose days after are over, and each customer's contacts of late."""
        known = self.known
        over = [lot for lot in self.lots if lot.day <= self.world.day - HORIZON]
        now = {name: [*known.past[name], known.sums[name].astype(np.float32)] for name in ("margin", "visits")}

        def later(name: str) -> Floats:
            days = now[name]
            return np.concatenate([days[lot.day + HORIZON][lot.who] - days[lot.day][lot.who] for lot in over]).astype(
                float
            )

        said = Trial.of(
            np.concatenate([lot.features for lot in over]), np.concatenate([lot.arm for lot in over]), later("margin"),
            kind="money", propensity=np.concatenate([lot.chance for lot in over]), names=self.names,
            arms=("none", *ACTIONS), costs=[0.0, *COSTS], customers=np.concatenate([lot.who for lot in over]),
            visits=np.maximum(later("visits"), 0.0),
        )  # fmt: skip
        return said, np.concatenate([lot.contacts for lot in over])
