"""Who is of age is known by what the customer said, and not guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from regulars import Shop
from regulars.customers import of_age
from tests.conftest import Record


def identified(customer: str, **traits: Any) -> dict[str, Any]:
    said = {f"properties.{name}": value for name, value in traits.items()}
    return {"type": "customer_identified", "customer_id": customer, "time": "2023-01-01T00:00:00Z", **said}


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2024, 4, 30, tzinfo=UTC), ["chinese", "grown", "text"]),
        (datetime(2024, 5, 1, tzinfo=UTC), ["chinese", "grown", "just", "text"]),
        (datetime(2024, 2, 29, tzinfo=UTC), ["chinese", "grown", "text"]),
        (datetime(2022, 5, 1, tzinfo=UTC), []),
    ],
)
def test_only_who_is_known_to_be_old_enough_is_of_age(
    shop: Shop, record: Record, moment: datetime, expected: list[str]
) -> None:
    record(
        shop,
        identified("young", age=17),
        identified("grown", age=18),
        identified("text", age="40"),
        identified("just", birthday="2006-05-01"),
        identified("almost", birthday="2006-05-02T10:00:00Z"),
        identified("odd", age="old", birthday="soon"),
        identified("no number", age="NaN"),
        identified("endless", age="Infinity"),
        identified("both", age=99, birthday="2010-01-01"),
        identified("chinese", 生日="1990-01-01"),
        {"type": "product_viewed", "customer_id": "silent", "time": "2023-01-02T00:00:00Z", "product_id": "p"},
    )
    assert of_age(shop, moment).to_pylist() == expected


def test_a_birthday_begins_where_the_shop_is(shop: Shop, record: Record) -> None:
    record(shop, identified("just", birthday="2006-05-01"))
    settings = shop.config.shop.model_copy(update={"timezone": "Asia/Shanghai"})
    far = Shop(shop.folder, shop.config.model_copy(update={"shop": settings}))
    assert of_age(far, datetime(2024, 4, 30, 15, 59, tzinfo=UTC)).to_pylist() == []
    assert of_age(far, datetime(2024, 4, 30, 16, tzinfo=UTC)).to_pylist() == ["just"]
