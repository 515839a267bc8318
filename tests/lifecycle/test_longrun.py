"""What an action brings over the remaining life, and whether what was learned may go live: on lots whose truth is set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from regulars.campaign.uplift import Trial
from regulars.lifecycle.golive import best, may_go_live
from regulars.lifecycle.longrun import LongRun, Lots, long_run

ROWS = 4000
HABIT = -3.0
"""What a coupon takes from the time after: who had one waits for the next."""


def drawn(seed: int = 0) -> Lots:
    """Customers of whom half are moved by a mail: of two visits they make three, worth 10 each."""
    rng = np.random.default_rng(seed)
    is_moved, arm = rng.integers(0, 2, ROWS), rng.integers(0, 3, ROWS)
    visits = rng.poisson(2 * (1 + 0.5 * is_moved * (arm == 1) + 0.1 * (arm == 2)))
    soon = Trial.of(
        is_moved[:, None], arm, 10.0 * visits, kind="money", arms=("none", "mail", "coupon"), names=["moved"],
        costs=[0.0, 1.0, 1.0], visits=visits,
    )  # fmt: skip
    after = rng.normal(0, 20, ROWS) + np.where(arm == 2, HABIT, 0.0)
    return Lots(soon, replace(soon, outcome=after, visits=None), rng.exponential(size=ROWS))


@pytest.fixture(scope="module")
def lots() -> Lots:
    return drawn()


@pytest.fixture(scope="module")
def learned(lots: Lots) -> LongRun:
    found = long_run(lots)
    assert found is not None
    return found


def test_a_coupon_is_charged_with_what_it_takes_from_the_time_after(learned: LongRun) -> None:
    mean = learned.effects(np.array([[0.0], [1.0]])).mean
    soon = learned.soon.effects(np.array([[0.0], [1.0]])).mean
    assert (mean[:, 1] < soon[:, 1]).all()
    assert (mean[:, 1] - soon[:, 1]).mean() == pytest.approx(HABIT, abs=1.5)
    assert mean[1, 0] > mean[0, 0] + 5  # a mail is for whom it moves
    assert best(learned.gain(np.array([[0.0], [1.0]])))[1] == 1


def test_noise_of_the_far_future_does_not_drown_what_is_known_of_the_near_one(learned: LongRun) -> None:
    # Of a mail nothing comes after: what is charged is below the error of its own estimate.
    low, high = (part[:, 0] for part in learned.after.effects(np.array([[0.0], [1.0]]))[1:])
    assert (low <= 0).all()
    assert (high >= 0).all()
    assert np.ptp(learned.after.effects(np.array([[0.0], [1.0]])).mean[:, 0]) == 0  # one effect for all


def test_it_is_kept_in_files(learned: LongRun) -> None:
    again = LongRun.from_files(learned.to_files())
    some = np.array([[0.0], [1.0]])
    assert np.array_equal(again.gain(some), learned.gain(some))


def test_a_policy_that_earns_goes_live(lots: Lots, learned: LongRun) -> None:
    found = may_go_live(lots, learned)
    assert found.passed
    assert "than the policy in use" in found.detail
    assert f"{ROWS:,} draws" in found.detail


def test_a_policy_that_surely_brings_less_is_kept_out_of_use(
    lots: Lots, learned: LongRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    turned = Lots(replace(lots.soon, features=1 - lots.soon.features), lots.after, lots.contacts)
    wrong = LongRun.fit(turned)
    monkeypatch.setattr(LongRun, "fit", lambda _: wrong)
    found = may_go_live(lots, learned)
    assert not found.passed
    assert found.detail.startswith("-")
