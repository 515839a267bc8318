"""Which products would be the best to recommend to each customer, by the true utilities; what any list brings.

A visit has N needs; for each, three products of the list stand in front (the first three for the first need,
the next three for the second, and so on, over and over). With S(n) the chance that there is a need n, a list
brings

    sum over needs n of  S(n) E[sum of P(j) units_j (price_j - cost_j) over the products j not yet in the cart]

where P is the choice as in `choice`. The best list is looked for among those ordered by

    r_j (1 - (1 - q_j)^m) - f v m q_j,      q_j = w_j / (A + w_j),  w_j = exp(u_j)

with r_j the margin of a choice of j, A the weight of all that else is looked at, v what a need brings without
a list, and m in how many needs a product stands: what is bought twice counts once, and takes the place of
something else. The factor f tells how much that place is worth; of some, the one whose list brings most is
taken, customer by customer. To find the best set is hard in general, so this is the best that was found.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from regulars.errors import InputError
from regulars.simulate.choice import MOST, People, Rules, Shelf, choose, consider, wanted, weigh
from regulars.simulate.decisions import MOST_OFFERED, check
from regulars.simulate.encode import customer_numbers
from regulars.simulate.randomness import begin, generator
from regulars.simulate.treatments import RECOMMEND
from regulars.simulate.visits import LONGEST
from regulars.simulate.world import World

SAMPLES = 8
"""Visits imagined for each customer; the same for every list, so that what differs is the list's own."""
FACTORS = (0.5, 1.0, 1.5, 2.0, 3.0)
RARE = 0.01
"""Needs that a visit has more seldom are left out."""
BLOCK = 256
PURPOSE = 10
LEVELS = np.linspace(-6.0, 14.0, 801)
"""Logarithms of units, at which the mean of whole units is known."""

Amounts = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


class Judged(NamedTuple):
    """What lists bring on a day, in the shop's currency: a mean visit of each customer, times the visits expected."""

    margin: float
    baseline: float
    oracle: float
    visits: float

    @property
    def share_of_gain(self) -> float:
        """Of what the best lists bring above the baseline; 1 is the oracle, 0 the baseline."""
        return (self.margin - self.baseline) / (self.oracle - self.baseline)


def best_lists(world: World, customers: pa.StringArray) -> pa.Table:
    """The best list of each customer for a visit on the day that begins now, as decisions for `World.step`.

    Examples
    --------
    >>> world = World("fashion", customers=100, seed=1, days=30)
    >>> lists = best_lists(world, world.customer_ids.slice(0, 2))
    >>> lists.column_names, len(lists["products"][0])
    (['customer_id', 'action', 'products'], 12)
    """
    scene = _Scene(world)
    who = _numbers(customers, world)
    found = scene.lists(who)
    brought = np.stack([scene.margins(who, offers, 1) for offers in found])
    best = found[brought.argmax(0), np.arange(len(who))]
    owner, place = np.nonzero(best >= 0)
    ends = np.append(0, np.cumsum(np.bincount(owner, minlength=len(who)))).astype(np.int32)
    products = pa.ListArray.from_arrays(pa.array(ends), world.product_ids.take(pa.array(best[owner, place])))
    return pa.table({"customer_id": customers, "action": ["recommend"] * len(who), "products": products})


def margins(world: World, lists: pa.Table) -> Amounts:
    """(d,) what a visit of each customer brings in the mean, on the day that begins now, with a list.

    Parameters
    ----------
    lists : decisions with the action "recommend"; an empty list is none.

    Raises
    ------
    InputError
        As `World.step` does.
    """
    checked = check(lists, len(world.customer_ids), len(world.product_ids))
    if len(checked.customer) < lists.num_rows or (checked.action != RECOMMEND).any():
        raise InputError('lists: only decisions with the action "recommend" are expected.')
    return _Scene(world).margins(checked.customer, checked.offers, 2)


