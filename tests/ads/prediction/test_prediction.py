"""Prediction: better than the parts, calibrated by field and from day to day, late orders counted, files go round."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.ads.prediction import AdRows, ClickModel, Delay, FieldCalibration, Vocabulary, impression_value, ripened
from regulars.errors import InputError, NotEnoughError
from regulars.evaluation import expected_calibration_error, log_loss
from regulars.logistic import probability

Floats = npt.NDArray[np.float64]
SIZES = (5, 4)


def drawn(count: int, seed: int) -> tuple[AdRows, Floats, Floats]:
    """Clicks that depend on which campaign meets which channel, and on an amount."""
    rng = np.random.default_rng(seed)
    fields = np.column_stack([rng.integers(1, 5, count), rng.integers(1, 4, count)])
    numbers = rng.normal(size=(count, 2))
    numbers[rng.random(count) < 0.1, 1] = np.nan
    together = np.random.default_rng(0).normal(0, 0.9, SIZES)[fields[:, 0], fields[:, 1]]
    chance = probability(-1.6 + together + 0.5 * numbers[:, 0])
    return AdRows(("campaign", "channel"), fields, numbers), chance, (rng.random(count) < chance).astype(float)


@pytest.fixture(scope="module")
def model() -> ClickModel:
    rows, _, clicked = drawn(6000, 1)
    return ClickModel.fit(SIZES, rows, clicked)


def test_chances_are_near_the_truth_and_calibrated(model: ClickModel) -> None:
    rows, chance, clicked = drawn(6000, 2)
    said = model.predict(rows)
    assert log_loss(clicked, said) < log_loss(clicked, chance) + 0.01
    assert log_loss(clicked, said) < log_loss(clicked, np.full(len(said), clicked.mean())) - 0.03
    assert expected_calibration_error(clicked, said) < 0.03


def test_a_value_never_seen_and_absent_amounts_are_answered(model: ClickModel) -> None:
    rows = AdRows(("campaign", "channel"), np.zeros((2, 2), np.int64), np.full((2, 2), np.nan))
    said = model.predict(rows)
    assert ((said > 0) & (said < 1)).all()


def test_a_model_from_its_files_says_the_same(model: ClickModel) -> None:
    rows, _, _ = drawn(50, 3)
    again = ClickModel.from_files(model.to_files("click"), "click")
    assert np.allclose(again.predict(rows), model.predict(rows), atol=1e-9)
    assert again.losses == model.losses


def test_too_few_clicks_are_not_enough() -> None:
    rows, _, _ = drawn(500, 1)
    with pytest.raises(NotEnoughError, match="10 of 500 impressions were clicked; at least 50"):
        ClickModel.fit(SIZES, rows, (np.arange(500) < 10).astype(float))


def test_the_calibration_follows_a_change_of_one_campaign() -> None:
    rng = np.random.default_rng(4)
    score, names = np.full(4000, -2.0), ("campaign",)
    campaign = rng.integers(1, 3, (4000, 1))
    same = (rng.random(4000) < probability(score)).astype(float)
    calibration = FieldCalibration.fit(names, (3,), score, campaign, same)
    for _ in range(8):
        came = (rng.random(4000) < probability(score + (campaign[:, 0] == 1))).astype(float)
        calibration.update(score, campaign, came)
    one, other = calibration.predict(score[:2], np.array([[1], [2]])).tolist()
    assert one == pytest.approx(float(probability(np.array(-1.0))), abs=0.03)
    assert other == pytest.approx(float(probability(np.array(-2.0))), abs=0.03)
    again = FieldCalibration.from_json(calibration.to_json())
    assert again.predict(score, campaign).tolist() == calibration.predict(score, campaign).tolist()


@given(st.integers(0, 99), st.floats(-6, 2))
@settings(max_examples=20, deadline=None)
def test_updates_never_leave_the_chances(seed: int, level: float) -> None:
    rng = np.random.default_rng(seed)
    score = rng.normal(level, 1, 40)
    fields = rng.integers(0, 3, (40, 1))
    calibration = FieldCalibration.fit(("a",), (3,), score, fields, (rng.random(40) < 0.3).astype(float))
    for _ in range(5):
        calibration.update(score, fields, np.full(40, float(rng.random() < 0.5)))
        said = calibration.predict(score, fields)
        assert ((said > 0) & (said < 1)).all()
    before = calibration.to_json()
    calibration.update(np.empty(0), np.empty((0, 1), np.int64), np.empty(0))
    assert calibration.to_json() == before


def test_late_orders_are_foreseen_from_young_clicks() -> None:
    rng = np.random.default_rng(0)
    elapsed = rng.uniform(0, 12, 20_000)
    good = rng.random(20_000) < 0.5
    chance = np.where(good, 0.4, 0.1)
    delay = rng.exponential(3.0, 20_000)
    came = (rng.random(20_000) < chance) & (delay < np.minimum(elapsed, 12.0))

    def by_group(target: Floats) -> Floats:
        return np.where(good, target[good].mean(), target[~good].mean())

    soft, delays = ripened(by_group, np.where(came, delay, np.nan), elapsed, 12.0)
    share = 1 - np.exp(-4.0)
    assert soft[good].mean() == pytest.approx(0.4 * share, rel=0.1)
    assert soft[~good].mean() == pytest.approx(0.1 * share, rel=0.15)
    assert came[good].mean() < 0.32
    assert delays.share([3.0])[0] == pytest.approx((1 - np.exp(-1)) / share, abs=0.05)


def test_orders_before_their_click_or_after_now_are_refused() -> None:
    with pytest.raises(InputError, match="before its click"):
        ripened(lambda y: y, np.full(30, 5.0), np.full(30, 4.0), 10.0)
    with pytest.raises(NotEnoughError, match="at least 20"):
        ripened(lambda y: y, np.full(30, np.nan), np.full(30, 4.0), 10.0)
    assert Delay(np.array([0.0, 2.0]), np.array([0.0, 1.0])).to_come(np.array([0.5]), np.array([2.0])).tolist() == [0.0]


def test_a_field_that_is_missing_is_named() -> None:
    words = Vocabulary.of({"channel": ["a"] * 9 + [None], "hour": ["1"] * 10})
    assert words.sizes == (2, 2)
    with pytest.raises(InputError, match="no field hour"):
        words.encode({"channel": ["a"]})
    with pytest.raises(InputError, match="shares between 0 and 1"):
        impression_value([5], [0.1], [10.0])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ClickModel.fit((3,), rows_of([[1]] * 200), [1.0] * 150), r"shape \(150,\)"),
        (lambda: ClickModel.fit((3,), rows_of([[1]] * 200), [np.nan] * 200), "from 0 to 1"),
        (
            lambda: ClickModel.fit((3, 3), rows_of([[1]] * 200), [0.0, 1.0] * 100),
            "sizes: 2; one for each of the fields a",
        ),
        (
            lambda: ClickModel.fit((3,), rows_of([[3]] * 200), [0.0, 1.0] * 100),
            "field a: numbers from 3 to 3; .* 0 to 2",
        ),
        (lambda: impression_value([0.1], [0.1], [np.nan]), "margin: a finite amount"),
        (lambda: impression_value([0.1, 0.2], [0.1, 0.1, 0.1], [1.0]), "one length is expected"),
        (lambda: ripened(lambda y: y, np.ones(30), np.ones(29), 5.0), "one of each a click"),
        (lambda: Vocabulary({"a": {}, "b": {}}).encode({"a": ["x"], "b": ["y", "y"]}), "fields of 1, 2 values"),
    ],
)
def test_arrays_that_cannot_be_are_refused_with_what_is_expected(make: Callable[[], object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()


def rows_of(fields: list[list[int]]) -> AdRows:
    """From plain lists."""
    return AdRows(("a",), fields, [[0.0]] * len(fields))  # type: ignore[arg-type]
