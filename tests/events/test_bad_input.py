from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.errors import ConfigError, InputError
from regulars.events.readers import open_source

GOOD = "2024-05-01 10:00,ada,tea,1,4.50,A1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        (" \n\n", "the file is empty"),
        ("date,customer\n", "has a header (date, customer) and no rows after it"),
        ("date,sku,date\n1,2,3\n", 'line 1: the header "date" stands twice, in columns 1 and 3'),
    ],
)
def test_a_file_without_rows_or_with_one_header_twice_is_refused(till, text, message):
    path = till.folder / "bad.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        open_source(path)
    assert str(path) in str(caught.value)


def test_gb18030_is_read_right(till):
    path = till.folder / "till.csv"
    path.write_bytes(f"{till.header}\n2024-05-01,客户,红茶,1,4.50,A1\n".encode("gb18030"))
    till.import_(path)
    assert till.rows("customer_id", "product_id") == [("客户", "红茶")]


def test_one_row_that_is_no_utf8_is_refused_alone(till):
    rows = [f"2024-05-01 10:00,zoé,tea,1,4.50,A{k}".encode() for k in range(20)]
    rows[5] = b"2024-05-01 10:00,zo\xe9,tea,1,4.50,A5"
    path = till.folder / "till.csv"
    path.write_bytes(b"\n".join([till.header.encode(), *rows, b""]))
    assert till.import_(path).added == 19
    assert [(line, reason) for line, _, _, reason in till.refused()] == [(7, "holds bytes that are not UTF-8")]


def test_infinite_prices_are_refused(till):
    rows = [GOOD.replace("4.50", price) for price in ("NaN", "inf", "-Infinity", "1e400")]
    assert till.import_rows(*rows, GOOD).added == 1
    assert [(line, column) for line, column, _, _ in till.refused()] == [(line, "price") for line in (2, 3, 4, 5)]


def test_a_quote_that_never_closes_spoils_its_own_row(till):
    result = till.import_rows('2024-05-01 10:00,"ada,tea,1,4.50,A1', GOOD, GOOD)
    assert (result.added, result.rejected) == (2, 1)
    assert till.refused()[0][0] == 2


def test_a_truncated_parquet_file_is_named(till):
    path = till.folder / "till.parquet"
    pq.write_table(pa.table({"date": ["2024-05-01"]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"till.parquet: not a whole Parquet file"):
        open_source(path)


def test_a_header_that_the_file_lacks_is_named_with_those_it_has(till):
    with pytest.raises(InputError, match=r'no column "who". Found: date, customer, product, quantity, price, order'):
        till.import_(till.file("a.csv", GOOD), mapping=till.mapping_with(customer_id="who"))
    assert till.log.version == 0


def test_a_mapping_to_a_field_that_is_none_is_refused(till):
    with pytest.raises(ConfigError, match='there is no field "colour"'):
        till.mapping_with(colour="date")
