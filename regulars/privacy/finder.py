"""Where a customer is named: in tables, texts and bytes."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

LEAST = 5
"""A text of fewer characters may stand anywhere by chance (42, tea): it counts only where a customer is expected."""
TERMS_AT_ONCE = 200
"""In one pattern: more would outgrow what the engine of patterns keeps."""
ERASED = "erased"

OF_CUSTOMERS = re.compile(r"customer|anonymous|visitor|^(other_)?ids?$", re.IGNORECASE)
"""Names of columns that hold ids of customers."""
# A term ends where letters and digits do, or where JSON has escaped what stands beside it.
_BEFORE, _AFTER = r'(^|[^0-9A-Za-z]|\\[nrtbf"/]|\\u[0-9a-fA-F]{4})', r"($|[^0-9A-Za-z])"
_IN_JSON = r'("[A-Za-z_]*(?:customer|anonymous|visitor|user)[A-Za-z_]*" ?: ?")'

Mask = npt.NDArray[np.bool_]


class Finder:
    """Finds some customers.

    Parameters
    ----------
    ids : of the customers, all of them.
    texts : what else is theirs alone: numbers of orders, addresses, words.

    Examples
    --------
    >>> finder = Finder(["42", "ada@tea.example"])
    >>> rows = pa.table({"customer_id": ["42", "7", "8"], "note": ["", "asked ada@tea.example", "42 cups"]})
    >>> finder.rows(rows).tolist()
    [True, True, False]
    >>> finder.is_in(b'{"customer_id": "42"}'), finder.is_in(b"42")
    (True, False)
    >>> finder.redacted('{"from": "ada@tea.example"}')
    '{"from": "erased"}'
    """

    def __init__(self, ids: Iterable[str], texts: Iterable[str] = ()) -> None:
        self.ids = sorted(set(ids))
        long = sorted({each for each in {*self.ids, *texts} if len(each.strip()) >= LEAST})
        self.terms = long
        short = [each for each in self.ids if len(each.strip()) < LEAST]
        self._patterns = [
            *(f"{_BEFORE}(?:{'|'.join(part)}){_AFTER}" for part in _parts(sorted(set(map(re.escape, _written(long)))))),
            *(f'{_IN_JSON}(?:{"|".join(part)})(")' for part in _parts(sorted(map(re.escape, short)))),
        ]
        self._own = pa.array(self.ids, pa.string())

    def rows(self, table: pa.Table) -> Mask:
        """Which rows name one of the customers, in any column."""
        found = np.zeros(table.num_rows, bool)
        for name in table.column_names:
            found |= self.cells(table[name], is_customer=bool(OF_CUSTOMERS.search(name)))
        return found

    def cells(self, column: pa.ChunkedArray, *, is_customer: bool = False) -> Mask:
        """Which cells name one of them; lists and structures are looked into.

        Parameters
        ----------
        is_customer : whether the column is one of ids of customers.
        """
        kind = column.type
        if pa.types.is_dictionary(kind):
            return self.cells(column.cast(kind.value_type), is_customer=is_customer)
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return self._texts(column, is_customer=is_customer)
        if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_struct(kind) or pa.types.is_map(kind):
            written = [json.dumps(value, ensure_ascii=False, default=str) for value in column.to_pylist()]
            found = self._texts(pa.chunked_array([pa.array(written, pa.string())]), is_customer=False)
            if is_customer and pa.types.is_list(kind):
                parents = pc.list_parent_indices(column.combine_chunks())
                held = np.asarray(pc.fill_null(pc.is_in(column.combine_chunks().flatten(), self._own), False))
                found[np.asarray(parents)[held]] = True
            return found
        return np.zeros(len(column), bool)

    def is_in(self, data: bytes) -> bool:
        """Whether bytes name one of them."""
        one = pa.array([data], pa.large_binary())
        return any(pc.match_substring_regex(one, pattern.encode()).to_pylist()[0] for pattern in self._patterns)

    def redacted(self, text: str) -> str:
        """A text with `erased` in the place of each name."""
        return str(self.redacted_column(pa.chunked_array([pa.array([text])]))[0].as_py())

    def redacted_column(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Texts with `erased` in the place of each name."""
        for pattern in self._patterns:
            # Twice, for two names may share what stands between them.
            for _ in range(2):
                column = pc.replace_substring_regex(column, pattern, rf"\1{ERASED}\2")
        return column

    def _texts(self, column: pa.ChunkedArray, *, is_customer: bool) -> Mask:
        found = np.zeros(len(column), bool)
        if is_customer and len(self._own):
            found |= _filled(pc.is_in(column, self._own))
        for pattern in self._patterns:
            found |= _filled(pc.match_substring_regex(column, pattern))
        return found


def _filled(column: pa.ChunkedArray) -> Mask:
    return np.asarray(pc.fill_null(column, False))


def _written(terms: Iterable[str]) -> Iterator[str]:
    """Each term, and how JSON, HTML and addresses of the web write it."""
    for term in terms:
        yield term
        yield json.dumps(term)[1:-1]
        yield json.dumps(term, ensure_ascii=False)[1:-1]
        yield html.escape(term)
        yield html.escape(term, quote=False)
        yield quote(term, safe="")


def _parts(patterns: list[str]) -> Iterator[list[str]]:
    return (patterns[start : start + TERMS_AT_ONCE] for start in range(0, len(patterns), TERMS_AT_ONCE))
