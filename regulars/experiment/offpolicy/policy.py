"""A policy that is written down as a table, or in a file: with which chance it would do what of whom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.errors import InputError
from regulars.events.sandbox import open_source
from regulars.experiment.offpolicy.decisions import Decided
from regulars.experiment.offpolicy.overlap import Floats

NEEDED = ("customer_id", "action", "propensity")
WHEN = "as_of"


def policy_of(path: Path) -> pa.Table:
    """A policy from a file, see `target_of`; as_of is as ISO 8601 writes it.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, or a chance or a time is none.
    """
    source = open_source(path)
    _require(source.headers, f"{path}: ")
    names = [*NEEDED, *([WHEN] if WHEN in source.headers else [])]
    pieces = [chunk().table for chunk in source.chunks(names)]
    table = pa.concat_tables([piece.select(names) for piece in pieces]).combine_chunks()
    kinds = {"propensity": pa.float64(), WHEN: pa.timestamp("us", "UTC")}
    for name in names:
        try:
            column = table[name].cast(pa.string()).cast(kinds.get(name, pa.string()))
        except pa.ArrowInvalid as error:
            said = str(error).partition(chr(10))[0]
            raise InputError(f"{path}: the column {name} cannot be read: {said}") from None
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def _require(columns: Sequence[str], where: str = "") -> None:
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise InputError(
            f"{where}the policy lacks the column {missing[0]}. Found: {', '.join(columns)}. "
            f"Needed: {', '.join(NEEDED)}, and {WHEN} if it changes with time."
        )


def target_of(found: Decided, policy: pa.Table) -> Floats:
    """(n, actions) the chances of a policy that is written down as a table.

    Parameters
    ----------
    policy : customer_id, action, propensity, and as_of where the same customer is decided upon differently at different
        times; an action that is not named has the chance 0.

    Raises
    ------
    InputError
        If a column is missing, a customer or an action of the log is not in it, or is in it twice.

    Examples
    --------
    >>> made = pa.table({"customer_id": ["ada", "bob"], "action": ["wait", "call"]})
    >>> rule = pa.table({"customer_id": ["bob", "ada", "ada"], "action": ["wait", "wait", "call"],
    ...                  "propensity": [1.0, 0.8, 0.2]})
    >>> target_of(Decided(made, ("call", "wait"), 0), rule)
    array([[0.2, 0.8],
           [0. , 1. ]])
    """
    _require(policy.column_names)
    keys = ["customer_id", WHEN] if WHEN in policy.column_names else ["customer_id"]
    strange = sorted(set(pc.unique(policy["action"]).to_pylist()) - set(found.actions), key=str)
    if strange:
        raise InputError(
            f'The policy does "{strange[0]}", which was never decided. There are: {", ".join(found.actions)}.'
        )
    given = policy.select([*keys, "action", "propensity"])
    for name in keys:
        given = given.set_column(given.column_names.index(name), name, given[name].cast(found.table[name].type))
    again = given.group_by([*keys, "action"]).aggregate([([], "count_all")])
    if (most := pc.max(again["count_all"]).as_py()) and most > 1:
        twice = again.filter(pc.equal(again["count_all"], most)).slice(0, 1).to_pylist()[0]
        raise InputError(
            f'The policy names "{twice["action"]}" of {twice["customer_id"]} {most} times. Once each is expected; '
            "add the column as_of if it changes with time."
        )
    rows = found.table.select(keys).append_column("row", pa.array(np.arange(found.table.num_rows)))
    met = rows.join(given, keys, join_type="inner")
    chances = np.zeros((found.table.num_rows, len(found.actions)))
    column = pc.index_in(met["action"].combine_chunks(), pa.array(found.actions, pa.string()))
    chances[met["row"].to_numpy(), column.to_numpy(zero_copy_only=False)] = met["propensity"].to_numpy()
    is_unknown = ~chances.any(axis=1)
    if is_unknown.any():
        first = found.table.slice(int(np.flatnonzero(is_unknown)[0]), 1).to_pylist()[0]
        raise InputError(
            f"The policy says nothing of {int(is_unknown.sum()):,} of {len(chances):,} decisions; the first is of "
            f"{', '.join(str(first[key]) for key in keys)}. Say of each what it would do."
        )
    return chances
