"""A discount is worth more of whom more is to come, as far as churn has learned it; else of all alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars import Shop
from regulars.pricing.lifetime import MOST, lifetime_of, relative
from regulars.tables import Tables
from tests.pricing.conftest import PERSONAL, T

margins = st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e5)), min_size=1, max_size=30)


def test_who_is_likelier_to_leave_has_less_to_come(tea_shop: Shop, tea_as_of: datetime) -> None:
    customers = tea_shop.customers(tea_as_of)
    alike = np.full(customers.num_rows, 20.0)
    found = lifetime_of(tea_shop, customers["customer_id"].combine_chunks(), tea_as_of, alike)
    risk = tea_shop.tables.of("churn", customers)["churn_probability"].to_numpy()
    assert np.ptp(found) > 0.1
    assert np.corrcoef(found, risk)[0, 1] < -0.2


def test_where_churn_has_learned_nothing_all_are_alike(shop: Shop) -> None:
    assert lifetime_of(shop, pa.array(["ada", "bob"]), T, np.array([5.0, 9.0])).tolist() == [1.0, 1.0]


@given(margins)
def test_in_the_mean_of_their_margin_customers_count_as_the_setting_says(foreseen: list[tuple[float, float]]) -> None:
    margin, year = np.array(foreseen).T
    found = relative(year, margin)
    assert ((found >= 0) & (found <= MOST)).all()
    known = margin > 1
    if known.any() and (found < MOST).all() and known.sum() == (margin > 0).sum():
        assert found[known] @ margin[known] == pytest.approx(margin[known].sum(), rel=1e-4)


def test_the_more_is_to_come_the_more_an_order_more_counts(
    tea: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tea(**PERSONAL)
    alike = {line["customer_id"]: line for line in shop.decide("pricing", T).table.to_pylist()}
    asked: list[set[str]] = []
    of = Tables.of

    def foreseen(self: Tables, name: str, pairs: pa.Table) -> Any:
        if name != "churn":
            return of(self, name, pairs)
        ids = pairs["customer_id"].to_pylist()
        asked.append(set(ids))
        year = np.array([2000.0 if int(who[1:]) % 8 < 4 else 20.0 for who in ids])
        return pairs.append_column("expected_margin_365d", [year])

    monkeypatch.setattr(Tables, "of", foreseen)
    told = {line["customer_id"]: line for line in shop.decide("pricing", T).table.to_pylist()}
    personal = {who for who, line in told.items() if line["mode"] == "personal"}
    assert asked == [personal]
    stays = {who for who in personal if int(who[1:]) % 8 < 4}
    for who, line in told.items():
        assert line["lifetime"] == 1 if who not in personal else (line["lifetime"] > 1) == (who in stays)
    means = [
        np.mean([lines[who]["share"] for who in some]) for lines in (alike, told) for some in (stays, personal - stays)
    ]
    assert means[2] >= means[0]
    assert means[3] < means[1]
