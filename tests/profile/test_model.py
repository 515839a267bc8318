"""What a profile is set against: ranks among the shop's customers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.profile.model import Norms


def norms(*spend: float | None) -> Norms:
    table = pa.table({"customer_id": [str(k) for k in range(len(spend))], "spend": pa.array(spend, pa.float64())})
    return Norms.of(table, new_days=30, won_back_days=60)


def test_the_median_customer_of_a_hundred_is_above_half_of_them() -> None:
    measure = norms(*map(float, range(100)))
    assert measure.share_below("spend", 50.0) == pytest.approx(0.5)
    assert measure.share_below("spend", 0.0) == 0
    assert measure.share_below("spend", -1.0) == 0
    assert measure.share_below("spend", 1000.0) == pytest.approx(1.0)


def test_who_has_what_all_have_is_above_nobody() -> None:
    assert norms(5.0, 5.0, 5.0).share_below("spend", 5.0) == 0


def test_of_a_feature_that_nobody_has_no_rank_is_told() -> None:
    assert norms(None, None).share_below("spend", 5.0) is None
    assert norms(1.0).share_below("warmth", 5.0) is None
    assert norms(1.0).share_below("spend", float("nan")) is None


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.integers(-1, 21))
def test_never_more_customers_are_claimed_to_have_less_than_have(values: list[int], value: int) -> None:
    told = norms(*map(float, values)).share_below("spend", float(value))
    truth = float(np.mean([other < value for other in values]))
    assert told is not None
    assert truth - 0.05 - 1e-9 <= told <= truth + 1e-9


def test_norms_go_round_through_their_file() -> None:
    measure = norms(1.0, 2.0, 3.0)
    assert Norms.from_bytes(measure.to_bytes()) == measure
