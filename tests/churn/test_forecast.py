"""Orders to come: better than the rhythm alone where more is known, and sensible beyond what was seen."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.churn.btyd import Histories, ParetoNBD
from regulars.churn.forecast import OrderForecast, Said
from regulars.evaluation import rmse_error

NAMES = ("orders", "recency_days", "tenure_days", "taste")


def drawn(seed: int, days: float, count: int = 3000) -> tuple[np.ndarray, Said, np.ndarray]:
    """Customers whose rate doubles with a taste that the rhythm does not know."""
    rng = np.random.default_rng(seed)
    taste = rng.integers(0, 2, count)
    rate = rng.gamma(1.0, 0.01, count) * (0.4 + 1.6 * taste)
    age = rng.uniform(60, 200, count)
    orders = rng.poisson(rate * age)
    last = np.where(orders > 0, age * rng.random(count) ** (1 / np.maximum(orders, 1)), 0.0)
    known = Histories(orders.astype(float), last, age, np.ones(count), np.zeros(count))
    model = ParetoNBD.fit(known)
    said = Said(model.expected(known, days), model.rate(known), np.full(count, days))
    features = np.column_stack([orders + 1, age - last, age, np.where(rng.random(count) < 0.1, np.nan, taste)])
    return features, said, rng.poisson(rate * days).astype(float)


@pytest.fixture(scope="module")
def forecast() -> OrderForecast:
    features, said, orders = drawn(0, 60.0)
    return OrderForecast.fit(NAMES, features, said, orders)


def test_what_else_is_known_of_a_customer_makes_the_forecast_better(forecast: OrderForecast) -> None:
    features, said, orders = drawn(1, 60.0)
    found = forecast.predict(features, said)
    assert rmse_error(orders, found) < 0.998 * rmse_error(orders, said.orders)
    assert found.sum() == pytest.approx(orders.sum(), rel=0.1)


def test_a_longer_horizon_than_any_that_was_seen_brings_more_in_proportion(forecast: OrderForecast) -> None:
    features, said, orders = drawn(2, 180.0)
    found = forecast.predict(features, said)
    assert found.sum() == pytest.approx(orders.sum(), rel=0.2)


def test_a_forecast_read_from_its_files_says_the_same(forecast: OrderForecast) -> None:
    features, said, _ = drawn(3, 60.0, 200)
    again = OrderForecast.from_files(NAMES, forecast.to_files())
    assert (again.predict(features, said) == forecast.predict(features, said)).all()
    assert again.to_files() == forecast.to_files()


def test_nobody_is_expected_to_order_more_than_once_a_day(forecast: OrderForecast) -> None:
    wild = np.array([[1e9, 0.0, 1.0, 1.0]])
    said = Said(np.array([1e9]), np.array([1e9]), np.array([30.0]))
    assert forecast.predict(wild, said)[0] <= 30
