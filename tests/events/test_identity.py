"""Identity: the same for ever, whatever the rows come in."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.events.duplicates import FEW, in_sorted, repeated, repeats
from regulars.events.identity import CONTENT, derived_ids, hash_column, hash_rows, keys, ordinals
from regulars.events.schema import MONEY, TIME

texts = st.lists(st.one_of(st.none(), st.text(max_size=40), st.text("ab", min_size=120, max_size=140)), min_size=1)
numbers = st.lists(st.integers(0, 5) | st.integers(0, 2**64 - 1), max_size=30).map(lambda n: np.array(n, np.uint64))


def test_ids_are_what_they_were_in_the_first_version():
    # A shop's log holds ids of every version: a new way to hash would count its files twice.
    table = pa.table(
        {
            "customer_id": ["ada", "王", None],
            "type": ["order_completed"] * 3,
            "product_id": ["tea", "x" * 200, "cup"],
            "quantity": [1.0, -0.0, 2.5],
            "unit_price": pa.array([Decimal("4.5"), Decimal("-1"), None], MONEY),
        }
    )
    times = pa.array([datetime(2024, 5, day, 10, tzinfo=UTC) for day in (1, 2, 3)], TIME)
    assert derived_ids(times, hash_rows(table, CONTENT)).to_pylist() == [
        "0617618cb1e800-af11057927fe3425",
        "061775aa894800-bf5f1b7c31ef9eb5",
        "061789c860a800-bec2cf302a1dbb9a",
    ]


@given(texts)
def test_a_text_has_one_hash_however_it_is_kept(values):
    plain = pa.array(values, pa.string())
    expected = hash_column(plain).tolist()
    assert hash_column(plain.dictionary_encode()).tolist() == expected
    assert hash_column(pa.concat_arrays([pa.array(["before"]), plain]).slice(1)).tolist() == expected
    assert [hash_column(pa.array([value], pa.string()))[0] for value in values] == expected


@given(texts)
def test_different_texts_have_different_hashes(values):
    distinct = list(set(values))
    assert len(set(hash_column(pa.array(distinct, pa.string())).tolist())) == len(distinct)


def test_a_text_of_zero_bytes_is_not_an_empty_one():
    found = hash_column(pa.array(["", "\0", "\0\0", None]))
    assert len(set(found.tolist())) == 4


def test_columns_are_not_mixed_up_and_an_empty_one_can_be_left_out():
    def hashed(**columns: list[str | None]) -> int:
        table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
        return int(hash_rows(table, ("a", "b"))[0])

    assert hashed(a=["x"], b=["y"]) != hashed(a=["y"], b=["x"])
    assert hashed(a=["x"], b=[None]) == hashed(a=["x"])
    assert hashed(a=["x"]) != hashed(b=["x"])


@pytest.mark.parametrize("hashed", [pa.array([0.0, -0.0]), pa.array([1.5, 1.5])])
def test_equal_numbers_have_equal_hashes(hashed):
    first, second = hash_column(hashed)
    assert first == second


@given(numbers)
def test_ordinals_count_the_equals_before_a_row(hashes):
    met: Counter[int] = Counter()
    expected = []
    for value in hashes.tolist():
        expected.append(met[value])
        met[value] += 1
    assert ordinals(hashes).tolist() == expected


@given(numbers, numbers)
def test_in_sorted_is_in(values, others):
    assert in_sorted(values, np.unique(others)).tolist() == [value in set(others.tolist()) for value in values.tolist()]


def test_in_sorted_among_many():
    many = np.arange(0, 4 * FEW, 2, dtype=np.uint64)
    assert in_sorted(np.array([5, 6, 0, 10**9], np.uint64), many).tolist() == [False, True, True, False]


@given(numbers)
def test_repeated_are_those_met_twice(values):
    counts = Counter(values.tolist())
    assert repeated(values).tolist() == sorted(value for value, count in counts.items() if count > 1)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2))))
def test_repeats_are_those_that_a_dictionary_finds(rows):
    said: dict[int, int] = {}
    expected = []
    for key, content in rows:
        expected.append((key in said, said.setdefault(key, content)))
    columns = np.array(rows, np.uint64).reshape(-1, 2)
    is_repeat, first = repeats(columns[:, 0], columns[:, 1])
    assert list(zip(is_repeat.tolist(), first.tolist(), strict=True)) == expected


def test_a_key_tells_lines_of_an_event_apart():
    ids = pa.array(["a", "a", "b", "a"])
    found = keys(ids, pa.array([0, 1, 0, 0], pa.int32())).tolist()
    assert found[0] == found[3]
    assert len(set(found)) == 3
    assert keys(ids.dictionary_encode(), pa.array([0, 1, 0, 0], pa.int32())).tolist() == found
