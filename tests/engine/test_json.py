"""JSON in columns: what is read, what is refused, and what stays as it was written."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from regulars.engine.json import DEEPEST, elements, extract, objects, patched, to_json


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
    found = extract(pa.array([f' {{"in": {{"a b": {value}}}}}\r\n']), [("in", "a b"), ("in", "none"), ("no",)])
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
    found = extract(pa.array(['{"a": 1}', bad, '{"a": 2}']), [("a",)], [(), ("a",)])
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
    assert extract(pa.array([good]), [("a",)], [(), ("a",)]).problems == {}


def test_elements_of_what_is_no_array():
    found = elements(pa.array(["[1, [2]]", '{"a": [1]}', "none", "[", None]))
    assert (found.counts.tolist(), found.texts.to_pylist()) == ([2, 0, 0, 0, 0], ["1", "[2]"])


def test_a_name_may_hold_what_paths_are_written_with():
    names = ("a/b", "~", "$", "'", '"', "*", "[0]")
    text = json.dumps({name: {name: place} for place, name in enumerate(names)})
    found = extract(pa.array([text]), [(name, name) for name in names], [(), *((name,) for name in names)])
    assert [column.to_pylist() for column in found.columns] == [[str(place)] for place in range(len(names))]


def test_a_field_that_only_one_row_has_is_read():
    found = extract(pa.array(['{"a": 1}', '{"b": {"c": 2}}', '{"b": 3}']), [("a",), ("b", "c")], [(), ("b",)])
    assert [column.to_pylist() for column in found.columns] == [["1", None, None], [None, "2", None]]


def test_what_is_added_stands_in_place_of_what_was_there():
    own = pa.array(['{"a": 1, "b": {"x": 1}}', '{"a": 1, "é": "ü"}', "{}"])
    adding = {"a": pa.array(['"', None, None]), "b{}": pa.array(['{"y":null}', None, '{"z":2}'])}
    assert [json.loads(text) for text in patched(own, adding).to_pylist()] == [
        {"a": '"', "b": {"y": None}},
        {"é": "ü"},
        {"b": {"z": 2}},
    ]


def test_which_keys_are_left_out_differs_by_row():
    own = pa.array(['{"a":1,"b":2}'] * 3)
    assert patched(own, {}, [[], ["a"], ["a", "b"]], np.array([2, 0, 1])).to_pylist() == [
        None,
        '{"a":1,"b":2}',
        '{"b":2}',
    ]


def test_what_is_no_object_is_kept_as_a_value():
    assert patched(pa.array(["[1]", "{oops", '{"a": null}']), {}).to_pylist() == [
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
    assert [len(column) for column in extract(none, [("a",)]).columns] == [0]
    assert len(elements(none).texts) == len(patched(none, {"a": none})) == 0
    assert len(objects(np.array([], np.int64), none, none, none)) == 0
    assert len(to_json(pa.table({"a": none}))) == 0
