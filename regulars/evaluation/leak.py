"""Does anything computed as of a moment look at what came after? Change the future, and see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.schema import TYPES

_NEXT_TYPE = dict(zip(TYPES, [*list(TYPES)[1:], next(iter(TYPES))], strict=True))


@dataclass(frozen=True)
class Check:
    """Something that must hold before a report may be believed.

    Attributes
    ----------
    name : str
        What must hold, as a sentence without its full stop.
    passed : bool
        Whether it did.
    detail : str
        What was found; of a failed check, where.
    """

    name: str
    passed: bool
    detail: str


def scramble(events: ibis.Table, as_of: datetime) -> ibis.Table:
    """The same past with another future.

    Events before `as_of` are as they were. Each later one differs in every column (other customer,
    product, type, price, order, a later time) and comes twice, so that a bare count differs too.
    Nothing is random: the same log gives the same scrambled log.

    Parameters
    ----------
    events : ibis.Table
        Columns of `regulars.events.schema.EVENTS`, or some of them, `time` among them; others are
        changed by their type.
    as_of : datetime, with its time zone

    Returns
    -------
    ibis.Table
        An expression with the schema of `events`, in no order, for any engine.

    Raises
    ------
    ValueError
        If `as_of` has no time zone.
    TypeError
        If a column's type is neither text, number, truth value nor time.

    Examples
    --------
    >>> from datetime import UTC
    >>> april, may = datetime(2024, 4, 30, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)
    >>> events = ibis.memtable(pa.table({"time": [april, may], "customer_id": ["ada", "bob"]}))
    >>> sorted(scramble(events, may).to_pyarrow()["customer_id"].to_pylist())
    ['ada', 'not bob', 'still not bob']
    """
    if as_of.utcoffset() is None:
        raise ValueError(f"as_of is {as_of.isoformat()}, without a time zone; UTC is expected")
    moment = ibis.literal(as_of, type=events.time.type())
    future = events.filter(events.time >= moment)
    return ibis.union(
        events.filter(events.time < moment),
        future.mutate(**_other(future, prefix="not ", shift=1)),
        future.mutate(**_other(future, prefix="still not ", shift=2)),
    )


def leak_check(compute: Callable[[ibis.Table], pa.Table], events: ibis.Table, as_of: datetime) -> Check:
    """Is what `compute` gives as of a moment the same, whatever happens after it?

    The two tables are compared as sets of rows, since a table from an engine has no order: rows are
    sorted by their columns from left to right. All values must be equal; floats to nine digits,
    since an engine adds them up in any order and so rounds the last digits at will.

    Parameters
    ----------
    compute : function(events) -> pyarrow.Table
        Features as of `as_of`, with the moment already bound.
    events : ibis.Table
        The log, with events on both sides of `as_of`.
    as_of : datetime, with its time zone

    Returns
    -------
    Check
        Failed where anything differs (the detail names the first such column), and where there is no
        event at or after `as_of`: then nothing was tried.

    Examples
    --------
    >>> from datetime import UTC
    >>> april, may = datetime(2024, 4, 30, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)
    >>> events = ibis.memtable(pa.table({"time": [april, may], "customer_id": ["ada", "ada"]}))
    >>> def visits(events):
    ...     return events.group_by("customer_id").agg(visits=events.count()).to_pyarrow()
    >>> leak_check(visits, events, may).detail
    '1 row became 3 when the future was changed: which rows there are depends on it.'
    """
    name = "Nothing after the as-of time is used"
    scrambled = scramble(events, as_of)
    n_future = events.filter(events.time >= ibis.literal(as_of, type=events.time.type())).count().to_pyarrow()
    if not n_future.as_py():
        return Check(name, False, f"Not tried: the log has no event at or after {as_of:%Y-%m-%d %H:%M}.")
    difference = _first_difference(compute(events), compute(scrambled))
    if difference:
        return Check(name, False, difference)
    return Check(name, True, f"Every event from {as_of:%Y-%m-%d %H:%M} on was changed; no computed value changed.")


def _other(future: ibis.Table, prefix: str, shift: int) -> dict[str, ibis.Value]:
    """For each column, a value that the row does not hold: for a null as well, and of the same type."""
    # `type` becomes another known type and not a made-up one, so that code which asks for one kind of
    # event sees more of them, and not only fewer. Engines may parse JSON before they filter rows:
    # `properties` must stay JSON. And code may divide by a propensity.
    special: dict[str, Callable[[ibis.Value], ibis.Value]] = {
        "type": lambda value: value.substitute(_NEXT_TYPE, else_="order_completed"),
        "properties": lambda _: ibis.literal(f'{{"scrambled": {shift}}}'),
        "propensity": lambda value: value.fill_null(0.9) / (2 + shift),
    }
    return {
        name: (
            special[name](future[name]) if name in special else _other_of_type(name, future[name], prefix, shift)
        ).cast(future[name].type())
        for name in future.columns
    }


def _other_of_type(name: str, value: ibis.Value, prefix: str, shift: int) -> ibis.Value:
    kind = value.type()
    if isinstance(kind, dt.String):
        return ibis.literal(prefix).concat(value.fill_null("nothing"))
    if isinstance(kind, dt.Boolean):
        return ~value.fill_null(False)
    if isinstance(kind, dt.Timestamp):
        return value + ibis.interval(hours=41 * shift)
    if isinstance(kind, dt.Numeric):
        return value.fill_null(0) + 977 * shift
    raise TypeError(f'column "{name}" is of type {kind}; text, number, truth value or time is expected')


def _first_difference(actual: pa.Table, scrambled: pa.Table) -> str:
    """Where two tables differ, in words; empty when they do not."""
    if actual.schema.names != scrambled.schema.names:
        apart = sorted(set(actual.schema.names) ^ set(scrambled.schema.names))
        return f"The columns themselves depend on the future: {', '.join(apart)}."
    if len(actual) != len(scrambled):
        rows = "1 row" if len(actual) == 1 else f"{len(actual)} rows"
        return f"{rows} became {len(scrambled)} when the future was changed: which rows there are depends on it."
    actual, scrambled = _sorted_rows(actual), _sorted_rows(scrambled)
    for column in actual.schema.names:
        before, after = actual[column].combine_chunks(), scrambled[column].combine_chunks()
        if not _equal(before, after):
            return f'Column "{column}" changed when only events at or after the as-of time were changed.'
    return ""


def _sorted_rows(table: pa.Table) -> pa.Table:
    # Arrow sorts by plain values only; a list (a behaviour vector) moves along with its row's key.
    keys = [field.name for field in table.schema if not pa.types.is_nested(field.type)]
    return table.sort_by([(key, "ascending") for key in keys]) if keys else table


def _equal(before: pa.Array[Any], after: pa.Array[Any]) -> bool:
    if before.type != after.type or not before.is_null().equals(after.is_null()):
        return False
    if pa.types.is_floating(before.type):
        # Arrow holds NaN to differ from itself.
        return np.allclose(
            before.drop_null().to_numpy(), after.drop_null().to_numpy(), rtol=1e-9, atol=0, equal_nan=True
        )
    if pa.types.is_list(before.type) or pa.types.is_large_list(before.type) or pa.types.is_fixed_size_list(before.type):
        same_lengths = pc.list_value_length(before).equals(pc.list_value_length(after))
        return same_lengths and _equal(pc.list_flatten(before), pc.list_flatten(after))
    return bool(before.equals(after))
