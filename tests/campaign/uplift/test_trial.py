"""What can be learned from, and what is refused: the message says where and why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from regulars.campaign.uplift import Trial
from regulars.errors import InputError, NotEnoughError, RegularsError

ROWS = 400


def plain(**change: Any) -> Trial:
    arm, outcome = np.arange(ROWS) % 2, (np.arange(ROWS) // 2 % 2).astype(float)
    said = {"features": np.zeros((ROWS, 2)), "arm": arm, "outcome": outcome, "kind": "binary", **change}
    return Trial.of(said.pop("features"), said.pop("arm"), said.pop("outcome"), **said)


def test_chances_are_alike_for_all_arms_unless_said() -> None:
    assert plain(arms=["nobody", "短信"]).propensity[3].tolist() == [0.5, 0.5]


def at(row: int, value: float) -> Any:
    found = (np.arange(ROWS) // 2 % 2).astype(float)
    found[row] = value
    return found


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"arm": np.zeros(ROWS, int)}, NotEnoughError, '"contact" has 0'),
        ({"arm": np.ones(ROWS, int)}, NotEnoughError, '"none" has 0'),
        ({"arm": np.full(ROWS, 2), "arms": ["none", "mail"]}, InputError, "row 0: arm = 2"),
        ({"arm": np.full(ROWS, 0.5)}, InputError, "as integers"),
        ({"outcome": np.ones(ROWS)}, InputError, "1 for all"),
        ({"outcome": at(7, np.nan)}, InputError, "row 7: outcome"),
        ({"outcome": at(7, 2)}, InputError, "row 7: outcome = 2"),
        ({"outcome": at(7, -1), "kind": "count"}, InputError, "row 7"),
        ({"kind": "share"}, InputError, "binary, count, money"),
        ({"propensity": [1.0, 0.0]}, InputError, "above 0"),
        ({"propensity": [0.5, 0.4]}, InputError, "add to 1"),
        ({"propensity": [0.5, 0.3, 0.2]}, NotEnoughError, "arm 2"),
        ({"costs": [0.0, -1.0]}, InputError, "costs"),
        ({"names": ["one"]}, InputError, "names"),
        ({"features": np.zeros(ROWS)}, InputError, "features"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], error: type[RegularsError], said: str) -> None:
    with pytest.raises(error, match=said):
        plain(**change)


def test_money_may_be_negative_for_orders_come_back() -> None:
    assert plain(outcome=at(7, -12.5), kind="money").outcome[7] == -12.5


def test_rows_of_a_customer_stay_in_one_fold() -> None:
    trial = plain(customers=np.arange(ROWS) // 4)
    folds = trial.folds(5).reshape(-1, 4)
    assert (folds == folds[:, :1]).all()


def test_folds_of_all_but_a_fold_are_all_filled() -> None:
    rng = np.random.default_rng(0)
    trial = Trial.of(rng.random((1000, 1)), rng.integers(0, 2, 1000), rng.random(1000), kind="money")
    rest = trial.rows(trial.folds(5, seed=2) != 0)
    assert np.bincount(rest.folds(5, seed=2)).tolist() == [160] * 5