def judge(world: World, lists: pa.Table, baseline: pa.Table) -> Judged:
    """How good lists are, beside a baseline for the same customers (in the same order) and the best lists."""
    if not lists["customer_id"].equals(baseline["customer_id"]):
        raise InputError("baseline: lists for the same customers in the same order are expected.")
    visits = _Scene(world).people.rate[_numbers(lists["customer_id"].combine_chunks(), world)].astype(np.float64)
    best = best_lists(world, lists["customer_id"].combine_chunks())
    own, theirs, highest = (float(visits @ margins(world, one)) for one in (lists, baseline, best))
    return Judged(own, theirs, highest, float(visits.sum()))


def _numbers(customers: pa.StringArray, world: World) -> Indices:
    who = customer_numbers(customers, len(world.customer_ids))
    if (who < 0).any():
        unknown = customers[int(np.flatnonzero(who < 0)[0])].as_py()
        raise InputError(f"customer_id = {unknown!r}: there is no such customer.")
    return who


class _Scene:
    """A world as it stands at the beginning of a day, before anything is decided."""

    def __init__(self, world: World) -> None:
        inside = world.hidden
        state = inside.state.copy()
        state.treatments.wake(state.day)
        self.people = world.people(state, world.is_active(state))
        self.rules = world.rules(state.day)
        self.shelf = state.market.open(state.day, world.date(state.day))
        self.cost = inside.catalogue.cost
        self.stays = _stays(self.rules)
        # Whole units, at least one, of a lognormal amount: their mean by the middle of its logarithm.
        draws = np.sort(generator(0, PURPOSE).normal(size=2000)) * self.rules.bulk_within
        self.units = np.array([np.maximum(1.0, np.floor(np.exp(level + draws) + 0.5)).mean() for level in LEVELS])

    def margins(self, who: Indices, offers: npt.NDArray[np.int32], stream: int) -> Amounts:
        """(d,) of a visit, by draws that other streams do not share."""
        offered = np.full(len(self.people.rate), -1, np.int32)
        offered[who] = np.arange(len(who), dtype=np.int32)
        people = self.people._replace(offered=offered, offers=np.ascontiguousarray(offers))
        found, _ = _walk(who, people, self.shelf, self.rules, self.cost, self.stays, self.units, SAMPLES, stream)
        return found

    def lists(self, who: Indices) -> npt.NDArray[np.int32]:
        """(factors, d, 12) products, the best first; -1 where a product more would do harm."""
        nothing = self.people._replace(offered=np.full(len(self.people.rate), -1, np.int32))
        margin, others = _walk(who, nothing, self.shelf, self.rules, self.cost, self.stays, self.units, 1, 0)
        worth = margin / self.stays.sum()
        times = max(1.0, self.stays.sum() / (MOST_OFFERED // 3))
        found = np.full((len(FACTORS), len(who), MOST_OFFERED), -1, np.int32)
        on_sale = np.flatnonzero(np.isfinite(self.shelf.base)).astype(np.int32)
        for low, weight, gained in self._blocks(who, on_sale):
            rows = slice(low, low + len(weight))
            chance = weight / (others[rows, None] + weight)
            once = gained * -np.expm1(times * np.log1p(-chance))
            place = worth[rows, None] * times * chance
            for number, factor in enumerate(FACTORS):
                top, value = _highest(once - factor * place, MOST_OFFERED)
                found[number, rows, : top.shape[1]] = np.where(value > 0, on_sale[top], -1)
        return found

    def _blocks(self, who: Indices, on_sale: npt.NDArray[np.int32]) -> Iterator[tuple[int, Amounts, Amounts]]:
        """For some customers at a time (b, p): the weight of each product on sale, and the margin of its choice."""
        people, shelf, rules = self.people, self.shelf, self.rules
        price = shelf.price[on_sale]
        for low in range(0, len(who), BLOCK):
            some = who[low : low + BLOCK]
            own = people.taste[some].astype(np.float64)
            angle = people.spin[some].astype(np.float64) * rules.day
            turned = own.copy()
            turned[:, 0] = own[:, 0] * np.cos(angle) - own[:, 1] * np.sin(angle)
            turned[:, 1] = own[:, 0] * np.sin(angle) + own[:, 1] * np.cos(angle)
            utility = turned @ shelf.taste[on_sale].T.astype(np.float64) + shelf.base[on_sale]
            utility += rules.loyalty * (shelf.brand[on_sale] == people.favourite[some][:, None])
            sensitivity = people.sensitivity[some].astype(np.float64)[:, None]
            share = np.maximum(people.coupon[some] * rules.redeemed, people.discount[some])[:, None]
            utility -= sensitivity * (shelf.log_price[on_sale] + np.log1p(-share))
            paid = price * (1 - share)
            level = people.bulk[some][:, None] - rules.bulk_price * np.log(paid / rules.price_median)
            units = np.interp(level, LEVELS, self.units)
            yield low, np.exp(utility), units * (paid - self.cost[on_sale])


def _highest(values: Amounts, count: int) -> tuple[Indices, Amounts]:
    """Of each row (b, p) the places of the highest so many, the highest first, and these."""
    count = min(count, values.shape[1])
    top = np.argpartition(-values, count - 1, axis=1)[:, :count]
    found = np.take_along_axis(values, top, 1)
    order = np.argsort(-found, axis=1, kind="stable")
    return np.take_along_axis(top, order, 1), np.take_along_axis(found, order, 1)


def _stays(rules: Rules) -> Amounts:
    """(LONGEST,) chance that a visit has a need n and is paid for in the end."""
    rng = generator(0, PURPOSE, 1)
    mean = (rules.needs - 1.0) * rng.gamma(rules.needs_shape, size=200_000) / rules.needs_shape
    counts = np.minimum(1 + rng.poisson(np.minimum(mean, 100.0)), LONGEST)
    stays = 1.0 - np.cumsum(np.bincount(counts, minlength=LONGEST + 1))[:LONGEST] / len(counts)
    found: Amounts = np.where(stays > RARE, stays, 0.0) * (1.0 - rules.abandon)
    return found


@njit(cache=True, nogil=True)
def _walk(
    who: Indices,
    people: People,
    shelf: Shelf,
    rules: Rules,
    cost: Amounts,
    stays: Amounts,
    whole: Amounts,
    samples: int,
    stream_number: int,
) -> tuple[Amounts, Amounts]:
    """Imagine visits need by need: (d,) their mean margin, and (d,) the mean weight of all that is looked at."""
    found, weights = np.zeros(len(who)), np.zeros(len(who))
    stream = np.empty(1, np.uint64)
    seen, source, position = np.empty(MOST, np.int32), np.empty(MOST, np.int32), np.empty(MOST, np.int32)
    weight = np.empty(MOST, np.float64)
    cart = np.empty(LONGEST, np.int32)
    for row in range(len(who)):
        i = who[row]
        walked = 0
        for sample in range(samples):
            filled, last = 0, -1
            for need in range(LONGEST):
                if stays[need] == 0.0:
                    break
                # Each need has numbers of its own, so that what a list changes in one changes no draw in another.
                begin(stream, rules.seed, -2 - (rules.day * 4 + stream_number) * samples - sample, i * LONGEST + need)
                coupon = people.coupon[i] * rules.redeemed
                share = max(coupon, people.discount[i])
                category = wanted(stream, people, i)
                count = consider(stream, people, shelf, rules, i, category, last, need, seen, source, position)
                total = weigh(people, shelf, rules, i, category, share, count, seen, source, position, weight)
                weights[row] += total
                walked += 1
                for k in range(count):
                    j = seen[k]
                    is_new = weight[k] > 0.0
                    for other in range(filled):
                        is_new = is_new and cart[other] != j
                    if is_new:
                        paid = shelf.price[j] * (1.0 - share)
                        level = people.bulk[i] - rules.bulk_price * np.log(paid / rules.price_median)
                        place = min(max((level + 6.0) * 40.0, 0.0), len(whole) - 1.001)
                        left = int(place)
                        amount = whole[left] + (place - left) * (whole[left + 1] - whole[left])
                        found[row] += stays[need] * weight[k] / total * amount * (paid - cost[j])
                taken = choose(stream, count, weight, total)
                if taken >= 0:
                    is_new = True
                    for other in range(filled):
                        is_new = is_new and cart[other] != seen[taken]
                    if is_new:
                        cart[filled] = seen[taken]
                        filled += 1
                        last = seen[taken]
        found[row] /= samples
        weights[row] /= max(walked, 1)
    return found, weights
