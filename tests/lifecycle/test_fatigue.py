"""Contacts of late weaken the next: by how much lots tell, and what counts as late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop
from regulars.campaign.uplift import Trial
from regulars.events.schema import TIME
from regulars.lifecycle.fatigue import HALF_DAYS, OLDEST_DAYS, USUAL, Fatigue, recent

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def trial(rate: float, lift: float, *, rows: int, seed: int = 0) -> tuple[Trial, np.ndarray]:
    """Customers who visit twice, more by `lift` if they are sent a mail, and less of that with each one of late."""
    rng = np.random.default_rng(seed)
    contacts, arm = rng.exponential(1.5, rows), rng.integers(0, 2, rows)
    visits = rng.poisson(2 * (1 + lift * arm * np.exp(-rate * contacts)))
    about = rng.normal(size=(rows, 1))
    return Trial.of(about, arm, 10.0 * visits, kind="money", arms=("none", "mail"), visits=visits), contacts


@pytest.mark.parametrize("rate", [0.0, 0.4, 0.9])
def test_the_rate_is_found_where_lots_tell_it(rate: float) -> None:
    found = Fatigue.fit(*trial(rate, 0.8, rows=40_000))
    assert found.rate == pytest.approx(rate, abs=0.1)


def test_few_lots_leave_it_at_what_is_usual() -> None:
    said, contacts = trial(1.5, 0.02, rows=1_000)
    assert Fatigue.fit(said, contacts).rate == pytest.approx(USUAL, abs=0.05)


def test_the_mean_effect_of_those_learned_from_stays() -> None:
    said, contacts = trial(0.4, 0.8, rows=4_000)
    found = Fatigue.fit(said, contacts)
    assert found.factor(contacts).mean() == pytest.approx(1.0)
    assert (np.diff(found.factor(np.arange(9.0))) < 0).all()
    assert Fatigue.from_bytes(found.to_bytes()) == found


def test_messages_before_the_moment_count_half_after_a_fortnight(shop: Shop, record: Callable[..., Any]) -> None:
    def sent(customer: str | None, days: float, **about: Any) -> dict[str, Any]:
        moment = (NOW - timedelta(days=days)).isoformat()
        return {"type": "message_sent", "customer_id": customer, "time": moment, "anonymous_id": None} | about

    record(
        shop,
        sent("ada", 0), sent("ada", HALF_DAYS), sent("ada", 2 * HALF_DAYS), sent("ada", OLDEST_DAYS + 1),
        sent("李雷", HALF_DAYS, type="message_opened"), sent(None, HALF_DAYS, anonymous_id="phone"),
        sent("bo", 1, type="customer_identified", anonymous_id="phone"),
    )  # fmt: skip
    moments = [NOW, NOW + timedelta(days=HALF_DAYS), NOW, NOW, NOW - timedelta(days=2)]
    pairs = pa.table({"customer_id": ["ada", "ada", "李雷", "bo", "bo"], "as_of": pa.array(moments, TIME)})
    assert recent(shop, pairs).round(6).tolist() == [0.75, 0.875, 0.0, 0.5, 0.0]
