"""How demand answers prices: what is learned, when it is said that nothing can be, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.errors import InputError, NotEnoughError, NotFoundError
from regulars.pricing.response import Demand, DemandForecast, fit, profit_curve, sensitivity
from regulars.pricing.response.charts import demand_plot, elasticity_plot, profit_plot, waterfall_plot
from regulars.pricing.response.hierarchy import believe

CATEGORIES = {"tea": -2.5, "mugs": -1.2}


def world(products=40, weeks=40, follows=0.0, level=3.0, seed=0, spread=0.15, cost_moves=False):
    """Rows of products of two categories; a manager who sees demand rise raises the price by `follows`."""
    rng = np.random.default_rng(seed)
    category = np.array(list(CATEGORIES))[np.arange(products) % 2]
    slope = np.array([CATEGORIES[name] for name in category]) + rng.normal(0, 0.2, products)
    shock, rows = np.zeros(products), []
    for week in range(weeks):
        cost = rng.normal(0, spread, products)
        log_price = follows * shock + (cost if cost_moves else rng.normal(0, spread, products))
        shock = 0.7 * shock + 0.3 * rng.standard_normal(products)
        if cost_moves:  # prices move with this very week's demand, too
            log_price = cost + follows * shock
        units = rng.poisson(np.exp(level + slope * log_price + shock))
        rows += [(f"{number}", week, units[number], np.exp(log_price[number]), category[number], cost[number]) for number in range(products)]  # fmt: skip
    product, week, units, price, kind, cost = map(np.array, zip(*rows, strict=True))
    order = np.lexsort((week, product))
    demand = Demand.of(product, week, units, price, category=kind)
    return demand, {f"{number}": value for number, value in enumerate(slope)}, cost[order]


@pytest.fixture(scope="module")
def by_chance():
    return world()


@pytest.fixture(scope="module")
def response(by_chance):
    return fit(by_chance[0], "plain")


def test_elasticities_are_found_where_prices_were_set_by_chance(by_chance, response):
    found = response.elasticities("product")
    truth = np.array([by_chance[1][name] for name in found.names])
    assert np.sqrt(np.mean((found.value - truth) ** 2)) < 0.25
    assert ((found.low < truth) & (truth < found.high)).mean() > 0.8
    assert response.verdict.can_tell


def test_each_category_has_its_own(response):
    for name, truth in CATEGORIES.items():
        value, low, high = response.elasticities("category").of(name)
        assert value == pytest.approx(truth, abs=0.25)
        assert low < value < high


def test_a_rare_product_borrows_from_its_category(by_chance):
    demand = by_chance[0]
    rows = len(demand)
    rare = Demand.of(
        np.append(demand.products[demand.series], ["rare"] * 4), np.append(demand.week, range(4)),
        np.append(demand.units, [1, 0, 2, 1]), np.append(np.exp(demand.log_price), [1.0, 1.1, 1.0, 0.9]),
        category=np.append(demand.categories[demand.series], ["tea"] * 4),
    )  # fmt: skip
    assert len(rare) == rows + 4
    found = fit(rare, "plain")
    value, low, high = found.elasticities().of("rare")
    assert value == pytest.approx(found.elasticities("category").of("tea")[0], abs=0.3)
    common = found.elasticities().of("0")
    assert high - low > common[2] - common[1]


def test_prices_that_followed_demand_are_told():
    demand, _, _ = world(follows=0.4)
    found = fit(demand, "plain")
    assert not found.verdict.can_tell
    assert "Next week's price seems to change this week's demand" in str(found.verdict)


def test_double_machine_learning_comes_nearer_to_the_truth():
    demand, truth, _ = world(follows=0.4, level=5.0)
    mean = np.mean(list(truth.values()))
    errors = [abs(fit(demand, method).elasticities("shop").of("shop")[0] - mean) for method in ("plain", "double")]
    assert errors[1] < 0.6 * errors[0]


@pytest.mark.parametrize("method", ["plain", "double"])
def test_intervals_hold_the_truth_as_often_as_they_say(method):
    held = []
    for seed in range(6):
        demand, truth, _ = world(level=4.0, seed=seed)
        found = fit(demand, method).elasticities("product")
        real = np.array([truth[name] for name in found.names])
        held += list((found.low <= real) & (real <= found.high))
    assert 0.90 <= np.mean(held) <= 0.99


def test_an_instrument_finds_the_truth_where_nothing_else_does():
    demand, truth, cost = world(follows=0.5, cost_moves=True)
    mean = np.mean(list(truth.values()))
    plain = fit(demand, "plain").elasticities("shop").of("shop")[0]
    found = fit(demand, "instrument", cost)
    assert abs(found.elasticities("shop").of("shop")[0] - mean) < 0.5 * abs(plain - mean)
    assert found.verdict.strength > 100


def test_a_weak_instrument_is_told(by_chance):
    noise = np.random.default_rng(5).standard_normal(len(by_chance[0]))
    found = fit(by_chance[0], "instrument", noise)
    assert not found.verdict.can_tell
    assert "The instrument hardly moved prices" in str(found.verdict)


def test_prices_that_hardly_moved_cannot_tell():
    demand, _, _ = world(products=6, weeks=20, spread=0.005)
    found = fit(demand, "plain")
    assert not found.verdict.can_tell
    assert "Prices moved too little" in str(found.verdict)


def test_demand_that_rises_with_the_price_cannot_tell():
    rng = np.random.default_rng(0)
    price = rng.uniform(1, 2, 400)
    demand = Demand.of(np.repeat(np.arange(20), 20), np.tile(np.arange(20), 20), rng.poisson(20 * price**1.5), price)
    found = fit(demand, "plain")
    assert "Demand seems to rise with the price" in str(found.verdict)
    with pytest.raises(NotEnoughError, match=r"no price is suggested\. The data cannot tell"):
        profit_curve(found, "0", 0.5, 1, 2)


def test_one_price_only_teaches_nothing():
    with pytest.raises(NotEnoughError, match="one price in all weeks: nothing can be learned"):
        fit(Demand.of(["a"] * 20, range(20), range(20), [2.0] * 20), "plain")


def test_groups_of_customers_have_elasticities_of_their_own():
    rng = np.random.default_rng(0)
    series, weeks = 20, 40
    number, week = np.repeat(np.arange(series), weeks), np.tile(np.arange(weeks), series)
    group = np.where(number % 2, "new", "regular")
    price = np.exp(rng.normal(0, 0.2, series * weeks))
    units = rng.poisson(40 * price ** np.where(group == "new", -2.5, -1.0))
    found = fit(Demand.of(number // 2, week, units, price, group=group), "plain").elasticities("product and group")
    of = {name: found.of(f"{name[0]}, {name[1]}")[0] for name in (("3", "new"), ("3", "regular"))}
    assert of["3", "new"] < of["3", "regular"] - 0.7


def test_a_competitor_s_price_and_a_promotion_are_told_apart_from_the_price():
    rng = np.random.default_rng(0)
    series, weeks = 20, 50
    number, week = np.repeat(np.arange(series), weeks), np.tile(np.arange(weeks), series)
    own, other = np.exp(rng.normal(0, 0.2, (2, series * weeks)))
    promotion = rng.random(series * weeks) < 0.2
    units = rng.poisson(30 * own**-1.5 * other**0.8 * np.exp(0.5 * promotion))
    other[rng.random(len(other)) < 0.1] = np.nan
    found = fit(Demand.of(number, week, units, own, competitor_price=other, promotion=promotion), "plain")
    effects = dict(zip(found.control_names, found.control_effects, strict=True))
    assert found.elasticities("shop").of("shop")[0] == pytest.approx(-1.5, abs=0.1)  # while the competitor's stays
    assert effects["competitor's price"] == pytest.approx(0.8, abs=0.1)
    assert effects["promotion"] == pytest.approx(0.5, abs=0.1)


def test_weeks_without_stock_tell_nothing_of_demand():
    rng = np.random.default_rng(0)
    number, week = np.repeat(np.arange(20), 40), np.tile(np.arange(40), 20)
    price = np.exp(rng.normal(0, 0.2, 800))
    stocked = np.where(price < 0.9, 0, 1)
    units = rng.poisson(30 * stocked * price**-2)
    blind = fit(Demand.of(number, week, units, price), "plain").elasticities("shop").of("shop")[0]
    seeing = fit(Demand.of(number, week, units, price, stocked=stocked), "plain").elasticities("shop").of("shop")[0]
    assert seeing == pytest.approx(-2, abs=0.2)
    assert blind > 0


def test_what_was_sold_out_for_half_a_week_was_on_sale_for_the_other_half():
    rng = np.random.default_rng(0)
    number, week = np.repeat(np.arange(20), 40), np.tile(np.arange(40), 20)
    price = np.exp(rng.normal(0, 0.2, 800))
    stocked = np.where(price < 0.9, 0.4, 1.0)
    units = rng.poisson(30 * stocked * price**-2)
    found = fit(Demand.of(number, week, units, price, stocked=stocked), "plain")
    assert found.elasticities("shop").of("shop")[0] == pytest.approx(-2, abs=0.1)
    with pytest.raises(InputError, match=r"stocked 1.5; the share of the week"):
        Demand.of(["tea"], [1], [2], [1.0], stocked=[1.5])


def test_products_that_a_category_buys_most_answer_prices_less():
    """As in a logit: elasticity -3 of a product that nobody knows, times 1 less its share."""
    rng = np.random.default_rng(0)
    share = np.tile([0.5, 0.2, 0.1, 0.1, 0.05, 0.05], 10)
    number, week = np.repeat(np.arange(60), 26), np.tile(np.arange(26), 60)
    price = np.exp(rng.normal(0, 0.1, len(number)))
    units = rng.poisson(200 * share[number] * price ** (-3 * (1 - share[number])))
    found = fit(Demand.of(number, week, units, price, category=number // 6), "plain").elasticities()
    order = np.argsort(np.array(found.names).astype(int))
    assert np.corrcoef(found.value[order], -3 * (1 - share))[0, 1] > 0.9


def test_what_last_week_s_lot_did_to_demand_is_not_taken_for_this_week_s():
    """A low price goes on selling for weeks: against the mean of few weeks that would look like half the answer."""
    rng = np.random.default_rng(0)
    count, weeks = 300, 8
    x = rng.choice([-0.2, 0.0, 0.2], (count, weeks))
    lasting = np.zeros((count, weeks))
    for at in range(1, weeks):
        lasting[:, at] = 0.8 * lasting[:, at - 1] - 1.0 * x[:, at - 1]
    units = rng.poisson(60 * np.exp(-2 * x + lasting))
    number, week = np.repeat(np.arange(count), weeks), np.tile(np.arange(weeks), count)
    demand = Demand.of(number, week, units.ravel(), np.exp(x).ravel(), expected_price=np.ones(count * weeks))
    assert fit(demand).elasticities("shop").of("shop")[0] == pytest.approx(-2, abs=0.2)


def test_the_profit_curve_finds_the_price_of_the_textbook(response):
    elasticity = response.elasticities().of("0")[0]
    curve = profit_curve(response, "0", 0.6, 0.7, 1.6)
    assert curve.best == pytest.approx(0.6 * elasticity / (1 + elasticity), abs=0.02)
    assert not curve.is_at_edge
    assert (curve.units_low < curve.units).all()
    assert (curve.profit <= curve.profit_high).all()


@pytest.mark.parametrize(
    ("cost", "message"),
    [(None, "unit cost None"), (np.nan, "unit cost nan"), (-1.0, "unit cost -1"), (9.0, "it loses at all of them")],
)
def test_a_cost_that_cannot_be_is_refused(response, cost, message):
    with pytest.raises((InputError, NotEnoughError), match=message):
        profit_curve(response, "0", cost, 0.7, 1.6)


def test_a_product_that_is_not_known_is_named(response):
    with pytest.raises(NotFoundError, match='no product "kettle"'):
        profit_curve(response, "kettle", 0.5, 0.7, 1.6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"price": [1.0, 0.0]}, 'product "tea", week 2: price 0; a price above 0'),
        ({"price": [1.0, 5000.0]}, 'product "tea", week .: price .* currency'),
        ({"units": [1, -2]}, "week 2: units -2"),
        ({"week": [1.5, 2.5]}, "week: float64 values; whole numbers"),
        ({"week": [1, 1]}, "week 1: comes twice"),
        ({"stocked": [1, -1]}, "week 2: stocked -1"),
        ({"competitor_price": [1.0, 0.0]}, "week 2: competitor's price 0"),
        ({"competitor_price": [150.0, 150.0]}, "competitor's price 150; it is usually more than 20 times our price"),
        ({"promotion": [1]}, "promotion: shape"),
    ],
)
def test_rows_that_cannot_be_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        Demand.of(**({"product": ["tea", "tea"], "week": [1, 2], "units": [3, 4], "price": [1.0, 1.2]} | wrong))


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"week": [1]}, InputError, r"week: shape \(1,\)"),
        ({"week": [1.5, 2.5]}, InputError, "week: float64 values; whole numbers"),
        ({"week": np.array(["2024-01-01", "2024-01-08"], "datetime64[D]")}, InputError, "week: datetime64"),
        ({"unit_price": [0.0, 2.0]}, InputError, 'product "tea", week 1: unit price 0; a price above 0'),
        ({"unit_price": ["1,5", "2"]}, InputError, "unit_price: could not convert string to float: '1,5'. Numbers are"),
        ({"category": ["hot"]}, InputError, "category: shape"),
        ({"until": 0}, NotEnoughError, "until = 0: all lines are of later weeks, the first of 1"),
    ],
)
def test_order_lines_that_cannot_be_are_refused(wrong, error, message):
    lines = {"product": ["tea", "tea"], "week": [1, 2], "quantity": [3, 4], "unit_price": [1.0, 1.2]}
    with pytest.raises(error, match=message):
        Demand.of_lines(**(lines | wrong))


def test_what_cannot_be_asked_of_a_response_is_refused(by_chance, response):
    with pytest.raises(InputError, match='method "duoble"; one of double, instrument, plain'):
        fit(by_chance[0], "duoble")
    with pytest.raises(InputError, match='product "0": prices above 0'):
        response.units("0", [0.0, 1.0])
    assert response.units(0, [1.0])[0] == response.units("0", [1.0])[0]  # a product that was given as a number


def test_order_lines_become_weeks_with_those_without_a_sale():
    demand = Demand.of_lines(["tea", "tea", "tea", "mug"], [1, 1, 3, 3], [2, 1, 4, 1], [1.0, 1.4, 2.0, 5.0])
    of_tea = demand.products[demand.series] == "tea"
    assert demand.week[of_tea].tolist() == [1, 2, 3]
    assert demand.units[of_tea].tolist() == [3, 0, 4]
    assert np.exp(demand.log_price[of_tea]) == pytest.approx([1.2, 1.2, 2.0])


def test_a_mean_of_recent_weeks_never_holds_its_own():
    demand = Demand.of(["a"] * 3, [1, 2, 3], [4, 6, 100], [1.0, 2.0, 3.0])
    assert demand.recent.tolist() == [0, 4, 5]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 100), st.floats(-5, 5)), min_size=2, max_size=12))
def test_a_number_lies_between_its_own_data_and_what_others_say(pairs):
    information, said = np.array(pairs).T
    levels = believe(information, information * said, [np.zeros(len(pairs), int)], -1.0, 4.0).levels
    assert (levels[0].mean >= min(said.min(), -1) - 1e-9).all()
    assert (levels[0].mean <= max(said.max(), -1) + 1e-9).all()
    assert (levels[0].variance > 0).all()


def test_how_far_numbers_lie_apart_is_learned():
    rng = np.random.default_rng(0)
    parents = [np.repeat(np.arange(4), 50), np.zeros(4, int)]
    for apart in (0.1, 0.8):
        truth = np.array([-3.0, -2.5, -1.5, -1.0])[parents[0]] + rng.normal(0, apart, 200)
        belief = believe(np.full(200, 25.0), 25 * rng.normal(truth, 0.2), parents, -1.0, 4.0)
        assert np.sqrt(belief.spreads[0]) == pytest.approx(apart, abs=0.1)
        low, high = (belief.levels[0].mean + side * 1.96 * np.sqrt(belief.levels[0].variance) for side in (-1, 1))
        assert 0.9 <= np.mean((low <= truth) & (truth <= high)) <= 0.99


def test_who_buys_reduced_only_because_all_is_reduced_is_not_sensitive():
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(60), 20)
    loves = who % 2 == 0
    offered = np.where(who < 30, 0.8, 0.2)
    odds = offered / (1 - offered) * np.where(loves, 6.0, 1.0)
    found = sensitivity(who, rng.random(len(who)) < odds / (1 + odds), offered)
    share = dict(zip(found.customers, found.share, strict=True))
    lovers, others = (
        [share[str(number)] for number in range(60) if (number % 2 == 0) is side] for side in (True, False)
    )
    # Drawn to each other, as twenty purchases leave it open: 6 / 7 and a half are the truth.
    assert 0.7 < np.mean(lovers) < 0.88
    assert np.mean(others) == pytest.approx(0.5, abs=0.08)
    for side, wanted in ((True, lovers), (False, others)):
        flooded = [share[str(number)] for number in range(30) if (number % 2 == 0) is side]
        assert np.mean(flooded) == pytest.approx(np.mean(wanted), abs=0.08)
    assert (found.low <= found.share).all()
    assert (found.share <= found.high).all()


def test_few_purchases_say_little_of_a_customer():
    who = np.append(np.repeat(np.arange(40), 10), ["new"])
    rng = np.random.default_rng(0)
    found = sensitivity(who, np.append(rng.random(400) < np.repeat(rng.random(40), 10), [True]), np.full(401, 0.5))
    wide = dict(zip(found.customers, found.high - found.low, strict=True))
    assert wide["new"] > 1.3 * wide["0"]


def test_a_share_of_all_or_nothing_is_refused():
    with pytest.raises(InputError, match='purchase 1, of customer "bea": offered 1; a share between 0 and 1'):
        sensitivity(["ada", "bea"], [0, 1], [0.5, 1.0])


def test_too_few_customers_are_refused():
    with pytest.raises(NotEnoughError, match="1 customers; at least 20"):
        sensitivity(["ada"], [1], [0.5])


def test_the_charts_show_what_was_found(by_chance, response):
    curve = profit_curve(response, "0", 0.6, 0.7, 1.6)
    line = demand_plot(curve, by_chance[0]).to_dict()["layer"]
    weeks = line[2]["data"]["values"]
    assert len(weeks) == 40
    assert {"price", "units", "week"} == set(weeks[0])
    best = profit_plot(curve).to_dict()["layer"][2]["data"]["values"][0]
    assert best["price"] == pytest.approx(curve.best, rel=1e-5)
    names = [
        row["name"]
        for row in elasticity_plot(response.elasticities("category")).to_dict()["layer"][1]["data"]["values"]
    ]
    assert names == ["tea", "mugs"]


def test_a_waterfall_ends_at_what_is_left():
    chart = waterfall_plot(20.0, [("sale", -4.0), ("shipping paid", 2.0), ("unit cost", -9.0)])
    rows = chart.to_dict()["data"]["values"]
    assert [row["step"] for row in rows] == ["List price", "sale", "shipping paid", "unit cost", "Net"]
    assert rows[-1]["end"] == 9.0
    with pytest.raises(InputError, match="list price 0"):
        waterfall_plot(0.0, [])


@pytest.fixture(scope="module")
def forecast():
    demand, _, _ = world(products=60, weeks=60, seed=3)
    return (
        demand.some(demand.week < 56),
        demand,
        DemandForecast.fit(demand.some(demand.week < 56), fit(demand.some(demand.week < 56))),
    )


def test_a_forecast_falls_with_the_price(forecast):
    before, _, model = forecast
    cheap, dear = (model.predict(before, np.full(60, price)) for price in (0.8, 1.25))
    assert (cheap > dear).mean() > 0.95
    assert np.median(np.log(cheap / dear)) == pytest.approx(1.9 * np.log(1.25 / 0.8), rel=0.35)


def test_a_forecast_at_known_prices_beats_the_mean_of_the_last_weeks(forecast):
    before, demand, model = forecast
    after = demand.some(demand.week >= 56)
    came = np.bincount(after.series, after.units) / 4
    price = np.exp(np.bincount(after.series, after.log_price) / 4)
    window = before.some(before.week >= 52)
    last = np.bincount(window.series, window.units) / 4
    assert np.abs(model.predict(before, price) - came).sum() < 0.9 * np.abs(last - came).sum()


def test_a_forecast_at_a_price_of_zero_is_refused(forecast):
    before, _, model = forecast
    with pytest.raises(InputError, match='product "0": price 0'):
        model.predict(before, np.append([0.0], np.ones(59)))


def test_few_weeks_make_no_forecast(by_chance, response):
    demand = by_chance[0]
    with pytest.raises(NotEnoughError, match="20 weeks; at least 24"):
        DemandForecast.fit(demand.some(demand.week < 20), response)
