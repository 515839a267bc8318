"""Orders and worth expected of each customer: by its own record, drawn to the shop's."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop
from regulars.churn.btyd import GammaGamma, ParetoNBD
from regulars.churn.rhythm import Rhythm
from regulars.errors import NotEnoughError

RHYTHM = Rhythm(ParetoNBD(1.0, 60.0, 0.5, 300.0), GammaGamma(4.0, 3.0, 25.0), 90.0)


def profiles(**columns: list[float | None]) -> pa.Table:
    given = {"orders": [3.0, 3.0], "tenure_days": [200.0, 200.0], "recency_days": [10.0, 10.0], "spend": [90.0, 90.0]}
    return pa.table({**given, "refunded": [0.0, 0.0], **columns})


def test_who_is_long_overdue_is_less_likely_a_customer_still() -> None:
    table = RHYTHM.added_to(profiles(recency_days=[10.0, 180.0]))
    soon, late = table["alive"].to_pylist()
    assert 1 > soon > late > 0
    soon, late = table["expected_orders"].to_pylist()
    assert soon > late > 0
    assert table.schema.field("alive").metadata[b"meaning"] == b"chance of still being a customer"


def test_the_fewer_orders_the_more_a_customer_is_like_the_others() -> None:
    often, once = RHYTHM.spend(profiles(orders=[40.0, 1.0], recency_days=[5.0, 200.0], spend=[40 * 80.0, 80.0]))
    rate = (1 + 39) / 260 * 90
    assert often == pytest.approx(rate * 80, rel=0.03)
    assert once < 90 / 260 * 80


def test_what_was_sent_back_is_taken_off_and_never_below_zero() -> None:
    kept, gave_back = RHYTHM.spend(profiles(refunded=[0.0, 90.0]))
    assert kept > gave_back > 0
    assert (RHYTHM.spend(profiles(refunded=[None, 500.0])) >= 0).all()
    lacking = profiles().drop_columns(["refunded"])
    assert np.array_equal(RHYTHM.spend(lacking), RHYTHM.spend(profiles()))


def test_it_is_learned_kept_and_read_again(tea_shop: Shop, tea_as_of: datetime) -> None:
    table = tea_shop.tables.of("profile", tea_shop.customers(tea_as_of - timedelta(days=30)))
    rhythm = Rhythm.of(table, 30)
    again = Rhythm.from_json(rhythm.to_json())
    assert np.array_equal(again.spend(table), rhythm.spend(table))
    assert again.added_to(table).equals(rhythm.added_to(table))
    # Expected and came are of one size.
    before = table["orders"].to_numpy()
    after = tea_shop.tables.of("profile", tea_shop.customers(tea_as_of))
    later = dict(zip(after["customer_id"].to_pylist(), after["orders"].to_pylist(), strict=True))
    came = sum(later[name] for name in table["customer_id"].to_pylist()) - before.sum()
    assert rhythm.added_to(table)["expected_orders"].to_numpy().sum() == pytest.approx(came, rel=0.35)


def test_nothing_can_be_said_where_nobody_came_back_or_nothing_costs() -> None:
    with pytest.raises(NotEnoughError, match="ordered again on a later day"):
        Rhythm.of(profiles(orders=[1.0, 1.0], tenure_days=[50.0, 60.0], recency_days=[50.0, 60.0]), 90)
    many = {name: pa.array(np.tile(profiles()[name].to_numpy(), 20)) for name in profiles().column_names}
    free = Rhythm.of(pa.table({**many, "spend": pa.array(np.zeros(40))}), 90)
    assert free.worth is None
    assert free.spend(pa.table(many)).tolist() == [0.0] * 40
    assert Rhythm.from_json(free.to_json()) == Rhythm(ParetoNBD(*free.to_json()["orders"]), None, 90.0)
