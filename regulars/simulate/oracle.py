"""What the best policy knows: the true value of each action for each customer, and of each price.

For customer i with visit rate l_i, season s(t), hazard h_i, boost b_i and expected margin m_i of a visit, the
margin of the coming days is

    V_i(b) = m_i sum over t < horizon of  l_i s(t) exp(-h_i t) exp(b r^t),      r = 1/2^(1 / half_life)

An action of effect d, weakened by fatigue f, is worth V_i(b + f d) - V_i(b), what it spills over to the
household, less what it takes off the price and costs to send; where it annoys, all that follows is worth
exp(-h_i annoyance) of itself. Values of actions for different customers are added: what two contacts
in one household do to each other beyond that is left out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.simulate.ads import LIKED, UNCLICKED, UNLIKED
from regulars.simulate.customers import ACTIONS
from regulars.simulate.expected import ELASTICITY, MARGIN, expected_demand, expected_visit
from regulars.simulate.randomness import normal_share
from regulars.simulate.treatments import AD, COUPON, DISCOUNT, MESSAGE, PERSUADABLE, RECOMMEND, SLEEPING_DOG
from regulars.simulate.world import World

HORIZON_DAYS = 28
"""Effects are counted for so many days; after them a hundredth of an effect or less is left."""
SAMPLES = 12
MOST_ASKED = 50_000
"""Customers from whose choices prices are known; of more, one in so many."""
MULTIPLES = np.array([0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.6])
"""Of today's price, among which the best is looked for."""

Amounts = npt.NDArray[np.float64]


class Values(NamedTuple):
    """The truth about honest customers as of now, (n,) each.

    Attributes
    ----------
    value : (n, actions) expected margin that an action taken now adds within the horizon; below 0 where it
        does harm.
    elasticity : by how much units change with all prices, both as logarithms.
    """

    is_active: npt.NDArray[np.bool_]
    may_be_contacted: npt.NDArray[np.bool_]
    margin_per_visit: Amounts
    elasticity: Amounts
    expected_margin: Amounts
    value: Amounts


def values(world: World, *, share: float = 0.1, horizon_days: int = HORIZON_DAYS) -> Values:
    """What each action would be worth for each customer, were it taken on the day that begins now.

    Parameters
    ----------
    share : what a coupon or discount takes off.
    """
    inside, said = world.hidden, world.params.treatments
    people, state = inside.customers, inside.state.copy()
    day = state.day
    treatments = state.treatments
    treatments.wake(day)
    is_active = world.is_active(state)
    treatments.boost = np.where(is_active, treatments.boost, 0.0)
    crowd, rules = world.people(state, is_active), world.rules(day)
    shelf = state.market.open(day, world.date(day))
    cost, count = inside.catalogue.cost, len(people)
    plain = expected_visit(crowd, shelf, rules, cost, np.zeros(count), SAMPLES)
    lower = expected_visit(crowd, shelf, rules, cost, np.full(count, share), SAMPLES)[:, MARGIN]
    margin = plain[:, MARGIN]
    season = np.array([world.season(day + t) for t in range(horizon_days)])
    is_new = (people.arrives == day) & (people.ring < 0)
    base = people.rate.astype(np.float64) * is_active
    visits = _Visits(crowd.rate.astype(np.float64), base, is_new, people.hazard, season, said.half_life_days).expected
    expected = margin * visits(treatments.boost, horizon_days)
    # Of a visit, while an offer lasts, and for how long that is.
    offers = {
        COUPON: (said.redeemed_share * lower + (1 - said.redeemed_share) * margin, said.coupon_days),
        DISCOUNT: (lower, 1),
    }
    tired = np.exp(-said.fatigue * treatments.contacts)
    value = np.zeros((count, len(ACTIONS)))
    for action in range(len(ACTIONS)):
        kind = people.kind[:, action]
        clicked = np.minimum(world.params.ads.click_share * np.where(kind == PERSUADABLE, LIKED, UNLIKED), 1.0)
        # Of an ad, the mean of being clicked and of being merely shown; a recommendation is seen by who comes.
        cases = {
            AD: [(1.0, clicked), (UNCLICKED, 1.0 - clicked)],
            RECOMMEND: [(1.0, -np.expm1(-crowd.rate.astype(np.float64)))],
        }.get(action, [(1.0, np.ones(count))])
        # What moves who has come already moves visits from the next day on.
        since = 1 if action == RECOMMEND else 0
        before, later = visits(treatments.boost, since), visits(treatments.boost, horizon_days, since)
        # By how much the margin moves with a small boost: what spills over is small.
        slope = margin * (visits(treatments.boost + 0.01, horizon_days, since) - later) / 0.01
        for strength, chance in cases:
            effect = people.effect[:, action].astype(np.float64) * strength
            effect *= np.where(effect > 0, tired, 1.0)
            boost = treatments.boost + effect
            offered, days = offers.get(action, (margin, 0))
            after = margin * (before + visits(boost, horizon_days, since))
            after += (offered - margin) * visits(boost, min(days, horizon_days))
            annoyed = (kind == SLEEPING_DOG).astype(float) + ~treatments.consent
            stays = np.exp(-people.hazard * annoyed * said.annoyance * strength)
            spilled = _of_mates(people.household, slope) * said.spill_over * effect
            value[:, action] += chance * (after * stays - expected + spilled)
    value[:, [MESSAGE, COUPON]] -= said.contact_cost
    value[~is_active] = np.where(np.isin(np.arange(len(ACTIONS)), [MESSAGE, COUPON]), -said.contact_cost, 0.0)
    mine = slice(0, people.honest)
    may = is_active & treatments.consent & (people.arrives < day)
    return Values(is_active[mine], may[mine], margin[mine], plain[mine, ELASTICITY], expected[mine], value[mine])


