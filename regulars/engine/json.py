"""JSON in columns: many texts read at once, by many paths, without a loop over rows."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["DEEPEST", "Elements", "Extracted", "Field", "elements", "extract", "kinds", "objects", "patched", "to_json"]

Field = tuple[str, ...]
"""A field, by the names of the objects that it is inside of, and its own; () for the whole."""

DEEPEST = 500
"""Objects nested deeper than this are refused: whoever reads them later by recursion would fall over them."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_local = threading.local()


class Extracted(NamedTuple):
    """What stands at some paths of JSON objects.

    Attributes
    ----------
    columns : for each path an array of text, null where nothing or null stands; a list or object as JSON.
    problems : {row: why it cannot be read}; in such a row all columns are null.
    shape : (n,) a number for each row, -1 if it cannot be read: rows of one number have the same keys in all objects.
    keys : for each number the keys of each of the objects, None where there is no such object.
    """

    columns: list[pa.Array]
    problems: dict[int, str]
    shape: npt.NDArray[np.int64]
    keys: list[list[list[str] | None]]


class Elements(NamedTuple):
    """The elements of JSON arrays, one after the other.

    Attributes
    ----------
    counts : (n,) how many each array has.
    texts : the elements, each as JSON.
    """

    counts: npt.NDArray[np.int64]
    texts: pa.Array


def extract(texts: pa.Array, paths: Sequence[Field], objects: Sequence[Field] = ((),)) -> Extracted:
    """The text at each path of JSON objects.

    A row cannot be read if it is no JSON object, is nested deeper than `DEEPEST`, or if one of the
    objects that are looked into has a key twice: which of the two is meant, nobody can tell.

    Parameters
    ----------
    texts : (n,) text.
    paths : what to read; at least one.
    objects : paths of the objects whose keys must be distinct.

    Examples
    --------
    >>> found = extract(pa.array(['{"a": {"b": 1.5}}', '{"a": 1, "a": 2}', "[1]"]), [("a", "b")])
    >>> found.columns[0].to_pylist()
    ['1.5', None, None]
    >>> found.problems
    {1: 'the key "a" stands twice in one object', 2: 'not a JSON object: a list or a value by itself'}
    """
    deep = _too_deep(texts)
    if len(deep):
        is_deep = np.zeros(len(texts), bool)
        is_deep[deep] = True
        texts = pc.if_else(pa.array(is_deep), None, texts)
    found = _run(
        "SELECT regexp_matches(t, '^[ \\t\\r\\n]*\\{') AND k[1] IS NOT NULL AS is_object, "  # noqa: S608
        f"to_json(k)::VARCHAR AS k FROM (SELECT t, TRY(json_keys(t, {_pointers(objects)})) AS k FROM input)",
        {"t": texts},
    )
    keys = found["k"].combine_chunks().dictionary_encode()
    names = [json.loads(text) for text in keys.dictionary.to_pylist()]
    problems = _repeated(keys.indices, names)
    is_broken = ~np.asarray(found["is_object"].combine_chunks().fill_null(False))
    for row in np.flatnonzero(is_broken).tolist():
        problems[row] = _why_not(texts[row].as_py())
    for row in deep.tolist():
        problems[row] = f"nested deeper than {DEEPEST}"
    if problems:
        is_good = np.ones(len(texts), bool)
        is_good[list(problems)] = False
        texts = pc.if_else(pa.array(is_good), texts, None)
    shape = keys.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Extracted(_columns(texts, paths, _Names(objects, names)), dict(sorted(problems.items())), shape, names)


def kinds(texts: pa.Array, at: Field) -> pa.Array:
    """What stands at a path of JSON texts: "OBJECT", "ARRAY", "VARCHAR", …; null for nothing.

    >>> kinds(pa.array(['{"a": {}}', '{"a": "{}"}', "{}"]), ("a",)).to_pylist()
    ['OBJECT', 'VARCHAR', None]
    """
    return _text(_run(f"SELECT TRY(json_type(t, {_pointers([at])}[1])) AS k FROM input", {"t": texts})["k"])  # noqa: S608


def elements(texts: pa.Array) -> Elements:
    """The elements of JSON arrays; nothing of what is no array.

    >>> found = elements(pa.array(['[{"a": 1}, "b"]', None, "[]"]))
    >>> found.counts.tolist(), found.texts.to_pylist()
    ([2, 0, 0], ['{"a":1}', '"b"'])
    """
    found = _run("SELECT TRY(json_extract(t, '$[*]'))::VARCHAR[] AS e FROM input", {"t": texts})["e"].combine_chunks()
    counts = np.asarray(pc.fill_null(pc.list_value_length(found), 0)).astype(np.int64)
    return Elements(counts, _text(found.flatten()))


