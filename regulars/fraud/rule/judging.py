"""What rules and lists say of attempts, and what is to be done: for a table of them, or for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.fraud.rule.saved import ACTIONS, Action, Standing
from regulars.rules import Rule
from regulars.rules.arrays import TYPES
from regulars.rules.tree import Name, parts

Bools = npt.NDArray[np.bool_]


class Judgement(NamedTuple):
    """What is to be done with an attempt (None: no rule says), by which rules, and which in shadow are true of it."""

    action: Action | None
    hits: tuple[str, ...]
    shadow: tuple[str, ...]


def mask(rule: Rule, table: pa.Table) -> Bools:
    """(n,) of which attempts a rule is true; a column that the table does not have is unknown of all."""
    there = set(table.column_names)
    for part in parts(rule.tree):
        if isinstance(part, Name) and part.name not in there:
            there.add(part.name)
            table = table.append_column(part.name, pa.nulls(table.num_rows, TYPES[part.kind]))
    return rule.mask(table)


def judge(rules: Sequence[Standing], table: pa.Table) -> pa.Table:
    """What is to be done with attempts.

    Of several live rules that are true of one, the action that stands first in `saved.ACTIONS` wins.

    Parameters
    ----------
    rules : live and in shadow; those of lists are rules too.
    table : (n,) with the columns that they ask for.

    Returns
    -------
    (n,) action (null where no live rule is true), hits and shadow: lists of the names of rules that are true.

    Examples
    --------
    >>> from regulars.rules.tree import Kind
    >>> kinds = {"amount": Kind.NUMBER, "is_known": Kind.TRUTH}
    >>> dear, known = Rule.of("amount > 9", kinds), Rule.of("is_known", kinds)
    >>> table = pa.table({"amount": [5, 10, 20], "is_known": [False, False, True]})
    >>> judge([Standing("dear", "block", dear), Standing("known", "allow", known)], table).to_pydict()
    {'action': [None, 'block', 'allow'], 'hits': [[], ['dear'], ['dear', 'known']], 'shadow': [[], [], []]}
    """
    best = np.full(table.num_rows, len(ACTIONS), np.int8)
    of: dict[bool, list[tuple[int, npt.NDArray[np.int64]]]] = {True: [], False: []}
    for place, standing in enumerate(rules):
        rows = np.flatnonzero(mask(standing.rule, table))
        of[standing.is_live].append((place, rows))
        if standing.is_live:
            best[rows] = np.minimum(best[rows], ACTIONS.index(standing.action))
    names = pa.array([standing.name for standing in rules], pa.string())
    actions = pa.array([*ACTIONS, None], pa.string()).take(pa.array(best))
    hits, shadow = (_names(of[is_live], names, table.num_rows) for is_live in (True, False))
    return pa.table({"action": actions, "hits": hits, "shadow": shadow})


def _names(found: Sequence[tuple[int, npt.NDArray[np.int64]]], names: pa.Array, count: int) -> pa.ListArray:
    """(count,) for each row the names of the rules that are true of it, in their order."""
    row = np.concatenate([np.zeros(0, np.int64), *(rows for _, rows in found)])
    place = np.concatenate([np.zeros(0, np.int64), *(np.full(len(rows), place) for place, rows in found)])
    place = place[np.argsort(row, kind="stable")]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=count))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), names.take(pa.array(place)))


def judge_row(rules: Sequence[Standing], row: Mapping[str, Any]) -> Judgement:
    """The same of one attempt; a column that it does not have is unknown."""
    known = _Known(row)
    true = [standing for standing in rules if standing.rule.is_true(known)]
    live = [standing for standing in true if standing.is_live]
    action = min((standing.action for standing in live), key=ACTIONS.index, default=None)
    return Judgement(
        action,
        tuple(standing.name for standing in live),
        tuple(standing.name for standing in true if not standing.is_live),
    )


class _Known(dict[str, Any]):
    def __missing__(self, name: str) -> None:
        return None
