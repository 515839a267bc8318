"""Measurement: intervals hold what is true, attribution adds up and is labelled, budgets go where they bring most."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.ads.measure import LABEL, Fatigue, Path, Saturation, attribute, geo_lift, ghost_lift, next_split
from regulars.errors import InputError, NotEnoughError

MODELS = ("last touch", "position", "shapley", "markov")


def drawn(seed: int, effect: float, share: float = 0.5) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    treated, seen = rng.random(4000) < share, rng.random(4000) < 0.4
    before = rng.exponential(4.0, 4000)
    margin = 0.7 * before + rng.exponential(1.0, 4000) + effect * (treated & seen)
    return treated, seen, margin, before


def test_intervals_of_ghost_ads_hold_the_truth_as_often_as_they_say() -> None:
    held = 0
    for seed in range(200):
        treated, seen, margin, _ = drawn(seed, 0.3)
        found = ghost_lift(treated, seen, margin, 100.0, share=0.5)
        held += found.effect.low <= 0.3 <= found.effect.high
    assert 181 <= held <= 199


def test_what_was_spent_before_makes_the_interval_narrower() -> None:
    treated, seen, margin, before = drawn(1, 0.3)
    plain = ghost_lift(treated, seen, margin, 100.0, share=0.5)
    closer = ghost_lift(treated, seen, margin, 100.0, share=0.5, before=before)
    assert closer.effect.error < 0.6 * plain.effect.error
    assert closer.effect.low < 0.3 < closer.effect.high
    value, low, high = closer.return_on_spend
    assert low < value < high
    assert value == pytest.approx(closer.effect.difference * closer.treated / 100.0)


def test_arms_that_the_lot_did_not_make_are_told() -> None:
    treated, seen, margin, _ = drawn(2, 0.0)
    assert not ghost_lift(treated, seen, margin, 100.0, share=0.7).is_sound


@pytest.mark.parametrize(
    ("spend", "share", "said"), [(0.0, 0.5, "spend = 0"), (1.0, 1.0, "share = 1"), (1.0, 0.5, "one length")]
)
def test_a_measurement_that_cannot_be_is_refused(spend: float, share: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        ghost_lift([True] * 4, [True] * 4, [1.0] * (3 if said == "one length" else 4), spend, share=share)


def test_geo_lift_finds_what_was_added_and_nothing_where_nothing_was() -> None:
    none, held, missed = 0, 0, []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        common = np.cumsum(rng.normal(0, 1, (40, 2)), axis=0)
        controls = 50 + common @ rng.uniform(0, 1, (2, 20)) + rng.normal(0, 0.4, (40, 20))
        treated = 55 + common @ np.array([0.5, 0.4]) + rng.normal(0, 0.4, 40)
        before = geo_lift(treated, controls, 30)
        none += before.low < 0 < before.high
        treated[30:] += 2.0
        lift = geo_lift(treated, controls, 30)
        held += lift.low < 20 < lift.high
        missed.append(abs(lift.lift - 20))
        assert lift.weights.min() >= 0
        assert lift.weights.sum() == pytest.approx(1.0)
    assert none >= 16
    assert held >= 16
    assert np.median(missed) < 5
    with pytest.raises(NotEnoughError, match="4 periods before ads"):
        geo_lift(np.ones(6), np.ones((6, 9)), 4)
    with pytest.raises(InputError, match="not a finite number"):
        geo_lift(np.full(20, np.nan), np.ones((20, 9)), 10)


CHANNELS = st.lists(st.sampled_from(["search", "social", "mail"]), min_size=1, max_size=5).map(tuple)


@given(st.lists(st.tuples(CHANNELS, st.floats(0, 100)), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_attribution_shares_out_all_money_and_no_more(drawn_paths: list[tuple[tuple[str, ...], float]]) -> None:
    paths = [Path(channels, round(money, 2)) for channels, money in drawn_paths]
    whole = sum(path.money for path in paths)
    for model in MODELS:
        if not whole:
            with pytest.raises(NotEnoughError, match="nothing to share out"):
                attribute(paths, model)
            continue
        credits = attribute(paths, model)
        assert sum(credits.values()) == pytest.approx(whole, rel=1e-6)
        assert min(credits.values()) >= -1e-9


def test_attribution_gives_credit_to_who_comes_anyway_and_says_that_it_is_no_cause() -> None:
    # Everybody meets search on the way to an order, with or without it.
    paths = [Path(("search",), 10.0)] * 50 + [Path((), 10.0)] * 50
    assert attribute(paths, "markov") == {"search": 500.0}
    assert "not caused" in LABEL
    with pytest.raises(InputError, match="There are: last touch"):
        attribute(paths, "magic")


def test_position_gives_the_ends_most() -> None:
    found = attribute([Path(("a", "b", "c", "d"), 100.0)], "position")
    assert {name: round(money, 6) for name, money in found.items()} == {"a": 40.0, "b": 10.0, "c": 10.0, "d": 40.0}


def test_a_curve_is_found_again_through_noise() -> None:
    rng = np.random.default_rng(0)
    spend = rng.uniform(0, 600, 80)
    curve = Saturation.fit(spend, 400 * (1 - np.exp(-spend / 200)) + rng.normal(0, 20, 80))
    assert curve.most == pytest.approx(400, rel=0.15)
    assert curve.marginal(100.0) == pytest.approx(2.0 * np.exp(-0.5), rel=0.15)
    with pytest.raises(NotEnoughError, match="2 different spends"):
        Saturation.fit([1.0, 2.0, 2.0], [1.0, 2.0, 2.0])


def test_fatigue_never_rises_and_is_not_fooled_by_who_clicks_much() -> None:
    rng = np.random.default_rng(1)
    chance = rng.choice([0.02, 0.3], 4000)
    number = np.concatenate([np.arange(1, 2 + 4 * (one > 0.1)) for one in chance])
    said = np.repeat(chance, [len(np.arange(1, 2 + 4 * (one > 0.1))) for one in chance])
    clicked = rng.random(len(said)) < said * 0.8 ** (number - 1)
    found = Fatigue.fit(number, clicked, said)
    assert (np.diff(found.factors) <= 1e-12).all()
    assert found.factors[2] == pytest.approx(0.64, abs=0.1)


@pytest.mark.parametrize(("late", "factor"), [(10, 1 / 1.5), (1000, 1 / 51)])
def test_no_click_among_few_late_impressions_is_no_proof_that_none_would_come(late: int, factor: float) -> None:
    number, said = np.repeat([1, 2], [1000, late]), np.full(1000 + late, 0.05)
    assert Fatigue.fit(number, np.arange(len(said)) < 50, said).factors == pytest.approx([1, factor])


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.floats(1e-4, 0.9)), min_size=1, max_size=60))
def test_fatigue_lies_above_nought_and_never_rises(shown: list[tuple[int, bool, float]]) -> None:
    number, clicked, said = (np.array(each) for each in zip(*shown, strict=True))
    found = Fatigue.fit(number, clicked, said).factors
    assert found[0] == 1
    assert (found > 0).all()
    assert (np.diff(found) <= 1e-12).all()


@given(
    st.dictionaries(st.sampled_from("abcde"), st.tuples(st.floats(1, 1e4), st.floats(1, 1e4)), min_size=1),
    st.floats(1, 1e5),
)
@settings(max_examples=60, deadline=None)
def test_the_last_unit_brings_the_same_everywhere(said: dict[str, tuple[float, float]], budget: float) -> None:
    curves = {name: Saturation(most, scale) for name, (most, scale) in said.items()}
    found = next_split(curves, budget)
    assert sum(share.spend for share in found.values()) <= budget * (1 + 1e-6)
    spent = [share.marginal for share in found.values() if share.spend > 1e-6]
    if spent:
        assert max(spent) <= min(spent) * 1.01 + 1e-6
        assert min(spent) >= 0.99
    with pytest.raises(InputError, match="budget = 0"):
        next_split(curves, 0.0)


def test_what_must_be_given_is_given() -> None:
    curves = {"a": Saturation(10.0, 100.0), "b": Saturation(900.0, 100.0)}
    assert next_split(curves, 100.0, least={"a": 30.0})["a"].spend == 30.0
    assert next_split(curves, 100.0, most={"b": 20.0})["b"].spend == 20.0
    with pytest.raises(InputError, match="more than there is"):
        next_split(curves, 100.0, least={"a": 130.0})
