"""Who is like whom, and in what."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa

from regulars import Shop
from regulars.profile.features import FEATURES
from regulars.profile.nearest import in_common, likeness_to_first, nearest, standardised


def table(**columns: list[float | None]) -> pa.Table:
    about = {feature.name: {"meaning": feature.meaning, "unit": feature.unit} for feature in FEATURES}
    fields = [pa.field(name, pa.float64(), metadata=about[name]) for name in columns]
    return pa.table([pa.array(values, pa.float64()) for values in columns.values()], schema=pa.schema(fields))


def test_what_is_absent_or_the_same_for_all_makes_nobody_alike() -> None:
    found = standardised(table(orders=[1.0, 1.0, 1.0], views=[None, None, None], spend=[float("inf"), 1.0, 2.0]))
    assert (found[:, :2] == 0).all()
    assert np.isfinite(standardised(table(orders=[1.0, 2.0, None]))).all()


def test_the_nearest_is_who_has_the_same_features() -> None:
    vectors = standardised(table(orders=[9.0, 9.0, 1.0, 1.0], views=[1.0, 1.0, 50.0, 60.0]))
    assert int(np.argmax(likeness_to_first(vectors))) == 0


def test_what_both_have_and_most_have_not_is_the_reason() -> None:
    rows = table(orders=[30.0, 28.0, *[1.0] * 20], views=[5.0, 5.0, *[5.0] * 20], refunds=[0.0, 9.0, *[1.0] * 20])
    found = in_common(rows, rows.column_names, standardised(rows), 1, "EUR")
    assert found == ["orders so far: 30 and 28 (typically 1)"]


def test_nearest_customers_leave_out_oneself_and_who_objected(lamp_shop: Shop, lamp_now: datetime) -> None:
    found = nearest(lamp_shop, "sametime", lamp_now, 40)
    names = [near.customer_id for near in found]
    assert len(set(names)) == len(names) == 33
    assert not {"sametime", "shy", "erased", "[red]looker[/]"} & set(names)
    assert [near.likeness for near in found] == sorted((near.likeness for near in found), reverse=True)
    assert {near.by for near in found} == {"features"}
    assert any(near.why for near in found[:5])
