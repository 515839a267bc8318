"""What contacts do: four kinds of customers, fatigue, households, consent. Each effect is read off the truth or the log."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from regulars.simulate import Params, World
from regulars.simulate.customers import ACTIONS, KINDS
from regulars.simulate.treatments import MESSAGE, Treatments

PERSUADABLE, SURE_THING, LOST_CAUSE, SLEEPING_DOG = range(4)
One = Callable[[int], npt.NDArray[np.int64]]


@pytest.fixture
def world(gifts: Params) -> World:
    customers = gifts.customers.model_copy(
        update={"arrived_share": 1.0, "consent_share": 1.0, "visits_per_month": 9.0, "household_share": 0.3}
    )
    return World(gifts.model_copy(update={"customers": customers}), customers=4000, seed=1, days=60)


@pytest.fixture
def treatments(world: World) -> Treatments:
    return world.hidden.state.treatments


@pytest.fixture
def one(world: World) -> One:
    """one(kind): a customer of a kind for messages, who lives alone."""
    people = world.hidden.customers
    alone = np.bincount(people.household, minlength=len(people))[people.household] == 1

    def find(kind: int) -> npt.NDArray[np.int64]:
        return np.flatnonzero(alone & (people.kind[:, MESSAGE] == kind))[:1]

    return find


def visits_of(world: World, who: npt.NDArray[np.bool_], contact: bool, days: int = 10) -> int:
    """Sessions of some customers in some days, all contacted on the first of them or none."""
    played, sessions = world.copy(), 0
    ids = world.customer_ids.filter(pa.array(who))
    decisions = pa.table({"customer_id": ids, "action": pa.array(["message"] * len(ids))})
    for day in range(days):
        rows, _ = played.advance(decisions if contact and day == 0 else None)
        sessions += len(
            np.unique(rows["session"][np.isin(rows["customer"], np.flatnonzero(who)) & (rows["session"] > 0)])
        )
    return sessions


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [(PERSUADABLE, 1.15, 2.0), (SURE_THING, 0.97, 1.03), (LOST_CAUSE, 0.9, 1.1), (SLEEPING_DOG, 0.5, 0.95)],
    ids=KINDS,
)
def test_each_kind_of_customer_answers_in_its_way(world: World, kind: int, low: float, high: float) -> None:
    people = world.hidden.customers
    alone = np.bincount(people.household, minlength=len(people))[people.household] == 1
    who = ((people.kind[:, MESSAGE] == kind) & alone)[: people.honest]
    # The same numbers are drawn for whoever is not changed: so a customer without an effect does just the same.
    assert low < visits_of(world, who, contact=True) / visits_of(world, who, contact=False) < high


def test_sure_things_come_more_often_than_lost_causes(world: World) -> None:
    people = world.hidden.customers
    rates = [people.rate[people.kind[:, MESSAGE] == kind].mean() for kind in (SURE_THING, LOST_CAUSE)]
    assert rates[0] > 2 * rates[1]


def test_the_tenth_contact_moves_less_than_the_first(treatments: Treatments, one: One) -> None:
    customer, gains = one(PERSUADABLE), []
    for _ in range(10):
        before = treatments.boost[customer][0]
        treatments.act(customer, MESSAGE)
        gains.append(treatments.boost[customer][0] - before)
    fatigue = 0.35
    assert gains == pytest.approx([gains[0] * np.exp(-fatigue * n) for n in range(10)])


def test_effects_and_fatigue_fade(world: World, treatments: Treatments, one: One) -> None:
    customer, said = one(PERSUADABLE), world.params.treatments
    treatments.act(customer, MESSAGE)
    boost = treatments.boost[customer][0]
    for day in range(int(said.half_life_days)):
        treatments.wake(day)
    assert treatments.boost[customer][0] == pytest.approx(boost / 2)
    assert treatments.contacts[customer][0] == pytest.approx(0.5 ** (said.half_life_days / said.fatigue_days))


def test_an_effect_spills_over_to_the_household_and_to_nobody_else(world: World, treatments: Treatments) -> None:
    people = world.hidden.customers
    shared = np.bincount(people.household)[people.household] > 1
    customer = np.flatnonzero(shared & (people.kind[:, MESSAGE] == PERSUADABLE))[:1]
    treatments.act(customer, MESSAGE)
    mates = np.flatnonzero(people.household == people.household[customer[0]])
    effect = people.effect[customer[0], MESSAGE]
    for mate in mates:
        expected = effect if mate == customer[0] else world.params.treatments.spill_over * effect
        assert treatments.boost[mate] == pytest.approx(expected)
    assert len(mates) > 1
    assert np.count_nonzero(treatments.boost) == len(mates)


def test_sleeping_dogs_and_whoever_has_not_consented_are_driven_away(treatments: Treatments, one: One) -> None:
    dog, other, unasked = one(SLEEPING_DOG), one(PERSUADABLE), one(SURE_THING)
    treatments.consent[unasked] = False
    for customer in (dog, other, unasked):
        treatments.act(customer, MESSAGE)
    used = [treatments.used_up[customer][0] for customer in (dog, other, unasked)]
    assert used[0] > 0
    assert used[1] == 0
    assert used[2] > 0


def test_who_is_persuadable_can_be_learned_in_part(world: World) -> None:
    people = world.hidden.customers
    for action in range(len(ACTIONS)):
        persuaded = people.kind[:, action] == PERSUADABLE
        assert people.taste[persuaded, 0].mean() > people.taste[~persuaded, 0].mean() + 0.3
