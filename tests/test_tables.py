"""The tables of a shop: as Parquet and CSV, the newest by its moment; one door between capabilities."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars import Shop
from regulars.errors import InputError, NotFoundError

AS_OF = datetime(2024, 5, 1, tzinfo=UTC)
TABLE = pa.table({"customer_id": ["ada", "=1+1"], "reasons": [["late", "few"], []], "risk": [0.5, None]})


def test_a_table_is_written_for_programs_and_for_people(shop: Shop) -> None:
    parquet, csv = shop.tables.write("churn", "decisions", TABLE, AS_OF)
    assert pq.read_table(parquet).equals(TABLE)
    assert csv.read_text().splitlines() == [
        '"customer_id","reasons","risk"',
        '"ada","late; few",0.5',
        '"\'=1+1","",',
    ]


def test_what_is_read_is_the_newest_by_its_moment(shop: Shop) -> None:
    later = TABLE.slice(0, 1)
    shop.tables.write("churn", "decisions", later, AS_OF + timedelta(days=1))
    shop.tables.write("churn", "decisions", TABLE, AS_OF)
    assert shop.tables.read("churn", "decisions").equals(later)


def test_a_table_says_as_of_when_it_is(shop: Shop) -> None:
    parquet, _ = shop.tables.write("churn", "decisions", TABLE, AS_OF)
    metadata = pq.read_schema(parquet).metadata
    assert metadata is None or metadata.get(b"as_of") == AS_OF.isoformat().encode()
    assert "2024-05-01T000000" in parquet.name


def test_a_table_that_was_never_written_says_how_to_make_it(shop: Shop) -> None:
    with pytest.raises(NotFoundError, match="regulars decide churn"):
        shop.tables.read("churn", "decisions")


def test_a_capability_is_read_by_its_name(tea_shop: Shop, tea_as_of: datetime) -> None:
    pairs = tea_shop.customers(tea_as_of)
    found = tea_shop.tables.of("profile", pairs)
    assert found["customer_id"].to_pylist() == pairs["customer_id"].to_pylist()
    assert found.schema.field("recency_days").metadata[b"unit"] == b"days"
    with pytest.raises(NotFoundError, match="There are: "):
        tea_shop.tables.of("luck", pairs)


def test_who_agreed_to_a_table_never_gets_another(shop: Shop) -> None:
    shop.tables.write("churn", "decisions", TABLE, AS_OF)
    agreed = shop.tables.newest("churn", "decisions")
    shop.tables.write("churn", "decisions", TABLE.slice(0, 1), AS_OF + timedelta(days=1))
    assert shop.tables.exactly("churn", agreed).equals(TABLE)
    shop.tables.write("churn", "decisions", TABLE.slice(0, 1), AS_OF)
    with pytest.raises(InputError, match="made anew"):
        shop.tables.exactly("churn", agreed)
