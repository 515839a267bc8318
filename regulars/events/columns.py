"""What columns of a chunk say, whatever their encoding: texts come as dictionaries, and are looked at word by word."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.schema import MONEY

Mask = npt.NDArray[np.bool_]


def distinct_rows(columns: Sequence[pa.Array]) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Which rows are alike in all columns (dictionary-encoded, or codes): a code each, and its first row."""
    combined = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        codes = column.indices if pa.types.is_dictionary(column.type) else column
        numbers = codes.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
        if column is columns[0]:
            combined = numbers
        else:
            combined = combined * (int(numbers.max(initial=0)) + 1) + numbers
            # Dense again after each column: the product of three large dictionaries overflows.
            combined = pa.array(combined).dictionary_encode().indices.to_numpy().astype(np.int64)
    distinct = pa.array(combined).dictionary_encode()
    first = np.empty(len(distinct.dictionary), np.int64)
    indices = distinct.indices.to_numpy()
    first[indices[::-1]] = np.arange(len(combined) - 1, -1, -1)
    return distinct.indices, first


def is_null(values: pa.Array) -> Mask:
    """(n,) whether each is null, dictionary-encoded or not."""
    if pa.types.is_dictionary(values.type):
        missing = np.append(np.asarray(values.dictionary.is_null()), True)
        found: Mask = missing[np.asarray(values.indices.fill_null(len(values.dictionary)))]
        return found
    return np.asarray(values.is_null())


def is_any_of(values: pa.Array, words: Sequence[str]) -> Mask:
    """(n,) whether each is one of some words, dictionary-encoded or not."""
    if pa.types.is_dictionary(values.type):
        by_code = np.append(np.asarray(pc.is_in(values.dictionary, pa.array(words))), False)
        found: Mask = by_code[np.asarray(values.indices.fill_null(len(values.dictionary)))]
        return found
    return np.asarray(pc.is_in(values, pa.array(words)))


def is_negative(values: pa.Array) -> Mask:
    """(n,) whether each is below zero; not where it is null."""
    zero = pa.scalar(0, MONEY) if pa.types.is_decimal(values.type) else pa.scalar(0.0)
    return np.asarray(pc.fill_null(pc.less(values, zero), False))


def nothing(kind: pa.DataType, count: int) -> pa.Array:
    """A column of nulls: a slice of one that is made once, for most columns of most files are empty."""
    return _nulls(kind, 1 << max(count - 1, 0).bit_length()).slice(0, count)


@cache
def _nulls(kind: pa.DataType, count: int) -> pa.Array:
    return pa.nulls(count, kind)


def objects(cells: dict[str, pa.DictionaryArray]) -> pa.Array:
    """(n,) JSON objects of texts, keys in order; what is null is left out, and null where all is."""
    pairs = []
    for name in sorted(cells):
        texts = cells[name].dictionary
        quoted = pc.binary_join_element_wise("", texts, "", '"')
        is_odd = pc.match_substring_regex(texts, r'["\\\x00-\x1f]')
        if pc.any(is_odd).as_py():
            odd = [json.dumps(text, ensure_ascii=False) for text in texts.filter(is_odd).to_pylist()]
            quoted = pc.replace_with_mask(quoted, is_odd, pa.array(odd, pa.string()))
        pair = pc.binary_join_element_wise(f", {json.dumps(name, ensure_ascii=False)}: ", quoted, "")
        pairs.append(pair.take(cells[name].indices).fill_null(""))
    # Nulls cannot be skipped here: where all of a row are null, Arrow skips the row.
    inside = pc.binary_join_element_wise(*pairs, "")
    objects = pc.binary_join_element_wise("{", pc.utf8_slice_codeunits(inside, 2), "}", "")
    return pc.if_else(pc.equal(inside, ""), None, objects)
