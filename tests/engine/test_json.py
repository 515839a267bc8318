"""JSON in columns: what is read, what is refused, and what stays as it was written."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from regulars.engine.json import DEEPEST, elements, extract, objects, patched, path, to_json


def deep(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("1.5", "1.5"),
        ("100000000000000000000000", "100000000000000000000000"),
        ('"17850.0"', "17850.0"),
        ("true", "true"),
        ("null", None),
        ('"null"', "null"),
        ('"a\\u0000b"', "a\0b"),
        ('"\\ud83c\\udf75"', "🍵"),
        ("[1, {}]", "[1,{}]"),
        ('""', ""),
    ],
)
def test_what_stands_at_a_path(value, read):
    found = extract(
        pa.array([f' {{"in": {{"a b": {value}}}}}\r\n']), [path("in", "a b"), path("in", "none"), path("no")]
    )
    assert [column.to_pylist() for column in found.columns] == [[read], [None], [None]]
    assert found.problems == {}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("", "not a JSON object"),
        (None, "not a JSON object"),
        ("{", "not a JSON object"),
        ('{"a": 1} x', "not a JSON object"),
        ("[" * 10_000, f"nested deeper than {DEEPEST}"),
        ("[" * 10_000 + "]" * 10_000, f"nested deeper than {DEEPEST}"),
        (deep(DEEPEST + 1), f"nested deeper than {DEEPEST}"),
        ('{"a": "\\ud800"}', "half of a surrogate pair"),
        ('{"b": 1, "a": 1, "a": 1}', 'the key "a" stands twice'),
        ('{"a": {"b": 1, "b": 2}}', 'the key "b" stands twice'),
    ],
)
def test_a_text_that_cannot_be_read_harms_no_other(bad, reason):
    found = extract(pa.array(['{"a": 1}', bad, '{"a": 2}']), [path("a")], [path(), path("a")])
    assert found.columns[0].to_pylist() == ["1", None, "2"]
    assert list(found.problems) == [1]
    assert reason in found.problems[1]


@pytest.mark.parametrize(
    "good",
    [
        deep(DEEPEST),
        json.dumps({"a": "[{" * 10_000}),
        json.dumps({"a": [{}] * 10_000}),
        '{"a": {"c": {"b": 1, "b": 2}}}',  # not looked into
        '{"a, b": 1, "a": 2, "b": 3}',
    ],
)
def test_what_only_looks_like_that_is_read(good):
    assert extract(pa.array([good]), [path("a")], [path(), path("a")]).problems == {}


def test_elements_of_what_is_no_array():
    found = elements(pa.array(["[1, [2]]", '{"a": [1]}', "none", "[", None]))
    assert (found.counts.tolist(), found.texts.to_pylist()) == ([2, 0, 0, 0, 0], ["1", "[2]"])


def test_what_is_no_object_is_kept_as_a_value():
    nothing = pa.array(["{}"] * 3)
    assert patched(pa.array(["[1]", "{oops", '{"a": null}']), nothing, {}).to_pylist() == [
        '{"value":"[1]"}',
        '{"value":"{oops"}',
        '{"a":null}',
    ]


def test_objects_of_pairs_with_some_left_out():
    keys = pa.array(['a"b', None, "c", None, None])
    texts = pa.array(['x"y', "z", None, "z", "z"])
    numbers = pa.array([None, None, "2", None, None])
    assert objects(np.array([2, 0, 1, 2]), keys, texts, numbers).to_pylist() == [
        '{"a\\"b":"x\\"y"}',
        None,
        '{"c":2}',
        None,
    ]


def test_none_of_anything():
    none = pa.array([], pa.string())
    assert [len(column) for column in extract(none, [path("a")]).columns] == [0]
    assert len(elements(none).texts) == len(patched(none, none, {"a": none})) == 0
    assert len(objects(np.array([], np.int64), none, none, none)) == 0
    assert len(to_json(pa.table({"a": none}))) == 0
