"""A journey on days that have passed, counted by head."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from regulars import Shop
from regulars.campaign.journey import read, simulate
from regulars.campaign.journey.simulate import _capped
from regulars.config import SendingSettings
from tests.campaign.conftest import NOON, Settings
from tests.campaign.journey.test_running import CART, added, ordered

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def carts(by_mail: Shop, record: Callable[..., Any]) -> Shop:
    morning = NOON - 10 * DAY
    record(
        by_mail,
        added("ada", morning),
        added("ada", morning + DAY),
        added("ada", morning + 8 * DAY),
        added("bob", morning),
        ordered("bob", morning + 0.5 * HOUR),
        added("eve", morning),
        added("mei", morning + 9.9 * DAY),
    )
    return by_mail


def test_what_it_would_have_sent_is_counted(carts: Shop, everyone: Any) -> None:
    found = simulate(carts, read(CART, "cart"), everyone(), NOON, 30)
    assert (found.messages, found.recipients, found.entered, found.customers) == (3, 2, 5, 4)
    assert found.said == "In 30 days it would have sent 3 messages to 2 customers, of 4 who entered."
    assert found.skipped == {"no address for email": 1}
    assert found.outcomes == {"exit": 4, "goal": 1}
    assert found.reached == {"hour": 4, "remind": 4}
    assert simulate(carts, read(CART, "cart"), everyone(), NOON, 30, with_address=True).messages == 4
    assert simulate(carts, read(CART, "cart"), everyone(), NOON - 30 * DAY, 1).messages == 0


def test_caps_spare_customers_and_say_so(carts: Shop, everyone: Any, set_up: Settings) -> None:
    twice = (
        CART.replace('again = "7 days"', 'again = "1 minutes"') + '[[step]]\nname = "more"\nsend = "abandoned_cart"\n'
    )
    found = simulate(set_up(carts, most_per_week=2), read(twice, "cart"), everyone(), NOON, 30)
    assert found.messages + sum(found.skipped.values()) == 10  # five who did not order, two each
    assert found.skipped["held for 2 days: frequency caps"] >= 1
    assert found.held >= 1


def test_a_rule_is_asked_day_by_day(carts: Shop, everyone: Any) -> None:
    asked = []

    class Growing(everyone):  # type: ignore[misc]
        def members(self, rule: str, as_of: datetime) -> Any:
            asked.append(as_of)
            return super().members("one" if as_of < NOON - 2 * DAY else "two", as_of)

    journey = read('[trigger]\nrule = "orders > 0"\n[[step]]\nname = "a"\nsend = "welcome"', "j")
    found = simulate(carts, journey, Growing({"one": ["ada"], "two": ["ada", "mei"]}), NOON, 5)
    assert (found.messages, found.customers) == (1, 1)
    assert len(asked) == 6


@pytest.mark.parametrize(("day", "week"), [(1, 3), (2, 0), (0, 1), (1, 1)])
def test_caps_are_kept_on_every_day_and_week(day: int, week: int) -> None:
    rng = np.random.default_rng(0)
    who, days = rng.integers(0, 5, 200), rng.integers(19_000, 19_020, 200)
    settings = SendingSettings(most_per_day=day, most_per_week=week)
    left, dropped = _capped(who, days, days * 1000 + np.arange(200), np.ones(200, bool), settings)
    assert ((left - days)[~dropped] <= settings.hold_days).all()
    for customer in range(5):
        for start in range(18_990, 19_030):
            mine = left[(who == customer) & ~dropped]
            assert not day or (mine == start).sum() <= day
            assert not week or ((mine > start - 7) & (mine <= start)).sum() <= week