def patched(
    objects: pa.Array,
    adding: Mapping[str, pa.Array],
    without: Sequence[Collection[str]] = ((),),
    which: npt.NDArray[np.int64] | None = None,
) -> pa.Array:
    """JSON objects without some keys and with others; null where nothing is left.

    Parameters
    ----------
    objects : (n,) text; null counts as {}, and what is no object as {"value": it}.
    adding : {key: (n,) text, or JSON where the key ends in "{}"}; where that is null, the key is left out.
    without : sets of keys to leave out.
    which : (n,) of which set, by its place in `without`; the first if left out.

    Examples
    --------
    >>> objects = pa.array(['{"a": 1, "b": 2}', '{"a": 1}', None])
    >>> patched(objects, {"c": pa.array(["x", None, None])}, [["a"]]).to_pylist()
    ['{"b":2,"c":"x"}', None, None]
    """
    values = {f"v{number}": values for number, values in enumerate(adding.values()) if values.null_count < len(values)}
    names = [key.removesuffix("{}") for key in adding]
    # What is added is written behind what is left, as text: an object of it would be built, and read again.
    pairs = [
        f"{_quoted(json.dumps(name) + ':')} || "
        + (f"v{number}" if key.endswith("{}") else f"to_json(v{number})::VARCHAR")
        for number, (key, name) in enumerate(zip(adding, names, strict=True))
        if f"v{number}" in values
    ]
    patches = _listed(json.dumps(dict.fromkeys([*keys, *names])) for keys in without)
    found = _run(
        "SELECT CASE WHEN a = '' THEN nullif(o, '{}') WHEN o = '{}' THEN '{' || a || '}' "  # noqa: S608
        "ELSE left(o, -1) || ',' || a || '}' END AS o FROM (SELECT CASE WHEN t IS NULL THEN '{}' ELSE json_merge_patch("
        "CASE WHEN TRY(json_type(t)) = 'OBJECT' THEN t ELSE json_object('value', t) END, "
        f"{patches}[w + 1])::VARCHAR END AS o, concat_ws(',', {', '.join([*pairs, 'NULL'])}) AS a FROM input)",
        {"t": objects, "w": np.zeros(len(objects), np.int64) if which is None else which, **values},
    )
    return _text(found["o"])


def objects(counts: npt.NDArray[np.int64], keys: pa.Array, texts: pa.Array, numbers: pa.Array) -> pa.Array:
    """JSON objects out of pairs; null where there is none.

    Parameters
    ----------
    counts : (n,) how many pairs each object has.
    keys : (pairs,) text; a pair whose key is null is left out.
    texts, numbers : (pairs,) text; the value is the text where there is one, else the number as it is written.

    Examples
    --------
    >>> keys, texts, numbers = pa.array(["a", "b", "c"]), pa.array(["x", None, None]), pa.array([None, "1", None])
    >>> objects(np.array([2, 0, 1]), keys, texts, numbers).to_pylist()
    ['{"a":"x","b":1}', None, '{"c":null}']
    """
    pairs = _run(
        "SELECT to_json(k)::VARCHAR || ':' || coalesce(to_json(t)::VARCHAR, n, 'null') AS p FROM input",
        {"k": keys, "t": texts, "n": numbers},
    )
    pairs = _text(pairs["p"])
    is_kept = np.asarray(pc.is_valid(pairs))  # null where the key is
    kept = np.add.reduceat(np.append(is_kept, False).astype(np.int64), np.cumsum(counts) - counts) * (counts > 0)
    offsets = pa.array(np.concatenate([[0], np.cumsum(kept)]).astype(np.int32))
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, pairs.filter(pa.array(is_kept))), ",")
    return pc.if_else(pa.array(kept > 0), pc.binary_join_element_wise("{", joined, "}", ""), None)


def to_json(rows: pa.Table) -> pa.Array:
    """Each row of a table as a JSON object, nested columns and all.

    >>> to_json(pa.table({"a": [1], "b": [[{"c": "x"}]]})).to_pylist()
    ['{"a":1,"b":[{"c":"x"}]}']
    """
    return _text(_run("SELECT to_json(input)::VARCHAR AS o FROM input", rows)["o"])


