"""An experiment that was written down, as its results are read: its plan, who was exposed, and in which segment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from regulars.errors import InputError, NotEnoughError
from regulars.events.schema import TIME
from regulars.experiment import report
from regulars.experiment.analysis import Result, analyse
from regulars.experiment.exposure import exposures, jumps
from regulars.experiment.metrics import named
from regulars.experiment.plan import AnalysisPlan

if TYPE_CHECKING:
    from regulars.experiment.registry import Experiment
    from regulars.shop import Shop

GUARDED = 0.02
"""The largest relative loss of a guardrail that is agreed to, where nothing else is said."""


def results_of(
    shop: Shop, one: Experiment, as_of: datetime, *, metrics: Sequence[str] = (), margin: float = GUARDED, by: str = ""
) -> Result:
    """What an experiment found before a moment.

    Parameters
    ----------
    metrics : beside the primary one and the guardrails.
    margin : the largest relative loss of a guardrail that is agreed to.
    by : a column of the segment tables, for effects by segment; "" for none.

    Raises
    ------
    InputError
        If it has not started, no verdict was planned, or there is no such metric or column.
    NotEnoughError
        If there is nothing to read yet.
    """
    plan = _plan(one, margin)
    exposed = _exposed(shop, one.name, as_of)
    segments = _segments(shop, exposed, by, plan.starts_at) if by else None
    wanted = list(dict.fromkeys([plan.primary, *plan.guardrails, *metrics]))
    return analyse(shop, exposed, named(wanted), plan, as_of, segments=segments)


def figures_of(shop: Shop, one: Experiment) -> dict[str, Any]:
    """What an experiment's results say of the metrics that were planned, for its verdict; nothing where none were."""
    if not one.primary_metric or one.planned_days is None or one.started_at is None:
        return {}
    try:
        found = report.to_dict(results_of(shop, one, shop.now))
    except NotEnoughError:
        return {}
    return {name: found[name] for name in ("as_of", "counts", "counted", "blocked", "verdicts", "findings")}


def _plan(one: Experiment, margin: float) -> AnalysisPlan:

    if one.started_at is None:
        raise InputError(
            f'experiment "{one.name}" has not started: there is nothing to read. Start it: '
            f"regulars experiment start {one.name!r}"
        )
    if not one.primary_metric or one.planned_days is None:
        raise InputError(
            f'experiment "{one.name}" was written without {"a metric" if not one.primary_metric else "planned days"}: '
            "no verdict was planned. Create one with --metric revenue --days 28."
        )
    return AnalysisPlan(
        one.arms[0].name,
        {arm.name: arm.weight for arm in one.arms},
        one.started_at,
        one.planned_days,
        one.primary_metric,
        dict.fromkeys(one.guardrails, margin),
        customers=one.planned_customers or AnalysisPlan.customers,
    )


def _exposed(shop: Shop, name: str, moment: datetime) -> pa.Table:
    """First exposures, and a row for each arm of customers who met several: `analyse` leaves them out and counts."""

    firsts = exposures(shop, name, moment).select(["customer_id", "variant", "time"])
    several = jumps(shop, name, moment)
    row = pc.list_parent_indices(several["variants"])
    again = pa.table(
        {
            "customer_id": several["customer_id"].take(row),
            "variant": pc.list_flatten(several["variants"]),
            "time": several["time"].take(row),
        }
    )
    return pa.concat_tables([firsts, again.cast(firsts.schema)]).rename_columns(
        ["customer_id", "variant", "exposed_at"]
    )


def _segments(shop: Shop, exposed: pa.Table, column: str, moment: datetime) -> pa.Table:
    """In which segment customers were before the experiment began: what it changed must not choose its segments."""

    ids = exposed["customer_id"].unique()
    pairs = pa.table({"customer_id": ids, "as_of": pa.repeat(pa.scalar(moment, TIME), len(ids))})
    table = shop.tables.of("segment", pairs)
    if column not in table.column_names:
        raise InputError(f'segment has no column "{column}". There are: {", ".join(table.column_names)}.')
    return pa.table({"customer_id": table["customer_id"], "segment": table[column].cast(pa.string())})
