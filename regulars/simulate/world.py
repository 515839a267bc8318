"""The simulated shop itself: one day after the other, answering to decisions."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.errors import InputError
from regulars.simulate import ads, aftermath, catalogue, customers, decisions, fraud, life, texts
from regulars.simulate.aftermath import Asked, Later
from regulars.simulate.catalogue import Catalogue
from regulars.simulate.choice import People, Rules, Shelf
from regulars.simulate.customers import Customers
from regulars.simulate.decisions import Checked
from regulars.simulate.encode import Names, customer_ids, plain, to_events
from regulars.simulate.fraud import Acts
from regulars.simulate.market import Market
from regulars.simulate.params import Params, load
from regulars.simulate.raw import AFTERWARDS, CODES, Rows, event_numbers, joined, taken
from regulars.simulate.treatments import AD, Treatments
from regulars.simulate.visits import BLOCK, day_of

MOST_CUSTOMERS, MOST_DAYS = 1 << 27, 1 << 14
"""As many as the numbers of events have room for."""
FIRST_VISITS = 1.2
"""Visits on the day of sign-up, in the mean: who comes, comes to look."""
ANNOYING = 25.0
"""A late or broken order brings a customer so many days nearer to leaving."""


@dataclass
class State:
    """All that changes from day to day; a step works on a copy, so that one that fails changes nothing."""

    day: int
    market: Market
    treatments: Treatments
    coming: dict[int, list[Rows]] = field(default_factory=dict)
    hurts: dict[int, list[npt.NDArray[np.int64]]] = field(default_factory=dict)
    acts: list[Acts] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    campaigns: dict[str, int] = field(default_factory=dict)

    def copy(self) -> State:
        """Another of the same state."""
        return State(
            self.day,
            self.market.copy(),
            self.treatments.copy(),
            {day: list(rows) for day, rows in self.coming.items()},
            {day: list(rows) for day, rows in self.hurts.items()},
            list(self.acts),
            list(self.asked),
            dict(self.campaigns),
        )


class Inside(NamedTuple):
    """All that is true of a world."""

    customers: Customers
    catalogue: Catalogue
    state: State
    names: Names


class World:
    """A simulated shop. `step` plays a day: it takes decisions, and returns what happened.

    Parameters
    ----------
    preset : its parameters: "gifts", "grocery", "fashion", a TOML file, or `Params`.
    customers : honest ones, all that ever come; rings are besides.
    seed : the same seed is the same world, to the byte, whatever the number of workers.
    days : for how long it is planned: within them customers come, and products are launched and ended. It
        can be played on, but then nobody new comes.
    workers : threads.

    Examples
    --------
    >>> world = World("gifts", customers=200, seed=1, days=30)
    >>> events = world.step()
    >>> world.day, events.schema.names[:3]
    (1, ['event_id', 'line', 'time'])
    """

    def __init__(
        self, preset: str | Path | Params = "gifts", *, customers: int, seed: int = 0, days: int = 365, workers: int = 1
    ) -> None:
        for name, value, most in (("customers", customers, MOST_CUSTOMERS), ("days", days, MOST_DAYS)):
            if not 1 <= value <= most:
                raise InputError(f"{name} = {value}: a number from 1 to {most:,} is expected.")
        if not 0 <= seed < 1 << 62:
            raise InputError(f"seed = {seed}: a number from 0 to 2^62 is expected.")
        if workers < 1:
            raise InputError(f"workers = {workers}: at least 1 is expected.")
        self.params = preset if isinstance(preset, Params) else load(preset)
        self.seed, self.days, self.workers = seed, days, workers
        self._build(customers)
        self._pool: Executor | None = ThreadPoolExecutor(workers) if workers > 1 else None

    def _build(self, count: int) -> None:
        params = self.params
        visits, orders = params.visits, params.orders
        self._week = np.array(visits.weekdays) / np.mean(visits.weekdays)
        self._year = np.array(visits.months) / np.mean(visits.months)
        season = np.array([self.season(day) for day in range(self.days)])
        self._catalogue = catalogue.make(params, self.seed, self.days)
        self._customers = customers.make(params, self.seed, season, count, self._catalogue)
        self._texts = texts.numbered()
        self._zone = ZoneInfo(params.timezone)
        units_a_day = float(self._customers.rate.sum()) * visits.needs * 0.3 * orders.bulk
        market = Market(params, self.seed, self._catalogue, units_a_day)
        self._state = State(0, market, Treatments(params.treatments, self._customers))
        hours = np.cumsum(visits.hours)
        self._hours = hours / hours[-1]
        self._customer_ids = customer_ids(np.arange(count))
        addresses = len(self._customers) + max(1, round(count * params.customers.proxy_share / 50))
        self._names = Names(
            currency=params.currency,
            product_ids=self._catalogue.ids,
            english_titles=self._catalogue.english,
            chinese_titles=self._catalogue.chinese,
            ips=pa.array(customers.addresses(addresses)),
            queries=pa.array(self._catalogue.words),
            openings=self._texts.openings,
            endings=self._texts.endings,
            is_chinese=self._texts.is_chinese,
            traits=pa.array(customers.trait_texts(params)),
            campaigns=pa.array([], pa.string()),
        )

    @property
    def day(self) -> int:
        """How many days were played."""
        return self._state.day

    @property
    def now(self) -> datetime:
        """The moment at which the next day begins, in UTC."""
        return self.moment(self._state.day)

    @property
    def hidden(self) -> Inside:
        """What is hidden from a shop: for the truth alone. A policy that looks here is no policy."""
        return Inside(self._customers, self._catalogue, self._state, self._names)

    @property
    def customer_ids(self) -> pa.StringArray:
        """All customers about whom can be decided, those who have not come yet among them."""
        return self._customer_ids

    @property
    def product_ids(self) -> pa.StringArray:
        """All products, those not yet launched among them."""
        return self._names.product_ids

    @property
    def contactable(self) -> npt.NDArray[np.bool_]:
        """(n,) of `customer_ids`: who has signed up and allows marketing, as the shop knows it."""
        count = len(self._customer_ids)
        found: npt.NDArray[np.bool_] = self._state.treatments.consent[:count] & (
            self._customers.arrives[:count] < self._state.day
        )
        return found

    def catalogue(self, *, launched_only: bool = False) -> pa.Table:
        """The products on sale as of now, or those on sale since today, in the columns of the log's catalogue."""
        state = self._state
        is_sold = state.market.is_sold(state.day)
        which = np.flatnonzero(is_sold & ~state.market.is_sold(state.day - 1) if launched_only else is_sold)
        return self._catalogue.rows(which, state.market.price, np.maximum(state.market.stock, 0), self.now)

    def rivals(self) -> pa.Table:
        """What rivals ask for the products on sale as of now: columns product_id, price."""
        market = self._state.market
        which = np.flatnonzero(market.is_sold(self._state.day))
        price = (self._catalogue.list_price * np.exp(market.rival)).round(2)
        return pa.table({"product_id": self.product_ids.take(pa.array(which)), "price": price[which]})

    def copy(self) -> World:
        """Another world in the same state, to be played on by itself: what would have happened otherwise?"""
        other = copy(self)
        other._state = self._state.copy()
        return other

    def step(self, decide: pa.Table | None = None) -> pa.Table:
        """Play a day.

        Parameters
        ----------
        decide : decisions in columns of `DECISIONS`; none: the shop does nothing of itself.

        Returns
        -------
        The events of the day, in the columns of the log, ordered by time.

        Raises
        ------
        InputError
            If a decision cannot be carried out; the world is as it was.
        """
        rows, names = self.advance(decide)
        return plain(to_events(rows, names))

    def advance(self, decide: pa.Table | None = None) -> tuple[Rows, Names]:
        """Play a day as `step` does: its events as numbers, and the words behind them, for `encode.to_events`."""
        if self._state.day >= MOST_DAYS:
            raise InputError(f"{MOST_DAYS:,} days were played: no more can be numbered. Begin another world.")
        table = decisions.nothing() if decide is None else decide
        checked = decisions.check(table, len(self._customer_ids), len(self._catalogue))
        state = self._state.copy()
        rows = self._play(state, checked)
        names = replace(self._names, campaigns=pa.array(list(state.campaigns), pa.string()))
        self._state = state
        return rows, names

    def _play(self, state: State, checked: Checked) -> Rows:
        day, people = state.day, self._customers
        treatments = state.treatments
        treatments.wake(day)
        state.market.price[checked.priced] = checked.price
        for who in state.hurts.pop(day, []):
            treatments.hurt(who, np.full(len(who), ANNOYING))
        is_active = self.is_active(state)
        campaigns = _numbered(state.campaigns, checked.campaign)
        parts = [treatments.apply(checked, day, self.seed, campaigns), self._auctions(state, checked, campaigns)]
        shelf = state.market.open(day, self.date(day))
        visits = self._visits(self.people(state, is_active), shelf, self.rules(day))
        treatments.seen(visits["customer"])
        parts.append(self._lives(state, is_active, visits))
        rings, later, acts = fraud.act(
            day, self.seed, self.params.fraud, people, is_active, state.market.price, np.isfinite(shelf.base)
        )
        parts.append(rings)
        state.acts.append(acts)
        self._sell(state, rings, visits, later)
        parts += state.coming.pop(day, [])
        treatments.hurt(np.flatnonzero(is_active), np.ones(int(is_active.sum())))
        state.day += 1
        return self._finish(day, visits, parts)

    def is_active(self, state: State) -> npt.NDArray[np.bool_]:
        """(n,) who has come and not left."""
        people = self._customers
        found: npt.NDArray[np.bool_] = (people.arrives <= state.day) & (state.treatments.used_up < people.patience)
        return found

    def people(self, state: State, is_active: npt.NDArray[np.bool_]) -> People:
        """The customers as of a day, with what was decided for them."""
        people, treatments, day = self._customers, state.treatments, state.day
        rate = people.rate * self.season(day) * np.exp(treatments.boost) * is_active
        rate[(people.arrives == day) & (people.ring < 0)] = FIRST_VISITS
        return People(
            rate=rate.astype(np.float32),
            habit=people.habit,
            taste=people.taste,
            spin=people.spin,
            sensitivity=people.sensitivity,
            favourite=people.favourite,
            bulk=people.bulk,
            uses_app=people.uses_app,
            device=people.device,
            ip=people.ip,
            payment=people.payment,
            coupon=treatments.coupon,
            discount=treatments.discount,
            offered=treatments.offered,
            offers=treatments.offers,
            campaigns=treatments.campaigns,
            chances=treatments.chances,
        )

    def season(self, day: int) -> float:
        """Times as many visits as in the mean, by weekday, month and festivals."""
        when = self.date(day)
        festival = self.params.visits.festivals.get(f"{when:%m-%d}", 1.0)
        return float(self._week[when.weekday()] * self._year[when.month - 1] * festival)

    def rules(self, day: int) -> Rules:
        """What is the same for all on a day."""
        visits, orders, people = self.params.visits, self.params.orders, self.params.customers
        return Rules(
            seed=self.seed,
            day=day,
            needs=visits.needs,
            needs_shape=visits.needs_shape,
            outside=visits.outside,
            examined=visits.examined,
            skip=visits.skip,
            position_weight=visits.position_weight,
            viewed=visits.viewed_share,
            search=visits.search_share,
            signed_out=visits.signed_out_share,
            abandon=visits.abandon_share,
            declined=visits.declined_share,
            usual_share=people.usual_share,
            usual_utility=people.usual_utility,
            loyalty=people.loyalty,
            bulk_within=orders.bulk_within,
            bulk_price=orders.bulk_price,
            price_median=self.params.catalogue.price_median,
            redeemed=self.params.treatments.redeemed_share,
        )

    def _visits(self, people: People, shelf: Shelf, rules: Rules) -> Rows:
        lows = range(0, len(self._customers), BLOCK)

        def block(low: int) -> Rows:
            return day_of(low, min(low + BLOCK, len(self._customers)), people, shelf, rules, self._hours)

        return joined(list(self._pool.map(block, lows) if self._pool else map(block, lows)))

    def _auctions(self, state: State, checked: Checked, campaigns: npt.NDArray[np.int64]) -> Rows:
        said, people = self.params.ads, self._customers
        mine = checked.action == AD
        who, bid, budget = checked.customer[mine], checked.bid[mine], checked.budget[mine]
        rows, shown, strength = ads.auctions(
            who, bid, budget, campaigns[mine], checked.propensity[mine], state.day, self.seed, said, people
        )  # fmt: skip
        state.treatments.act(shown, AD, strength)
        return rows

    def _lives(self, state: State, is_active: npt.NDArray[np.bool_], visits: Rows) -> Rows:
        first_seen = np.full(len(self._customers), 1 << 60, np.int64)
        is_new = self._customers.arrives[visits["customer"]] == state.day
        np.minimum.at(first_seen, visits["customer"][is_new], visits["time"][is_new])
        consent = state.treatments.consent
        rows, gone = life.events(
            self._customers, is_active, consent, first_seen, state.day, self.seed, self._texts.consent
        )
        consent[gone] = False
        return rows

    def _sell(self, state: State, rings: Rows, visits: Rows, later: list[Later]) -> None:
        honest, others = (
            taken(rows, np.flatnonzero(rows["type"] == CODES["order_completed"])) for rows in (visits, rings)
        )
        bought = joined([honest, others])
        state.market.sell(state.day, bought["product"], bought["quantity"])
        is_owed = state.market.stock < 0
        followed, asked = aftermath.follow(
            honest, state.day, self.seed, self.params.orders, self._texts, is_owed, self._customers.is_chinese
        )
        for day, rows in (*later, *followed):
            for due in np.unique(day).tolist():
                state.coming.setdefault(max(due, state.day + 1), []).append(rows[day == due])
        state.asked.append(asked)
        for due in np.unique(asked.day).tolist():
            state.hurts.setdefault(max(due, state.day + 1), []).append(
                asked.customer[asked.day == due].astype(np.int64)
            )

    def _finish(self, day: int, visits: Rows, parts: list[Rows]) -> Rows:
        """All rows of the day in order of time, numbered, at moments in UTC."""
        rest = joined(parts)
        rest["event"] = event_numbers(day, rest["customer"], AFTERWARDS)
        rows = joined([visits, rest])
        midnight, next_midnight = self.moment(day), self.moment(day + 1)
        # Where clocks change, a day has 23 or 25 hours: its seconds are a little shorter or longer.
        scale = (next_midnight - midnight) / timedelta(days=1)
        start = int(midnight.timestamp()) * 1_000_000
        limit = 86_400_000_000 - 1
        moments = start + (np.minimum(rows["time"], limit) * scale).astype(np.int64)
        rows["time"] = moments
        return taken(rows, np.argsort(moments, kind="stable"))

    def date(self, day: int) -> datetime:
        """Which date a day is."""
        return datetime.combine(self.params.start, time(), UTC) + timedelta(days=day)

    def moment(self, day: int) -> datetime:
        """When a day begins, in UTC."""
        return datetime.combine(self.params.start + timedelta(days=day), time(), self._zone).astimezone(UTC)


def _numbered(known: dict[str, int], campaigns: pa.StringArray) -> npt.NDArray[np.int64]:
    """The number of each campaign, new ones after those known; -1 where there is none."""
    if campaigns.null_count == len(campaigns):
        return np.full(len(campaigns), -1, np.int64)
    encoded = campaigns.dictionary_encode()
    numbers = [known.setdefault(name, len(known)) for name in encoded.dictionary.to_pylist()]
    places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    found: npt.NDArray[np.int64] = np.append(np.array(numbers, np.int64), -1)[places]
    return found
