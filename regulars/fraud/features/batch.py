"""All features of all attempts of a log at once, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.fraud.features import kernels
from regulars.fraud.features.declared import (
    LARGE,
    LONGEST,
    MEASURES,
    MOST_ROWS,
    RATIOS,
    Measure,
    Ratio,
    of_property,
)
from regulars.fraud.stream import KIND, LATEST, OWN, Ints, Stream

LABELS = {"label": ("fraud", "honest")}
"""Kinds that stand for several."""

Columns = dict[str, npt.NDArray[np.float32]]


def features(
    stream: Stream,
    asked: Ints | None = None,
    *,
    base_rate: float,
    measures: Sequence[Measure] | None = None,
    threads: int = 2,
) -> Columns:
    """What the past says of attempts: each looks at rows before it alone.

    Parameters
    ----------
    asked : rows of the stream that are attempts, ascending; default all.
    base_rate : share of frauds, which shares of few labels are drawn to.
    measures : default those that the stream says something of.

    Returns
    -------
    {name: (attempts,) float32}; durations in seconds, amounts in the shop's currency, NaN where unknown.
    """
    asked = stream.attempts if asked is None else asked
    measures = spoken_of(stream) if measures is None else measures
    needs_large = any("large" in measure.rows or "usual" in measure.rows for measure in measures)
    is_large = large(stream) if needs_large else np.zeros(0, bool)
    found: Columns = {measure.name: np.empty(len(asked), np.float32) for measure in measures}
    by_entity: dict[str, list[Measure]] = {}
    for measure in measures:
        by_entity.setdefault(measure.entity, []).append(measure)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda entity: _entity(stream, asked, entity, by_entity[entity], is_large, found), by_entity))
    found["amount"] = stream.amount[asked].astype(np.float32)
    own = [of_property(entity)[1] for entity in dict.fromkeys(m.entity for m in measures) if entity.startswith(OWN)]
    return with_ratios(found, base_rate, (*RATIOS, *own))


def spoken_of(stream: Stream, among: Iterable[Measure] = MEASURES) -> tuple[Measure, ...]:
    """The measures whose entity and rows the stream has at all."""
    has = {entity: bool((codes >= 0).any()) for entity, codes in stream.codes.items()}
    kinds = {name for name, number in KIND.items() if (stream.kind == number).any()}
    if kinds & {"fraud", "honest"}:
        kinds |= {"label", "large_fraud", "usual_fraud", "usual_label"}
    kinds |= {"large"}
    own = [measure for entity in stream.codes if entity.startswith(OWN) for measure in of_property(entity)[0]]
    return tuple(
        measure
        for measure in (*among, *own)
        if has.get(measure.entity) and measure.rows in kinds and (not measure.of or has.get(measure.of))
    )


def with_ratios(found: Columns, base_rate: float, ratios: Sequence[Ratio] = RATIOS) -> Columns:
    """With what follows from them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        for ratio in ratios:
            if ratio.above in found and ratio.below in found:
                below = found[ratio.below] + ratio.weight
                above = found[ratio.above] + base_rate * ratio.weight
                found[ratio.name] = np.where(below > 0, above / below, np.nan).astype(np.float32)
    return found


def large(stream: Stream) -> npt.NDArray[np.bool_]:
    """(n,) which rows are attempts of `LARGE` times what their customer is used to, or more."""
    is_large = np.zeros(len(stream), bool)
    if "customer" not in stream.codes:
        return is_large
    asked = stream.attempts
    count, total = (Measure("customer", "attempt", how, LONGEST) for how in ("count", "sum"))
    found: Columns = {each.name: np.empty(len(asked), np.float32) for each in (count, total)}
    _entity(stream, asked, "customer", (count, total), np.zeros(0, bool), found)
    mean = found[total.name] / np.maximum(found[count.name], 1)
    is_large[asked] = (found[count.name] > 0) & (stream.amount[asked].astype(np.float32) > np.float32(LARGE) * mean)
    return is_large


@dataclass
class Rows:
    """Rows of some kinds, by the value of an entity.

    Attributes
    ----------
    order : rows of the stream, each value's in order of time; starts : where each value's begin, and the end.
    time : of each, microseconds since 1970.
    gone : of each when it was taken back, `LATEST` of what stands; empty where all do.
    """

    order: Ints
    starts: Ints
    time: Ints
    gone: Ints


def _entity(
    stream: Stream,
    asked: Ints,
    entity: str,
    measures: Sequence[Measure],
    is_large: npt.NDArray[np.bool_],
    found: Columns,
) -> None:
    codes = stream.codes[entity]
    values = int(codes.max(initial=-1)) + 1
    place, starts = kernels.grouped(codes[asked], values)
    moments = stream.time[asked[place]]
    for measure in measures:
        found[measure.name][:] = np.nan
    rows: dict[str, Rows] = {}
    sums: dict[tuple[str, str], npt.NDArray[np.float64]] = {}
    for measure in measures:
        if measure.rows not in rows:
            rows[measure.rows] = rows_of(stream, codes, values, measure.rows, is_large)
        these = rows[measure.rows]
        out = found[measure.name]
        past = (these.time, these.starts, moments, starts, place)
        match measure.how:
            case "count" | "sum":
                key = (measure.rows, measure.how)
                if key not in sums:
                    added = stream.cents[these.order] if measure.how == "sum" else np.ones(len(these.order))
                    sums[key] = np.concatenate([[0.0], np.cumsum(added)])
                kernels.counted(*past, sums[key], measure.seconds, out)
                if measure.how == "sum":
                    out /= 100
                elif len(these.gone):
                    kernels.less_withdrawn(*past, these.gone, measure.seconds, out)
            case "distinct":
                kernels.distinct(*past, stream.codes[measure.of][these.order], measure.seconds, MOST_ROWS, out)
            case "decayed":
                kernels.fading(*past, these.gone, measure.seconds, out)
            case "first" | "last":
                kernels.since(*past, these.gone, measure.how == "first", out)
            case "run" | "run_since":
                is_fraud = stream.kind[these.order] == KIND["fraud"]
                tried = stream.time[stream.about[these.order]]
                kernels.run(*past, these.gone, is_fraud, tried, measure.how == "run", out)


def rows_of(
    stream: Stream, codes: npt.NDArray[np.int32], values: int, kind: str, is_large: npt.NDArray[np.bool_],
    *, standing: bool = False,
) -> Rows:  # fmt: skip
    """Rows of a kind, as `Measure.rows` names it, by the value of an entity (`codes`, below `values`).

    Parameters
    ----------
    standing : only those that nobody took back.
    """
    if kind == "large":
        those = np.flatnonzero(is_large)
    else:
        size, _, plain = kind.rpartition("_") if kind.startswith(("large_", "usual_")) else ("", "", kind)
        is_one = np.isin(stream.kind, [KIND[each] for each in LABELS.get(plain, (plain,))])
        if size:
            is_one &= (is_large[stream.about] == (size == "large")) | (stream.kind == KIND["honest"])
        those = np.flatnonzero(is_one)
    if standing:
        those = those[stream.withdrawn_at[those] == LATEST]
    order, starts = kernels.grouped(codes[those], values)
    order = those[order]
    gone = np.empty(0, np.int64) if stream.is_settled else stream.withdrawn_at[order]
    return Rows(order, starts, stream.time[order], gone)
