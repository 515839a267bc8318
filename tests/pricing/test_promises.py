"""What a shop promises of prices, on cases that nobody thought of: they hold, end, are alike, and name a true earlier one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from regulars.config import PricingSettings
from regulars.events.schema import TIME
from regulars.pricing.facts import Decided, Facts
from regulars.pricing.guard import ParityError, parity
from regulars.pricing.law import Law
from regulars.pricing.money import to_amount
from regulars.pricing.products import PriceLog
from regulars.pricing.quoting import Desk
from regulars.pricing.rules import Person
from regulars.pricing.suggest import discounts

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEVELS = [0.0, 0.05, 0.1, 0.2]
shares, coins = st.sampled_from(LEVELS), st.integers(200, 2000)


def prices(history: dict[datetime, int], cost: int = 100) -> PriceLog:
    """Of tea, since when it cost how many cents."""
    since = sorted(history)
    table = pa.table(
        {"product_id": ["tea"] * len(since), "since": pa.array(since, TIME), "coins": [history[at] for at in since],
         "is_set": [True] * len(since)}
    )  # fmt: skip
    return PriceLog(table, {"tea": {"unit_cost": to_amount(cost, "EUR")}}, {}, {}, "EUR")


def decided(share: float, at: datetime, days: int = 28) -> Decided:
    note = {"mode": "personal", "share": share, "policy": "most expected margin", "horizon_days": days}
    return Decided(json.dumps(note | {"model_version": 1}), 1.0, at)


def facts_of(as_of: datetime, history: dict[datetime, int], discount: Decided | None = None) -> Facts:
    """Ada lives in Germany and has ordered before."""
    known = {} if discount is None else {"ada": discount}
    return Facts(as_of, prices(history), Law.known(), {"ada": Person("DE")}, frozenset({"ada"}), known, {})


def desk_of(facts: Facts, **said: Any) -> Desk:
    about = PricingSettings(mode="personal", min_margin=0.0, max_discount=0.2, **said)
    shop: Any = SimpleNamespace(config=SimpleNamespace(pricing=about))
    return Desk(shop, facts)


looks = st.tuples(st.integers(1, 100), st.sampled_from(["s", "t", None]), shares, coins)


@settings(max_examples=150)
@given(st.lists(looks, min_size=2, max_size=10), st.sampled_from([0, 24, 72]))
def test_no_price_rises_within_a_session_nor_for_having_looked(
    seen: list[tuple[int, str | None, float, int]], hold_hours: int
) -> None:
    """Before each look a discount is decided anew, and the list price is another."""
    at, history = BEGIN, {BEGIN - DAY: 1000}
    desk = desk_of(facts_of(at, history), hold_hours=hold_hours)
    told: list[tuple[datetime, str | None, Decimal]] = []
    for hours, session, share, listed in seen:
        at += hours * HOUR
        history[at - HOUR / 2] = listed
        desk.renew(facts_of(at, history, decided(share, at - HOUR / 4)))
        made = desk.quote("tea", "ada", at, session_id=session)
        for made_at, of_session, price in told:
            if at - made_at < hold_hours * HOUR or (session == of_session is not None and at - made_at < 30 * DAY):
                assert made.price <= price
        told.append((made.held_since or at, session, made.price))
        assert desk.quote("tea", "ada", at, session_id=session).price == made.price  # who looks again at once


@given(st.sampled_from(LEVELS[1:]), st.integers(1, 180), st.integers(0, 200 * 24))
def test_a_personal_discount_ends_with_its_horizon(share: float, days: int, hours: int) -> None:
    at = BEGIN + hours * HOUR
    made = desk_of(facts_of(at, {BEGIN - DAY: 1000}, decided(share, BEGIN, days))).quote("tea", "ada", at)
    stands = hours < days * 24
    assert (made.personalised, made.price < made.list_price) == (stands, stands)
    assert bool(made.disclosure) == stands


@settings(max_examples=200)
@given(st.dictionaries(st.integers(0, 90), st.sampled_from([700, 800, 900, 1000]), min_size=1), st.integers(91, 121))
def test_the_earlier_price_is_the_lowest_of_the_thirty_days_before_the_reduction(
    history: dict[int, int], today: int
) -> None:
    """Beside a count day by day."""
    desk = desk_of(facts_of(BEGIN + today * DAY, {BEGIN + day * DAY: price for day, price in history.items()}))
    was = desk.quote("tea", None, BEGIN + today * DAY).was
    days = sorted(history)
    held = {day: history[max(each for each in days if each <= day)] for day in range(days[0], today)}
    present = held[today - 1]
    begun = today - 1
    while held.get(begun - 1) == present:
        begun -= 1
    before = [held[day] for day in range(begun - 30, begun) if day in held]
    is_reduced = begun >= today - 30 and before and min(before) > present
    assert was == (to_amount(min(before), "EUR") if is_reduced else None)


@settings(max_examples=100)
@given(
    sizes=st.lists(st.integers(30, 60), min_size=2, max_size=4), seed=st.integers(0, 10_000),
    tilt=st.floats(-30, 30), budget=st.floats(0, 3000),
)  # fmt: skip
def test_mean_discounts_of_groups_lie_near_each_other_or_nothing_is_decided(
    sizes: list[int], seed: int, tilt: float, budget: float
) -> None:
    rng = np.random.default_rng(seed)
    groups = [f"g{number}" for number, size in enumerate(sizes) for _ in range(size)]
    spend = np.outer(rng.gamma(1, 50, len(groups)), LEVELS)
    gain = np.outer(rng.normal(0.5, 1, len(groups)), np.sqrt(LEVELS)) * 20 - spend * 0.2
    gain += tilt * np.array([name == "g0" for name in groups])[:, None]
    gain[:, 0] = 0.0
    try:
        found = discounts(LEVELS, gain, spend, budget=budget, groups=groups)
    except ParityError:
        return
    means = [np.mean(found.share[[name == one for name in groups]]) for one in sorted(set(groups))]
    assume(max(means) > 0)
    assert min(means) / max(means) >= 0.8 - 1e-9
    assert max(means) <= 1.25 * min(means) + 1e-9
    assert parity(found.share, groups).holds
    assert found.spent <= budget + 1e-6
