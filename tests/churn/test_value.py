"""What orders to come earn: both views have the right total, returns and costs are off, and too little is refused."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.churn.value import SHARES, Value, discount
from regulars.errors import NotEnoughError
from regulars.evaluation import gini_score


def drawn(seed: int, count: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    size = rng.normal(0, 1, count)
    risk = rng.uniform(0.2, 0.8, count)
    stays = rng.random(count) > risk
    margin = np.where(stays, np.exp(3 + size + rng.normal(0, 0.5, count)), 0.0)
    margin[rng.random(count) < 0.02] = -5.0
    return size[:, None], risk, (1 - risk) * np.exp(3 + 0.3 * size) * 2, margin


@pytest.mark.parametrize("choice", list(SHARES))
def test_the_total_is_that_of_all_who_were_learned_from(choice: str) -> None:
    features, risk, worth, margin = drawn(0)
    value = Value.fit(choice, features, risk, worth, margin)
    assert value.predict(features, risk, worth).sum() == pytest.approx(margin.sum(), rel=1e-6)


def test_the_learned_view_knows_what_the_worth_of_past_orders_does_not() -> None:
    features, risk, worth, margin = drawn(0)
    later = drawn(1)
    said = {name: Value.fit(name, features, risk, worth, margin).predict(*later[:3]) for name in SHARES}
    assert gini_score(later[3], said["zero-inflated lognormal"]) > gini_score(later[3], said["orders x worth"])


def test_a_value_read_from_its_files_says_the_same() -> None:
    features, risk, worth, margin = drawn(0, 500)
    value = Value.fit("both", features, risk, worth, margin)
    again = Value.from_saved(value.to_json(), value.to_files())
    assert (again.predict(features, risk, worth) == value.predict(features, risk, worth)).all()


def test_where_all_is_given_back_no_value_is_said() -> None:
    features, risk, worth, margin = drawn(0, 500)
    with pytest.raises(NotEnoughError, match="unit costs"):
        Value.fit("both", features, risk, worth, -np.abs(margin))


def test_money_that_comes_later_is_worth_less_today() -> None:
    assert discount(30, 0.1) > discount(365, 0.1) > discount(365, 0.5)
    assert discount(365, 0.0) == 1