class _Visits(NamedTuple):
    """How often customers are expected, (n,) each.

    Attributes
    ----------
    today : visits on the first day, were nothing done.
    base : visits a day while active, before seasons and boosts.
    is_new : who comes for the first time on the first day, and comes then whatever is done.
    season : (days,) times as many visits as in the mean.
    """

    today: Amounts
    base: Amounts
    is_new: npt.NDArray[np.bool_]
    hazard: npt.NDArray[np.float32]
    season: Amounts
    half_life_days: float

    def expected(self, boost: Amounts, until: int, since: int = 0) -> Amounts:
        """(n,) on the days from `since` to before `until`, where a boost stands at the beginning."""
        total, alive, now = np.zeros(len(boost)), self.base.copy(), boost.copy()
        for t in range(until):
            if t >= since:
                visits = alive * self.season[t] * np.exp(now)
                total += np.where(self.is_new, self.today, visits) if t == 0 else visits
            alive *= np.exp(-self.hazard)
            now *= 0.5 ** (1 / self.half_life_days)
        return total


def _of_mates(household: npt.NDArray[np.int32], amount: Amounts) -> Amounts:
    """(n,) the sum over the others of each household."""
    return np.bincount(household, amount, len(household))[household] - amount


class Prices(NamedTuple):
    """The truth about products as of now, (p,) each; profits are a day's, each price changed alone."""

    price: Amounts
    best_price: Amounts
    units: Amounts
    elasticity: Amounts
    profit: Amounts
    best_profit: Amounts


def prices(world: World) -> Prices:
    """Each product's elasticity, and its best price, were it changed alone."""
    inside = world.hidden
    state = inside.state.copy()
    state.treatments.wake(state.day)
    crowd = world.people(state, world.is_active(state))
    shelf = state.market.open(state.day, world.date(state.day))
    every = 1 + len(crowd.rate) // MOST_ASKED
    demand, bend = expected_demand(crowd, shelf, world.rules(state.day), MULTIPLES, SAMPLES, every)
    candidates = shelf.price[:, None] * MULTIPLES
    profit = demand * (candidates - inside.catalogue.cost[:, None])
    now = int(np.flatnonzero(MULTIPLES == 1.0)[0])
    # Where nothing is sold, no price is better than today's.
    best = np.where(profit.max(1) > profit[:, now], profit.argmax(1), now)
    rows = np.arange(len(best))
    units = demand[:, now]
    elasticity = np.divide(bend, units, out=np.full(len(units), np.nan), where=units > 0)
    return Prices(shelf.price, candidates[rows, best], units, elasticity, profit[:, now], profit[rows, best])


def best_bids(world: World, value: Amounts) -> tuple[Amounts, Amounts]:
    """The best bid for each customer's attention, and the profit of one auction, by the true value of an ad.

    In a second-price auction the value itself; in a first-price one what makes (value - bid) times the
    chance to win greatest.
    """
    said = world.params.ads
    spread = float(np.hypot(said.rival_spread, said.shock))
    level = np.log(said.rival_bid)
    worth = np.maximum(value, 0.0)
    if said.auction == "second":
        with np.errstate(divide="ignore"):
            z = (np.log(worth) - level) / spread
        mean_paid = np.exp(level + spread**2 / 2) * normal_share(z - spread)
        return worth, np.maximum(worth * normal_share(z) - mean_paid, 0.0)
    bid, profit = np.zeros(len(worth)), np.zeros(len(worth))
    for shade in np.linspace(0.05, 0.95, 37):
        with np.errstate(divide="ignore"):
            gain = worth * (1 - shade) * normal_share((np.log(worth * shade) - level) / spread)
        bid = np.where(gain > profit, worth * shade, bid)
        profit = np.maximum(profit, gain)
    return bid, profit
