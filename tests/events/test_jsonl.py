"""JSON lines: dotted columns, and lines that are no object."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from regulars.errors import InputError
from regulars.events.readers import WHOLE, jsonl, open_source


def read(folder, *lines, columns=None, data=None):
    path = folder / "web.jsonl"
    path.write_bytes("\n".join(lines).encode() if data is None else data)
    source = open_source(path)
    raw = [chunk() for chunk in source.chunks(columns or source.headers)]
    rows = [row for each in raw for row in zip(each.lines.tolist(), each.table.to_pylist(), strict=True)]
    return rows, [(r.line, r.reason) for each in raw for r in each.rejects]


@pytest.fixture(params=[1, 16, 1 << 20])
def _piece_bytes(request, monkeypatch):
    monkeypatch.setattr(jsonl, "CHUNK_BYTES", request.param)


@pytest.mark.usefixtures("_piece_bytes")
def test_rows_with_their_lines_over_blank_ones(tmp_path):
    rows, rejects = read(tmp_path, '{"a": 1, "in": {"b": "x"}}', "", '{"a": null, "in": {"b": [1, 2]}}', '{"a": true}')
    assert rows == [
        (1, {"a": "1", "in.b": "x"}),
        (3, {"a": None, "in.b": "[1,2]"}),
        (4, {"a": "true", "in.b": None}),
    ]
    assert rejects == []


@pytest.mark.usefixtures("_piece_bytes")
@pytest.mark.parametrize(
    "line",
    [
        "[1]",
        '{"a": 1',
        "3",
        "nonsense",
        '{"a": "\\ud800"}',
        "[" * 100_000,
        '{"a": 1, "a": 2}',
        '{"a": ' + "[" * 600 + "]" * 600 + "}",
    ],
)
def test_a_line_that_is_no_object_is_refused_alone(tmp_path, line):
    rows, rejects = read(tmp_path, '{"a": "1"}', line, '{"a": "\\ud83c\\udf75"}')
    assert rows == [(1, {"a": "1"}), (3, {"a": "🍵"})]
    assert [place for place, _ in rejects] == [2]


def test_a_line_that_is_not_utf8_is_refused_alone(tmp_path):
    data = b'{"a": "' + "茶".encode() * 20 + b'"}\n{"a": "\xff"}\n{"a": "3"}'
    rows, rejects = read(tmp_path, data=data)
    assert [line for line, _ in rows] == [1, 3]
    assert [line for line, _ in rejects] == [2]


def test_a_number_on_one_line_and_a_text_on_another_are_both_read(tmp_path):
    assert [row["a"] for _, row in read(tmp_path, '{"a": 17850}', '{"a": "C1"}', '{"a": 1e2}')[0]] == [
        "17850",
        "C1",
        "100.0",
    ]


def test_a_field_that_first_comes_late_can_be_asked_for(tmp_path):
    lines = ['{"a": 1}'] * 2000 + ['{"a": 2, "late": "x"}']
    rows, _ = read(tmp_path, *lines, columns=["a", "late"])
    assert rows[-1] == (2001, {"a": "2", "late": "x"})


def test_an_object_where_others_have_a_value_is_none(tmp_path):
    lines = ['{"a": 1}', '{"a": {"b": 2}}', '{"a": "{b}"}', '{"a": "{}"}', '{"a.b": 3}']
    assert [(row["a"], row["a.b"]) for _, row in read(tmp_path, *lines)[0]] == [
        ("1", None),
        (None, "2"),
        ("{b}", None),
        ("{}", None),
        (None, "3"),
    ]


def test_a_key_that_stands_twice_in_an_object_that_is_read_is_refused_and_elsewhere_not(tmp_path):
    lines = ['{"a": {"b": 1}, "c": {"d": 2}}', '{"a": {"b": 1, "b": 2}}', '{"a": {"b": 1}, "c": {"d": 2, "d": 3}}']
    rows, rejects = read(tmp_path, *lines, columns=["a.b"])
    assert [line for line, _ in rows] == [1, 3]
    assert rejects == [(2, 'the key "b" stands twice in one object')]


def flat(found, before=()):
    """What each field of an object is, as Python reads it."""
    for name, value in found.items():
        if isinstance(value, dict):
            yield from flat(value, (*before, name))
        else:
            yield ".".join((*before, name)), value


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.text(),
    st.floats(-1e15, 1e15).map(lambda x: round(x, 4)),
)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0."), min_size=1, max_size=5)
OBJECTS = st.dictionaries(NAMES, st.recursive(SCALARS, lambda inside: st.dictionaries(NAMES, inside, max_size=3)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(OBJECTS.filter(bool), min_size=1, max_size=5), st.booleans())
def test_each_cell_is_what_stands_in_its_line(tmp_path, objects, in_ascii):
    wanted = [dict(flat(found)) for found in objects]
    assume(any(wanted))
    rows, rejects = read(tmp_path, *(json.dumps(found, ensure_ascii=in_ascii) for found in objects))
    assert rejects == []
    for (_, row), cells in zip(rows, wanted, strict=True):
        for name, text in row.items():
            value = cells.get(name)
            assert (
                text == value if value is None or isinstance(value, str) else json.loads(text) == pytest.approx(value)
            )


def test_a_field_that_never_comes_is_named_with_those_that_do(tmp_path):
    with pytest.raises(InputError, match=r'no column "c"\. Found: a, b'):
        read(tmp_path, '{"a": 1, "b": 2}', columns=["a", "c"])


def test_a_json_array_is_told_how_to_become_lines(tmp_path):
    path = tmp_path / "web.json"
    path.write_text(json.dumps([{"a": 1}], indent=1))
    with pytest.raises(InputError, match=r"line 1: .*JSON array: jq -c '\.\[\]'"):
        open_source(path)


def test_a_line_without_end_is_refused_and_not_kept_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(jsonl, "LONGEST_ROW", 5000)
    rows, rejects = read(tmp_path, '{"a": 1}', '{"a": "' + "x" * 50_000 + '"}', '{"a": 3}')
    assert [line for line, _ in rows] == [1, 3]
    assert [line for line, _ in rejects] == [2]


@pytest.mark.parametrize("size", [1, 16, 1 << 20])
def test_whole_lines_stand_as_they_are_with_their_places(tmp_path, monkeypatch, size):
    monkeypatch.setattr(jsonl, "CHUNK_BYTES", size)
    data = b'{"a": 1}\r\n\n  \n[2\n{"b": "\xff"}\n{"a": "' + "茶".encode() * 30 + b'"}'
    rows, rejects = read(tmp_path, columns=[WHOLE], data=data)
    assert [(line, row[WHOLE].strip()) for line, row in rows] == [
        (1, '{"a": 1}'),
        (4, "[2"),
        (6, '{"a": "' + "茶" * 30 + '"}'),
    ]
    assert [line for line, _ in rejects] == [5]
