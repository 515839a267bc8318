from __future__ import annotations

import numpy as np
import pyarrow as pa

from regulars.churn.reasons import reasons


def field(name: str, meaning: str, unit: str) -> pa.Field:
    return pa.field(name, pa.float64(), metadata={"meaning": meaning, "unit": unit})


SCHEMA = pa.schema(
    [
        field("recency_days", "days since the last order", "days"),
        field("orders_30d", "orders in the last 30 days", "orders"),
        field("orders", "orders so far", "orders"),
        field("spend", "spend so far", "money"),
        field("discount_share", "share of lines bought at a discount", "share"),
    ]
)
NAMES = SCHEMA.names
VALUES = [75.2, 0.0, 2.0, 1234.5, 0.25]


TYPICAL = np.array([30.0, 1.0, np.nan, 500.0, 0.0])


def why(*contributions: float, values: list[float] = VALUES) -> list[str]:
    (found,) = reasons(np.array([contributions]), np.array([values]), TYPICAL, NAMES, SCHEMA, "GBP")
    return found


def test_the_strongest_reason_comes_first_each_in_its_unit() -> None:
    assert why(0.1, 0, 0, 0.3, 0.2) == [
        "spend so far: 1,234.50 GBP (typically 500.00)",
        "share of lines bought at a discount: 25 % (typically 0 %)",
        "days since the last order: 75 (typically 30)",
    ]


def test_what_lowers_the_risk_is_no_reason_for_it() -> None:
    assert why(0.1, -0.9, -0.9, 0, 0) == ["days since the last order: 75 (typically 30)"]


def test_nothing_that_raises_the_risk_gives_no_reason() -> None:
    assert why(-0.1, 0, 0, 0, 0) == []


def test_of_features_that_say_much_the_same_one_is_given() -> None:
    assert why(0, 0.5, 0.4, 0.1, 0) == [
        "orders in the last 30 days: 0 (typically 1)",
        "spend so far: 1,234.50 GBP (typically 500.00)",
    ]


def test_an_absent_value_explains_nothing() -> None:
    assert why(0.5, 0, 0.1, 0, 0, values=[np.nan, 0, 2, 0, 0]) == ["orders so far: 2"]


def test_the_value_of_the_middle_customer_explains_nothing() -> None:
    assert why(0.5, 0.4, 0.1, 0, 0, values=[75.2, 1.0, 2, 0, 0]) == [
        "days since the last order: 75 (typically 30)",
        "orders so far: 2",
    ]


def test_what_hardly_moves_the_risk_is_no_reason() -> None:
    assert why(0.01, 0, 0, 0, 0) == []


def test_at_most_three_are_given() -> None:
    assert len(why(0.5, 0.4, 0.3, 0.2, 0.1)) == 3


def test_a_feature_that_the_table_lacks_goes_by_its_name() -> None:
    assert reasons(np.array([[1.0]]), np.array([[2.5]]), np.array([1.0]), ["warmth"], SCHEMA, "GBP") == [
        ["warmth: 2.50 (typically 1)"]
    ]
