"""What a log holds, counted: by type, day and source; gaps and odd days."""

from __future__ import annotations

from datetime import date

import pytest

from regulars.engine import Engine
from regulars.events.compaction import compact
from regulars.events.overview import Overview, gaps, oddities, overview
from regulars.events.schema import EVENTS


def look(till) -> Overview:
    engine = Engine()
    commit = till.log.snapshot()
    return overview(engine.parquet(till.log.paths(commit, "events"), EVENTS), engine, commit)


@pytest.fixture
def shop(till):
    till.import_(till.file("may.csv", "2024-05-01 10:00,ada,tea,1,4.50,A1", "2024-05-01 11:00,,cup,1,3.00,A2"))
    till.import_(till.file("june.csv", "2024-05-04 23:59,bob,tea,2,4.50,A3", "2024-05-05,ada,tea,-1,4.50,A1"))
    return till


def test_events_are_counted_by_type_day_and_source(shop):
    found = look(shop)
    assert [(row["type"], row["rows"], row["events"], row["customers"], row["products"]) for row in found.types] == [
        ("order_completed", 3, 3, 2, 2), ("order_refunded", 1, 1, 1, 1),
    ]  # fmt: skip
    assert [(str(row["day"]), row["rows"], row["customers"]) for row in found.days] == [
        ("2024-05-01", 2, 1), ("2024-05-04", 1, 1), ("2024-05-05", 1, 1),
    ]  # fmt: skip
    assert found.sources == [{"source": "may.csv", "rows": 2}, {"source": "june.csv", "rows": 2}]
    assert (found.version, found.rows, found.events, found.customer_share) == (2, 4, 4, 0.75)
    assert found.gaps == [{"first": date(2024, 5, 2), "last": date(2024, 5, 3), "days": 2}]
    assert sum(row["rows"] for row in found.types_by_day) == 4


def test_a_compaction_changes_nothing_of_it(shop):
    before = look(shop)
    compact(shop.log)
    after = look(shop)
    assert vars(after) == vars(before) | {"version": 3}


def test_an_empty_log_has_nothing_to_count(till):
    found = look(till)
    assert (found.rows, found.types, found.days, found.gaps, found.oddities) == (0, [], [], [], [])
    assert found.customer_share is None


def test_days_in_a_row_have_no_gap():
    assert gaps([date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]) == []
    assert gaps([]) == []


def test_a_day_is_odd_from_ten_times_the_middle_day_on():
    days = [date(2024, 5, day) for day in range(1, 10)]
    assert oddities(days, [10, 10, 10, 10, 99, 2, 10, 10, 10]) == []
    odd = oddities(days, [10, 10, 10, 10, 100, 1, 10, 10, 10])
    assert [(one["day"].day, one["events"], one["times"]) for one in odd] == [(5, 100, 10.0), (6, 1, 0.1)]


def test_a_few_days_are_too_few_to_call_one_odd():
    assert oddities([date(2024, 5, 1), date(2024, 5, 2), date(2024, 5, 3)], [1, 1, 500]) == []


def test_decisions_fill_no_gap_and_make_no_day_odd(shop):
    header = "date,customer,kind"
    mapping = shop.mapping_with("product_id", "quantity", "unit_price", "order_id", type="kind")
    shop.import_(shop.file("d.csv", "2024-05-02,ada,decision_made", header=header), mapping=mapping)
    found = look(shop)
    assert found.gaps == [{"first": date(2024, 5, 2), "last": date(2024, 5, 3), "days": 2}]
    assert found.rows == 5