def _run(query: str, columns: pa.Table | Mapping[str, pa.Array | npt.NDArray[np.int64]]) -> pa.Table:
    # A connection for each thread: pieces of a file are read side by side, each by one core.
    connection = getattr(_local, "connection", None)
    if connection is None:
        import duckdb  # noqa: PLC0415  (most files are no JSON, and the process that reads them starts sooner)

        connection = _local.connection = duckdb.connect(config={"threads": 1})
    connection.register("input", columns if isinstance(columns, pa.Table) else pa.table(dict(columns)))
    try:
        return connection.sql(query).to_arrow_table()
    finally:
        connection.unregister("input")


def _text(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.cast(pa.string())


class _Names:
    """The names of fields that stand in some objects, of any row."""

    def __init__(self, objects: Sequence[Field], distinct: Sequence[Sequence[Sequence[str] | None]]) -> None:
        self._of = {
            path: {name for lists in distinct for name in lists[place] or ()} for place, path in enumerate(objects)
        }

    def may_hold(self, path: Field) -> bool:
        """Whether anything may stand at a path."""
        steps = ((path[:depth], name) for depth, name in enumerate(path))
        return all(name in self._of.get(parent, (name,)) for parent, name in steps)


def _columns(texts: pa.Array, paths: Sequence[Field], names: _Names) -> list[pa.Array]:
    # Files hold few of the fields that there may be: each path costs as much as if it were there.
    asked = [path for path in dict.fromkeys(paths) if names.may_hold(path)]
    nothing = pa.nulls(len(texts), pa.string())
    if not asked:
        return [nothing] * len(paths)
    columns = ", ".join(f"x[{number}] AS c{number}" for number in range(1, len(asked) + 1))
    found = _run(
        f"SELECT {columns} FROM (SELECT json_extract_string(t, {_pointers(asked)}) AS x FROM input)",  # noqa: S608
        {"t": texts},
    )
    read = {path: _text(found[f"c{number}"]) for number, path in enumerate(asked, 1)}
    return [read.get(path, nothing) for path in paths]


def _pointers(paths: Sequence[Field]) -> str:
    escaped = (["", *(name.replace("~", "~0").replace("/", "~1") for name in path)] for path in paths)
    return _listed("/".join(names) or "$" for names in escaped)


def _listed(texts: Iterable[str]) -> str:
    return "[" + ", ".join(map(_quoted, texts)) + "]"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _repeated(codes: pa.Array, distinct: Sequence[Sequence[Sequence[str] | None]]) -> dict[int, str]:
    """Rows with a key twice in one object. Events of one kind have the same keys: each list is looked at once."""
    twice = {}
    for code, lists in enumerate(distinct):
        for names in lists:
            if names and len(set(names)) < len(names):
                repeated = next(name for name in names if names.count(name) > 1)
                twice[code] = f'the key "{repeated}" stands twice in one object'
                break
    if not twice:
        return {}
    found = codes.fill_null(-1).to_numpy(zero_copy_only=False)
    return {row: twice[found[row]] for row in np.flatnonzero(np.isin(found, list(twice))).tolist()}


def _why_not(text: str | None) -> str:
    try:
        found = json.loads(text or "")
    except (ValueError, RecursionError) as error:
        return f"not a JSON object: {error}"
    if isinstance(found, dict):
        return "not a JSON object: half of a surrogate pair, which is no text"
    return "not a JSON object: a list or a value by itself"


def _too_deep(texts: pa.Array) -> npt.NDArray[np.int64]:
    """Rows nested deeper than `DEEPEST`; only the few with so many brackets are looked at one by one."""
    _, offsets_buffer, data = texts.buffers()
    if data is None:
        return np.empty(0, np.int64)
    offsets = np.frombuffer(offsets_buffer, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if np.diff(offsets).max(initial=0) < 2 * DEEPEST:
        return np.empty(0, np.int64)
    # "[" and "{" differ in one bit.
    brackets = np.flatnonzero((np.frombuffer(data, np.uint8) & 0b1101_1111) == ord("["))
    suspects = np.flatnonzero(np.diff(np.searchsorted(brackets, offsets)) > DEEPEST)
    return np.array([row for row in suspects.tolist() if _depth(texts[row].as_py() or "") > DEEPEST], np.int64)


def _depth(text: str) -> int:
    codes = np.frombuffer(_STRING.sub("", text).encode("utf-8", "replace"), np.uint8)
    opens = np.isin(codes, np.frombuffer(b"{[", np.uint8)).astype(np.int64)
    closes = np.isin(codes, np.frombuffer(b"}]", np.uint8))
    return int(np.cumsum(opens - closes).max(initial=0))
