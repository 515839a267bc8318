"""The chance to end at the next renewal: learned in a club whose truth is known."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from regulars import Shop
from regulars.churn.subscriptions.renewals import ByNumber, Renewals, Running, profiles
from regulars.churn.subscriptions.spells import Spells, grace_days, spells
from regulars.errors import NotEnoughError


@pytest.fixture(scope="module")
def known(club: Shop, club_as_of: datetime) -> Spells:
    return spells(club, club_as_of)


@pytest.fixture(scope="module")
def model(club: Shop, club_as_of: datetime, known: Spells) -> Renewals:
    return Renewals.learn(club, club_as_of, known)


def test_first_renewals_are_those_at_which_most_leave(model: Renewals) -> None:
    first, second = model.by_number.at(np.array([1, 2]))
    assert first > 1.5 * second
    assert model.by_number.at(np.array([500])) == model.by_number.hazard[-1]


def test_on_average_as_many_leave_as_was_said(club: Shop, club_as_of: datetime, known: Spells, model: Renewals) -> None:
    running = Running.of(known, club_as_of, club_as_of + timedelta(days=60))
    rows, left = running.came(spells(club, club_as_of + timedelta(days=60)))
    said = model.hazard(running.where(rows), profiles(club, running.where(rows).table))
    noise = np.sqrt((said * (1 - said)).sum())
    assert abs(said.sum() - left.sum()) < 3 * noise
    # The truth: of two alike, the one on the small plan leaves twice as often; and those who are left of it are keener.
    small, paid = np.array([plan == "small" for plan in running.where(rows).plan]), running.left[rows] >= 0
    assert said[small & paid].mean() > 1.3 * said[~small & paid].mean()


def test_survival_falls_and_who_is_likelier_to_leave_has_fewer_months(
    club: Shop, club_as_of: datetime, known: Spells, model: Renewals
) -> None:
    running = Running.of(known, club_as_of)
    of_each = profiles(club, running.table)
    survival, months = model.survival(running, of_each)
    assert (np.diff(survival, axis=1) < 0).all()
    assert ((survival > 0) & (survival < 1)).all()
    assert np.corrcoef(np.log(months), survival[:, 0])[0, 1] > 0.5
    # A third of a year to ten years: true means lie between 3 and 40 months.
    assert 2 < np.median(months) < 60


def test_who_is_overdue_has_the_chance_of_the_overdue(
    club: Shop, club_as_of: datetime, known: Spells, model: Renewals
) -> None:
    running = Running.of(known, club_as_of)
    is_late = running.left < 0
    assert is_late.any()
    assert set(model.hazard(running, profiles(club, running.table))[is_late].tolist()) == {model.overdue}
    assert model.overdue > 0.5


def test_rows_are_chosen_by_what_is_known_not_by_what_came(known: Spells, club_as_of: datetime) -> None:
    later = club_as_of + timedelta(days=20)
    every, due = Running.of(known, club_as_of), Running.of(known, club_as_of, later)
    expected = every.left + grace_days(every.period) < 20
    assert due.event_id.to_pylist() == every.where(np.flatnonzero(expected)).event_id.to_pylist()


def test_the_same_log_gives_the_same_model(club: Shop, club_as_of: datetime, known: Spells, model: Renewals) -> None:
    again = Renewals.learn(club, club_as_of, known)
    assert again.logistic.to_bytes() == model.logistic.to_bytes()
    assert (again.slope, again.intercept, again.overdue) == (model.slope, model.intercept, model.overdue)


def test_too_few_renewals_are_refused_with_what_is_needed(club: Shop) -> None:
    early = datetime.fromisoformat("2024-02-05T00:00+00:00")
    with pytest.raises(NotEnoughError, match=r"needs 50 that ended and 50 that were renewed; has \d+ and \d+"):
        Renewals.learn(club, early, spells(club, early))


def test_the_hazard_of_a_number_is_never_certain() -> None:
    number, left = np.repeat([1, 2, 3], [40, 40, 40]), np.repeat([0.0, 1.0, 0.0], 40)
    found = ByNumber.fit(number, left).at(np.array([1, 2]))
    assert found[0] == pytest.approx(1 / 3 / 41)
    assert ((found > 0) & (found < 1)).all()
