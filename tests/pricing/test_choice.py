"""Choices among substitutes: what is learned from them, told of them, and refused."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.errors import InputError, NotEnoughError
from regulars.pricing.choice import Choices, Forecaster, Habits, fit
from regulars.pricing.choice.likelihood import Likelihood, Shape

BRANDS = ("ash", "birch", "cedar")
TRUTH = np.array([0.5, -0.5])
PRICE_EFFECT = -1.5


def long_rows(price, chosen, households, features=None):
    """Choices of blocks (n, j)."""
    rows, each = price.shape
    return Choices.of(
        np.repeat(np.arange(rows), each), np.tile(BRANDS[:each], rows),
        None if chosen is None else (np.arange(each) == chosen[:, None]).ravel(), price.ravel(),
        {name: block.ravel() for name, block in (features or {}).items()}, np.repeat(households, each),
    )  # fmt: skip


def market(households=150, each=12, spread=1.5, seed=0):
    """Households who differ by how much they like the second brand; nothing else does."""
    rng = np.random.default_rng(seed)
    price = rng.uniform(1, 3, (households * each, 3))
    own = np.repeat(spread * rng.standard_normal(households), each)
    utility = PRICE_EFFECT * price + [0, *TRUTH] + own[:, None] * [0, 1, 0]
    chosen = (utility + rng.gumbel(size=price.shape)).argmax(1)
    return long_rows(price, chosen, np.repeat(np.arange(households), each))


@pytest.fixture(scope="module")
def choices():
    return market()


@pytest.fixture(scope="module")
def mixed(choices):
    return fit(choices, {"birch": "normal"}, draws=200)


def test_one_taste_for_all_is_found_again():
    model = fit(market(spread=0.0))
    errors = np.sqrt(np.diag(model.covariance))
    assert (abs(model.parameters - [*TRUTH, PRICE_EFFECT]) < 3 * errors).all()
    assert (errors < 0.15).all()


def test_the_published_logit_of_yogurt_is_found(shared_file):
    table = pq.read_table(shared_file("scanner_yogurt.parquet"))
    brands = ["dannon", "hiland", "weight", "yoplait"]
    chosen, rows = np.array(table["choice"].to_pylist()), len(table)
    price, feature = (np.column_stack([table[f"{kind}.{brand}"] for brand in brands]) for kind in ("price", "feat"))
    choices = Choices.of(
        np.repeat(np.arange(rows), 4), np.tile(brands, rows), (chosen[:, None] == np.array(brands)).ravel(),
        price.ravel(), {"feature": feature.ravel()}, np.repeat(table["id"], 4),
    )  # fmt: skip
    model = fit(choices)
    assert model.likelihood == pytest.approx(-2656.888, abs=0.001)
    assert model.middle["price"] == pytest.approx(-0.3666, abs=0.0001)
    assert model.middle["feature"] == pytest.approx(0.4914, abs=0.0002)


def test_tastes_that_differ_are_found_again(mixed):
    assert mixed.middle["price"] == pytest.approx(PRICE_EFFECT, abs=0.2)
    assert abs(mixed.parameters[-1]) == pytest.approx(1.5, abs=0.3)


def test_tastes_that_differ_make_the_choices_likelier(choices, mixed):
    assert mixed.likelihood > fit(choices).likelihood + 20


def test_the_slopes_are_exact(choices):
    shape = Shape((*BRANDS[1:], "price"), np.array([0, 2]), np.array([0, 2]), True, 2)
    likelihood = Likelihood(choices, shape, 20)
    at = np.array([0.1, 0.3, -0.2, 0.9, 0.4, 0.5])
    step = 1e-5 * np.eye(len(at))
    plain = [(likelihood.loss(at + e)[0] - likelihood.loss(at - e)[0]) / 2e-5 for e in step]
    assert likelihood.loss(at)[1] == pytest.approx(plain, abs=1e-4)


def test_the_compiled_likelihood_is_the_plain_one(choices):
    few = choices.some(choices.household < 5)
    shape = Shape((*BRANDS[1:], "price"), np.array([0]), np.array([0]), False, 2)
    likelihood = Likelihood(few, shape, 40)
    shared, mean, spread = np.array([0.2, -1.0]), 0.4, 0.8
    plain = []
    for household, noise in enumerate(likelihood._noise):
        own = few.some(few.household == household)
        utility = np.zeros((len(own), 3, 40)) + (own.column("price") * shared[1])[:, :, None]
        utility[:, 1] += mean + spread * noise[0]
        utility[:, 2] += shared[0]
        chance = np.exp(utility) / np.exp(utility).sum(1, keepdims=True)
        plain.append(np.log(np.prod(chance[np.arange(len(own)), own.chosen], axis=0).mean()))
    assert likelihood.scores(np.array([*shared, mean, spread]))[0] == pytest.approx(plain, abs=1e-10)


def test_a_household_is_known_by_its_past(mixed):
    price = np.full((6, 3), 2.0)
    lover = long_rows(price, np.ones(6, int), ["ada"] * 6)
    hater = long_rows(price, np.zeros(6, int), ["bea"] * 6)
    next_time = long_rows(np.full((3, 3), 2.0), None, ["ada", "bea", "new"])
    birch = mixed.predict(next_time, lover.then(hater)[0])[:, 1]
    assert birch[0] > birch[2] > birch[1]
    assert birch[2] == pytest.approx(mixed.predict(next_time)[2, 1], abs=0.02)


def test_predictions_come_back_in_the_order_of_the_choices(mixed):
    past = long_rows(np.full((6, 3), 2.0), np.array([1] * 3 + [0] * 3), ["zoe"] * 3 + ["ada"] * 3)
    one = mixed.predict(long_rows(np.full((2, 3), 2.0), None, ["ada", "zoe"]), past)
    other = mixed.predict(long_rows(np.full((2, 3), 2.0), None, ["zoe", "ada"]), past)
    assert one == pytest.approx(other[::-1], abs=0.02)


def test_more_choices_narrow_a_taste(mixed):
    def error(count):
        return mixed.tastes(long_rows(np.full((count, 3), 2.0), np.ones(count, int), ["ada"] * count)).error[0, 0]

    assert error(20) < error(2) < 1.6


def test_an_interval_of_a_sensitivity_to_price_never_crosses_zero(choices):
    model = fit(choices, {"price": "negative"}, draws=100)
    value, low, high = model.tastes(choices).of("price")
    assert (low <= value).all()
    assert (value <= high).all()
    assert (high < 0).all()


def test_elasticities_of_a_plain_logit_are_those_of_the_textbook(choices):
    model = fit(choices)
    said, price = model.predict(choices), choices.column("price")
    slope = model.middle["price"]
    own = (said * slope * price * (1 - said)).sum(0) / said.sum(0)
    cross = -(said[:, 0] * slope * price[:, 1] * said[:, 1]).sum() / said[:, 0].sum()
    found = model.elasticities(choices)
    assert np.diag(found) == pytest.approx(own, rel=1e-3)
    assert found[0, 1] == pytest.approx(cross, rel=1e-3)


def test_a_brand_is_worth_its_constant_over_the_price(choices):
    money, low, high = fit(choices).willingness_to_pay()["birch"]
    assert low < money < high
    assert low < TRUTH[0] / -PRICE_EFFECT < high


def test_what_is_not_to_be_had_is_not_bought(choices):
    rng = np.random.default_rng(1)
    offered = np.ones((400, 3), bool)
    offered[:, 2] = rng.random(400) < 0.5
    chosen = np.where(offered[:, 2], 2, rng.integers(0, 2, 400))
    rows = offered.ravel()
    some = Choices.of(
        np.repeat(np.arange(400), 3)[rows], np.tile(BRANDS, 400)[rows],
        (np.arange(3) == chosen[:, None]).ravel()[rows], rng.uniform(1, 2, 1200)[rows],
    )  # fmt: skip
    said = fit(some).predict(some)
    assert (said[~offered[:, 2], 2] == 0).all()
    assert said[offered[:, 2], 2].min() > 0.9
    assert said.sum(1) == pytest.approx(1)


def test_the_summary_names_each_coefficient(mixed):
    text = mixed.summary()
    assert "birch (normal)" in text
    assert "spread of birch" in text
    assert "1,800 choices of 150 households" in text


def test_demand_that_rises_with_the_price_is_told():
    rng = np.random.default_rng(0)
    price = rng.uniform(1, 3, (300, 3))
    model = fit(long_rows(price, price.argmax(1), np.arange(300)))
    assert "does not fall with the price" in model.summary()


def test_one_price_only_teaches_nothing():
    chosen = np.random.default_rng(0).integers(0, 3, 200)
    with pytest.raises(NotEnoughError, match=r"nothing can be learned about it\. Each alternative has one price"):
        fit(long_rows(np.tile([1.0, 2.0, 3.0], (200, 1)), chosen, np.arange(200)))


def test_a_feature_that_is_the_same_for_all_alternatives_is_named():
    rng = np.random.default_rng(0)
    season = np.repeat(rng.random((200, 1)), 3, axis=1)
    choices = long_rows(rng.uniform(1, 2, (200, 3)), rng.integers(0, 3, 200), np.arange(200), {"season": season})
    with pytest.raises(NotEnoughError, match="season: nothing can be learned"):
        fit(choices)


def test_too_few_choices_are_refused():
    with pytest.raises(NotEnoughError, match="10 choices for 3 parameters; at least 15"):
        fit(market(2, 5))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"price": [1.0, 0.0, 1.0, 2.0]}, 'choice a, alternative "mate": price 0; a price above 0'),
        ({"price": [1.0, np.nan, 1.0, 2.0]}, "price is nan"),
        ({"chosen": [1, 1, 0, 1]}, "choice a: 2 alternatives are chosen"),
        ({"chosen": [1, 0, 0, 2]}, "chosen: 2; true or false"),
        ({"alternative": ["tea", "tea", "tea", "mate"]}, '"tea" comes 2 times'),
        ({"alternative": ["tea"] * 4, "choice": list("abcd"), "chosen": None}, "two alternatives"),
        ({"household": ["ada", "bea", "ada", "ada"]}, "choice a: rows of several households"),
        ({"features": {"shelf": ["top", "low", "top", "low"]}}, "shelf: .* numbers are expected"),
        ({"features": {"price": [1, 2, 3, 4]}}, "given apart"),
        ({"features": {"shelf": [1, 2]}}, "shelf: shape"),
    ],
)
def test_rows_that_cannot_be_are_refused(wrong, message):
    right = {
        "choice": ["a", "a", "b", "b"], "alternative": ["tea", "mate"] * 2, "chosen": [1, 0, 0, 1],
        "price": [1.0, 2.0, 1.0, 2.0],
    }  # fmt: skip
    with pytest.raises((InputError, NotEnoughError), match=message):
        Choices.of(**(right | wrong))


def test_a_price_in_another_currency_is_refused():
    price = np.random.default_rng(0).uniform(1, 2, (50, 3))
    price[7, 1] = 15_000
    with pytest.raises(InputError, match=r'choice 7, alternative "birch": price 15000 .* another currency'):
        long_rows(price, np.zeros(50, int), np.arange(50))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_rows_inside_a_choice_means_nothing(seed):
    rng = np.random.default_rng(seed)
    label, brand = np.repeat([0, 1, 2], 3), np.tile(BRANDS, 3)
    price, taken = rng.uniform(1, 2, 9), np.tile(rng.permutation([1, 0, 0]), 3)
    order = np.lexsort((rng.random(9), label))
    one = Choices.of(label, brand, taken, price, household=label)
    other = Choices.of(label[order], brand[order], taken[order], price[order], household=label[order])
    assert (one.features == other.features).all()
    assert (one.chosen == other.chosen).all()


def test_habits_of_one_household():
    price = np.array([[1.0, 2.0], [1.0, 2.0], [1.5, 2.0]])
    few = long_rows(price, np.array([0, 0, 1]), ["ada"] * 3)
    found = Habits(0.5, np.array([0.6, 0.4])).features(few)
    last, same, loyalty, share, change = np.moveaxis(found, 2, 0)
    assert last.tolist() == [[0, 0], [1, 0], [1, 0]]
    assert same.tolist() == [[0, 0], [1, 0], [0, 0]]  # the third time the shelf has changed
    assert loyalty == pytest.approx(np.array([[0.6, 0.4], [0.8, 0.2], [0.9, 0.1]]))
    assert np.exp(share[2]) == pytest.approx([2.6 / 3, 0.4 / 3])
    assert change[2].tolist() == [0.5, 0.0]


def test_a_choice_never_knows_itself_or_what_came_after():
    before = market(20, 6)
    changed = long_rows(
        before.features[:, :, 0],
        np.where(before.position >= 3, (before.chosen + 1) % 3, before.chosen),
        before.household,
    )
    habits = Habits.fit(before)
    one, other = (habits.features(choices)[choices.position <= 3] for choices in (before, changed))
    assert (one == other).all()


def test_who_never_chose_twice_has_no_habits():
    with pytest.raises(NotEnoughError, match="no household chose twice"):
        Habits.fit(long_rows(np.ones((30, 3)), np.zeros(30, int), np.arange(30)))


def test_a_forecast_is_chosen_on_the_past_and_beats_shares():
    choices = market(40, 10, spread=2.5)
    learned, judged = choices.some(choices.position < 8), choices.some(choices.position >= 8)
    forecaster = Forecaster.fit(learned, draws=20)
    said = forecaster.predict(judged, learned)
    shares = np.bincount(learned.chosen) / len(learned)
    assert said.sum(1) == pytest.approx(1)
    assert np.log(said[np.arange(len(judged)), judged.chosen]).mean() > np.log(shares[judged.chosen]).mean() + 0.1
    assert list(forecaster.tried) == sorted(forecaster.tried, key=lambda tried: -tried.score)
