"""Who counts as lost, on a shop of a hundred and twenty customers of three kinds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop
from regulars.churn.dataset import dataset, features_of
from regulars.errors import NotEnoughError

JUNE = datetime(2024, 6, 1, tzinfo=UTC)


def bought(customer: str, moment: datetime) -> dict[str, Any]:
    return {
        "type": "order_completed", "customer_id": customer, "time": moment.isoformat(timespec="microseconds"),
        "order_id": f"{customer} {moment}", "product_id": "tea", "unit_price": 4,
    }  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, record: Callable[..., Any]) -> Shop:
    """All bought on 2 May. Sixty never again; thirty at the as-of time itself, thirty just when thirty days are over."""
    shop = Shop.create(tmp_path_factory.mktemp("lost") / "shop")
    first = [bought(f"c{k:03d}", JUNE - timedelta(days=30)) for k in range(120)]
    at_once = [bought(f"c{k:03d}", JUNE) for k in range(30)]
    too_late = [bought(f"c{k:03d}", JUNE + timedelta(days=30)) for k in range(30, 60)]
    just_in_time = [bought(f"c{k:03d}", JUNE + timedelta(days=30, microseconds=-1)) for k in range(60, 90)]
    newcomer = [bought("z", JUNE)]
    record(shop, *first, *at_once, *too_late, *just_in_time, *newcomer)
    return shop


def test_the_target_window_begins_at_the_moment_and_ends_before_its_end(shop: Shop) -> None:
    data = dataset(shop, [JUNE], 30)
    assert data.table["customer_id"].to_pylist() == [f"c{k:03d}" for k in range(120)]
    assert data.is_lost.tolist() == [0] * 30 + [1] * 30 + [0] * 30 + [1] * 30


def test_features_are_the_columns_of_the_table_with_nan_for_absent(shop: Shop) -> None:
    data = dataset(shop, [JUNE], 30)
    assert data.features.shape == (120, len(data.names))
    assert data.features[0, data.names.index("recency_days")] == 30
    assert np.isnan(data.features[:, data.names.index("gap_mean_days")]).all()


def test_some_of_the_rows_keep_their_targets(shop: Shop) -> None:
    data = dataset(shop, [JUNE], 30)
    some = data.where(data.is_lost > 0)
    assert some.is_lost.tolist() == [1] * 60
    assert some.table["customer_id"][0].as_py() == "c030"
    assert len(some.features) == 60


def test_too_few_who_stayed_are_refused_with_the_counts(shop: Shop) -> None:
    with pytest.raises(NotEnoughError, match=r"as of 2024-06-02, 91 customers .* and 30 did; at least 50"):
        dataset(shop, [JUNE + timedelta(days=1)], 29)


def test_a_column_that_a_table_lacks_is_absent() -> None:
    table = pa.table({"orders": [1.0, 2.0]})
    found = features_of(table, ["warmth", "orders"])
    assert np.isnan(found[:, 0]).all()
    assert found[:, 1].tolist() == [1, 2]
    assert features_of(table, []).shape == (2, 0)
