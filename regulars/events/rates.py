"""What a currency was worth in the shop's own, by day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.errors import InputError
from regulars.events.readers import Source
from regulars.events.schema import RATES, TIME
from regulars.events.timeformat import detect
from regulars.events.times import to_time
from regulars.events.values import to_number, to_text

DATES = ("date", "day", "time_period", "valid_from", "日期")
CURRENCIES = ("currency", "code", "iso", "货币", "币种")
WORTHS = ("rate", "value", "obs_value", "汇率")


def read(source: Source, currency: str, timezone: str) -> pa.Table:
    """The rates of a file, in the columns of `RATES`.

    Two shapes are known: one rate a row (date, currency, rate: what one of it is worth in the shop's
    currency), and the European Central Bank's, one day a row and one currency a column, which says how many
    of each one euro buys.

    Raises
    ------
    InputError
        If the file has neither shape, a date cannot be read, a rate is no number above zero, or the shop's own
        currency is not among the columns.
    """
    by_name = {header.strip().lower(): header for header in source.headers}
    date = next((by_name[name] for name in DATES if name in by_name), None)
    codes = [header for header in source.headers if re.fullmatch(r"\s*[A-Z]{3}\s*", header)]
    code = next((by_name[name] for name in CURRENCIES if name in by_name), None)
    worth = next((by_name[name] for name in WORTHS if name in by_name), None)
    if date is None or not (codes or (code and worth)):
        raise InputError(
            f"{source.path}: no rates of currencies. Columns: {', '.join(source.headers)}. Expected are date, "
            "currency and rate (what one of it is worth in the shop's currency), or a date and one column for each "
            "currency (how many of it one euro buys, as the European Central Bank gives them)."
        )
    wanted = [date, code, worth] if code and worth else [date, *codes]
    pieces = [chunk().table for chunk in source.chunks([name for name in wanted if name])]
    table = pa.concat_tables([piece.select(wanted) for piece in pieces]).combine_chunks()
    days = _days(source, table[date], timezone)
    if code and worth:
        texts = pc.utf8_upper(_texts(table[code]))
        return _checked(source, days, texts, _numbers(source, table[worth]))
    per_euro = {name.strip(): _numbers(source, table[name]) for name in codes} | {"EUR": np.ones(table.num_rows)}
    if currency not in per_euro:
        raise InputError(f"{source.path}: no column {currency}, the shop's own currency. Found: {', '.join(codes)}.")
    foreign = [name for name in per_euro if name != currency]
    rates = [per_euro[currency] / per_euro[name] for name in foreign]
    return _checked(
        source,
        pa.concat_arrays([days] * len(foreign)),
        pa.array(np.repeat(foreign, table.num_rows)),
        np.concatenate([np.empty(0), *rates]),
    )


def _texts(column: pa.ChunkedArray) -> pa.Array:
    return to_text(column.combine_chunks().cast(pa.string())).values


def _days(source: Source, column: pa.ChunkedArray, timezone: str) -> pa.Array:
    texts = _texts(column)
    form = detect([text for text in texts.to_pylist() if text], month_first=False)
    days = to_time(texts, form.format if form else "", timezone).values
    if days.null_count:
        row = np.flatnonzero(np.asarray(days.is_null()))[0]
        raise InputError(f"{source.path}, row {row + 1} of the data: {texts[row].as_py()!r} is no date.")
    return days


def _numbers(source: Source, column: pa.ChunkedArray) -> Any:
    values, unreadable = to_number(column.combine_chunks().cast(pa.string()))
    if pc.any(unreadable).as_py():
        row = np.flatnonzero(np.asarray(unreadable))[0]
        raise InputError(f"{source.path}, row {row + 1} of the data: {column[row].as_py()!r} is no rate.")
    return values.to_numpy(zero_copy_only=False).astype(float)


def _checked(source: Source, days: pa.Array, codes: pa.Array, rates: Any) -> pa.Table:
    is_known = ~np.isnan(rates)  # the bank gives N/A where a currency had no rate
    if (rates[is_known] <= 0).any():
        raise InputError(f"{source.path}: a rate is zero or less. Each must be above zero.")
    table = pa.table([codes, pa.array(rates), days.cast(TIME)], schema=RATES)
    return table.filter(pa.array(is_known))


def merge(known: pa.Table | None, said: Sequence[pa.Table]) -> pa.Table | None:
    """The rates with further ones, of which the last said of a day holds; None if they say nothing new.

    >>> day = pa.array([0], TIME)
    >>> old = pa.table([["USD"], [0.9], day], schema=RATES)
    >>> merge(old, [pa.table([["USD"], [0.8], day], schema=RATES)])["rate"].to_pylist()
    [0.8]
    >>> merge(old, [old]) is None
    True
    """
    rows = pa.concat_tables([RATES.empty_table() if known is None else known, *said])
    merged = rows.group_by(["currency", "valid_from"], use_threads=False).aggregate([("rate", "last")])
    merged = merged.rename_columns({"rate_last": "rate"}).select(RATES.names).cast(RATES)
    merged = merged.sort_by([("currency", "ascending"), ("valid_from", "ascending")])
    return None if known is not None and merged.equals(known) else merged


def in_currency(events: ibis.Table, rates: ibis.Table, currency: str) -> ibis.Table:
    """Events with prices in one currency, at the newest rate of each event's own time; unknown where there is none.

    The quantity, and all else, stay. A price whose currency has no rate before the event is null: it counts as
    unknown, never as if it were in the shop's currency.
    """
    # Logs of earlier versions hold some in small letters.
    events = events.mutate(currency=events.currency.upper())
    own = events.filter(events.currency.isnull() | (events.currency == currency))
    foreign = events.filter(events.currency != currency)
    known = rates.select(of="currency", rate="rate", valid_from="valid_from")
    priced = foreign.asof_join(known, foreign.time >= known.valid_from, predicates=foreign.currency == known.of)
    price = (priced.unit_price.cast("float64") * priced.rate).round(4).cast(events.unit_price.type())
    converted = priced.mutate(unit_price=price, currency=ibis.literal(currency))
    return own.union(converted.select(own.columns))
