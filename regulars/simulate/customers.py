"""Who buys: rates, lifetimes, tastes, habits, households, devices, consent; all that is true of a customer."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.simulate.catalogue import TASTES, Catalogue
from regulars.simulate.params import Params
from regulars.simulate.randomness import generator

PURPOSE = 2
ACTIONS = ("message", "coupon", "discount", "ad", "recommend")
"""What can be done for a customer, as its effects are numbered."""
KINDS = ("persuadable", "sure thing", "lost cause", "sleeping dog")
SOURCES = ("search", "friend", "ads")

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int32]


@dataclass
class Customers:
    """The customers, (n,) each: first the honest ones, then the accounts of rings.

    Attributes
    ----------
    honest : how many are no ring's.
    rate : visits a day while active, before season and treatments.
    hazard : chance a day of leaving, before treatments.
    patience : the hazard, summed over days, at which the customer leaves.
    arrives : day of sign-up; below 0 before the shop's first day.
    taste : (n, TASTES); turns by `spin` radians a day.
    habit : (n, categories) cumulative shares of needs by category.
    sensitivity : utility lost by a price higher by one logarithm.
    kind : (n, actions) number in KINDS.
    effect : (n, actions) by how much an action raises the logarithm of the visit rate at once.
    household : customers of one number live together.
    """

    honest: int
    rate: Floats
    hazard: Floats
    patience: Floats
    arrives: Numbers
    taste: Floats
    spin: Floats
    habit: Floats
    sensitivity: Floats
    favourite: Numbers
    bulk: Floats
    is_chinese: npt.NDArray[np.bool_]
    country: Numbers
    traits: Numbers
    uses_app: Floats
    consent: npt.NDArray[np.bool_]
    source: Numbers
    kind: npt.NDArray[np.int8]
    effect: Floats
    household: Numbers
    device: Numbers
    ip: Numbers
    payment: Numbers
    ring: Numbers

    def __len__(self) -> int:
        return len(self.rate)


def make(params: Params, seed: int, season: npt.NDArray[np.float64], honest: int, catalogue: Catalogue) -> Customers:
    """Customers for a shop that is planned for so many days as `season` has: how many visits to expect on each."""
    rng = generator(seed, PURPOSE)
    said = params.customers
    rings = round(honest * params.fraud.rings_per_10k / 10_000)
    ring = np.repeat(np.arange(rings), 1 + rng.poisson(params.fraud.members - 1, rings) if rings else 0)
    count = honest + len(ring)
    rate = rng.gamma(said.visits_shape, said.visits_per_month / 30 / said.visits_shape, count)
    # Half of a gamma mixture of exponentials has left after lifetime_days.
    scale = (2 ** (1 / said.lifetime_shape) - 1) / said.lifetime_days
    hazard = rng.gamma(said.lifetime_shape, scale, count)
    is_there = rng.random(count) < said.arrived_share
    days = len(season)
    # Who is new comes on the days on which all come, and the more so the younger the shop is.
    comes = np.cumsum(season * np.exp(-said.arrival_decay * np.arange(days) / days)) + 1e-12
    first = np.searchsorted(comes / comes[-1], rng.random(count))
    arrives = np.where(is_there, -1 - rng.integers(0, 60, count), first)
    taste = rng.normal(0, 1, (count, TASTES))
    groups = len(catalogue.category_names)
    common = rng.dirichlet(np.full(groups, 2.0)) * groups
    habit = rng.standard_gamma(said.habit * common, (count, groups), dtype=np.float64) + 1e-9
    habit = np.cumsum(habit / habit.sum(1, keepdims=True), 1)
    habit[:, -1] = 1.0
    sensitivity = said.price_sensitivity * np.exp(rng.normal(0, said.sensitivity_spread, count))
    kind, effect = _effects(params, rng, rate, sensitivity, taste)
    home = _households(rng, honest, count, said.household_share)
    names = list(said.countries)
    shares = np.array(list(said.countries.values()))
    country = rng.choice(len(names), count, p=shares / shares.sum())
    source = np.searchsorted(np.cumsum([1 - said.friend_share - said.ad_share, said.friend_share]), rng.random(count))
    device = np.arange(count)
    # Whoever lives together may share a device; all of a household share its address.
    shares_device = (rng.random(count) < 0.5) & (home < np.arange(count))
    device = np.where(shares_device, home, device)
    proxies = max(1, round(honest * said.proxy_share / 50))
    ip = np.where(rng.random(count) < said.proxy_share, count + rng.integers(0, proxies, count), home)
    payment = np.arange(count)
    if rings:  # a ring's accounts share devices, addresses and means of payment among themselves
        own = slice(honest, count)
        first = honest + np.searchsorted(ring, ring)
        device[own] = first + rng.integers(0, 2, len(ring))
        device[own] = np.minimum(device[own], count - 1)
        ip[own] = np.where(rng.random(len(ring)) < 0.5, first, count + rng.integers(0, proxies, len(ring)))
        payment[own] = first
        rate[own], hazard[own], home[own] = 0.0, 0.0, np.arange(honest, count)
        arrives[own] = rng.integers(0, days, len(ring))
    return Customers(
        honest=honest,
        rate=rate.astype(np.float32),
        hazard=hazard.astype(np.float32),
        patience=rng.exponential(1, count).astype(np.float32),
        arrives=arrives.astype(np.int32),
        taste=(taste * said.taste_weight).astype(np.float32),
        spin=(rng.choice([-1, 1], count) * 2 * np.pi / said.taste_drift_days).astype(np.float32),
        habit=habit.astype(np.float32),
        sensitivity=sensitivity.astype(np.float32),
        favourite=rng.integers(0, len(catalogue.brand_names), count).astype(np.int32),
        bulk=(np.log(params.orders.bulk) + rng.normal(0, params.orders.bulk_between, count)).astype(np.float32),
        is_chinese=rng.random(count) < said.chinese_share,
        country=country.astype(np.int32),
        traits=(country * len(SOURCES) + source).astype(np.int32),
        uses_app=np.clip(rng.beta(2 * said.app_share + 0.01, 2 - 2 * said.app_share + 0.01, count), 0, 1).astype(
            np.float32
        ),
        consent=rng.random(count) < said.consent_share,
        source=source.astype(np.int32),
        kind=kind,
        effect=effect.astype(np.float32),
        household=home.astype(np.int32),
        device=device.astype(np.int32),
        ip=ip.astype(np.int32),
        payment=payment.astype(np.int32),
        ring=np.concatenate([np.full(honest, -1), ring]).astype(np.int32),
    )


def trait_texts(params: Params) -> list[str]:
    """What a sign-up says of a customer, by the number in `traits`."""
    return [
        json.dumps({"country": country, "source": source})
        for country in params.customers.countries
        for source in SOURCES
    ]


def addresses(count: int) -> list[str]:
    """So many addresses, in the networks kept for private use.

    >>> addresses(258)[-1]
    '10.0.1.1'
    """
    return [f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" for number in range(count)]


def _households(rng: np.random.Generator, honest: int, count: int, share: float) -> npt.NDArray[np.int64]:
    """With whom each lives: the number of the first of the household; pairs and threes of neighbours."""
    home = np.arange(count)
    lives_with_next = rng.random(count) < share * 0.6
    lives_with_next[honest:] = False
    follows = np.concatenate(([False], lives_with_next[:-1]))
    follows[honest:] = False
    # Runs of followers are households; a run of more than three is cut.
    for _ in range(3):
        home = np.where(follows, np.concatenate(([0], home[:-1])), home)
    return home


def _effects(
    params: Params,
    rng: np.random.Generator,
    rate: npt.NDArray[np.float64],
    sensitivity: npt.NDArray[np.float64],
    taste: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]]:
    """Of which kind each customer is for each action, and by how much that changes the visit rate.

    Kinds lean on what a log can show: who is sensitive to prices is more often persuaded by a coupon, who
    comes often is a sure thing, and some tastes dislike being contacted. So they can be learned, in part.
    """
    said = params.treatments
    count = len(rate)
    ranks = np.argsort(np.argsort(rate)) / max(count - 1, 1)
    price = (np.log(sensitivity) - np.log(sensitivity).mean()) / (np.log(sensitivity).std() + 1e-9)
    kind = np.empty((count, len(ACTIONS)), np.int8)
    effect = np.zeros((count, len(ACTIONS)))
    for number, action in enumerate(ACTIONS):
        lean = taste[:, 0] + (price if action in ("coupon", "discount") else taste[:, 1])
        persuaded = _share(lean + rng.normal(0, 1, count), said.persuadable_share)
        annoyed = ~persuaded & _share(
            taste[:, 2] + rng.normal(0, 1, count),
            said.sleeping_dog_share / max(1 - said.persuadable_share, 1e-9),
        )
        kind[:, number] = np.where(persuaded, 0, np.where(annoyed, 3, np.where(ranks > 0.5, 1, 2)))
        strength = said.effect * rng.gamma(4, 0.25, count)
        effect[:, number] = np.where(persuaded, strength, np.where(annoyed, -strength / 2, 0))
    return kind, effect


def _share(score: npt.NDArray[np.float64], share: float) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (
        score > np.quantile(score, 1 - min(share, 1)) if share > 0 else np.zeros(len(score), bool)
    )
    return found
