"""Subscriptions: who subscribes since when, how long they last, who will end at the next renewal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pyarrow as pa
from altair.typing import ChartType

from regulars.churn.dataset import Floats
from regulars.churn.subscriptions.kaplan_meier import KaplanMeier
from regulars.churn.subscriptions.renewals import AHEAD, Renewals, Running, profiles
from regulars.churn.subscriptions.spells import Spells, exist, spells
from regulars.errors import NotEnoughError
from regulars.evaluation import (
    Split,
    Table,
    UndefinedMetricError,
    auroc_score,
    brier_loss,
    compare,
    expected_calibration_error,
    palette,
)

if TYPE_CHECKING:
    from regulars.shop import Shop

LEAST_SPELLS, LEAST_ENDED, LEAST_DAYS = 20, 5, 2
"""So many subscriptions from their start on, so many of them over, on so many days: else nothing is told of how long
they last."""
LEAST_JUDGED = 10
"""So many must have ended, and so many been renewed, for a figure of how good the chance is."""
MOST_GROUPS = 5
AFTER = (30, 90, 365)
"""Days after which it is said how many are left."""
COLOURS = (palette.MODEL, palette.BASELINE, palette.GOOD, palette.BAD, palette.NEUTRAL)
MEANINGS = {
    "customer_id": ("whose", "text"),
    "subscription_id": ("which of the customer's, where events name it", "text"),
    "spell": ("which of the subscription: each begins anew after a gap", "count"),
    "plan": ("the plan, else the product", "text"),
    "period_days": ("days that are paid for at a time", "days"),
    "started_at": ("when the spell began", "time"),
    "ended_at": ("when it ended; absent while it runs", "time"),
    "ended_by": ("cancelled, lapsed or paused; absent while it runs", "text"),
    "days": ("how long it ran, or is known to have run", "days"),
    "renewals": ("how often it was renewed", "count"),
    "gap_days": ("days since the spell before it ended", "days"),
    "is_start_known": ("whether its start stands in the log", "yes or no"),
    "cohort": ("month of the subscription's first start", "text"),
    "leave_probability": ("chance to end at the next renewal", "share"),
    "renewal_in_days": ("days until the next renewal; below 0 if it is overdue", "days"),
    "kept_3": ("chance to be renewed three times more", "share"),
    "kept_6": ("chance to be renewed six times more", "share"),
    f"kept_{AHEAD}": ("chance to be renewed twelve times more", "share"),
    "expected_months": ("months that it is expected to go on", "months"),
}
"""The columns of `subscriptions`: what each means, and its unit."""

Shown = tuple[dict[str, ChartType], dict[str, Table], tuple[str, ...]]


def subscriptions(shop: Shop, as_of: datetime) -> pa.Table:
    """Each spell of each subscription, and of those that run how likely they end.

    Everything is by events before the moment: the model too is learned from moments before it.

    Returns
    -------
    One row for each spell, by customer, subscription and time, in the columns of `MEANINGS`, each with its `meaning`
    and `unit`. What cannot be said is null, with the reason among the `notes` of the table's metadata (a JSON list).

    Examples
    --------
    >>> import tempfile
    >>> from datetime import UTC
    >>> from pathlib import Path
    >>> from regulars import Shop
    >>> shop = Shop.create(Path(tempfile.mkdtemp()) / "shop")
    >>> subscriptions(shop, datetime(2024, 5, 1, tzinfo=UTC)).num_rows
    0
    """
    found = spells(shop, as_of)
    notes = list(found.notes)
    columns = {name: np.full(found.table.num_rows, np.nan) for name in list(MEANINGS)[found.table.num_columns :]}
    running = Running.of(found, as_of)
    columns["renewal_in_days"][running.spell] = running.left
    if len(running.spell):
        try:
            _foresee(columns, Renewals.learn(shop, as_of, found), running, profiles(shop, running.table))
        except NotEnoughError as error:
            notes.append(str(error))
    table = found.table
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values, mask=np.isnan(values)))
    fields = [
        field.with_metadata(dict(zip(("meaning", "unit"), MEANINGS[field.name], strict=True))) for field in table.schema
    ]
    return table.cast(pa.schema(fields, metadata={"notes": json.dumps(notes)}))


def _foresee(columns: dict[str, Floats], model: Renewals, running: Running, known: pa.Table) -> None:
    survival, months = model.survival(running, known)
    columns["leave_probability"][running.spell] = 1 - survival[:, 0]
    for ahead in (3, 6, AHEAD):
        columns[f"kept_{ahead}"][running.spell] = survival[:, ahead - 1]
    columns["expected_months"][running.spell] = months


def subscription_report(shop: Shop, split: Split) -> Shown:
    """What a churn report says of subscriptions: charts, tables and notes; nothing of a shop that has none.

    How long they last is told as of the split's moment; the chance to end at the next renewal is learned before it,
    and judged by the renewals that were due within the horizon.
    """
    if not exist(shop, split.as_of):
        return {}, {}, ()
    known = spells(shop, split.as_of)
    charts, tables, notes = lasting(known)
    try:
        tables["How good is the chance that a subscription ends at its next renewal?"] = _judged(shop, split, known)
    except (NotEnoughError, UndefinedMetricError) as error:
        notes += (str(error),)
    return charts, tables, tuple(f"Subscriptions: {note}" for note in (*known.notes, *notes))


def lasting(known: Spells) -> Shown:
    """How long subscriptions last, by plan and by the month of the first start: Kaplan-Meier with intervals.

    Only spells whose start is known tell; a pause counts as no longer seen, neither as kept nor as lost.
    """
    table = known.table
    is_whole = table["is_start_known"].to_numpy(zero_copy_only=False).astype(bool)
    days = table["days"].to_numpy()
    ended_by = np.asarray(table["ended_by"].to_pylist(), object)
    is_over = (ended_by == "cancelled") | (ended_by == "lapsed")
    # Who joined one by one may still all have been ended by one hand, on one day.
    last_days = table["ended_at"].cast(pa.date32()).cast(pa.int32()).fill_null(0).to_numpy()
    plans = np.asarray(table["plan"].fill_null("no plan").to_pylist(), object)
    cohorts = np.asarray(table["cohort"].to_pylist(), object)
    curves: dict[str, KaplanMeier] = {}
    tables: dict[str, Table] = {}
    small: list[str] = []
    for title, group in (("plan", plans), ("month of the first start", cohorts)):
        of_group = {"all": is_whole, **{str(name): is_whole & (group == name) for name in np.unique(group)}}
        rows = []
        for name, inside in of_group.items():
            lacks = _lacks(is_over[inside], last_days[inside])
            if lacks and name == "all":
                return {}, {}, (f"Not enough to tell how long they last: {lacks}.",)
            if lacks:
                small.append(name)
                continue
            curve = KaplanMeier.fit(days[inside], is_over[inside])
            rows.append(_row(name, int(inside.sum()), curve))
            if title == "plan":
                curves[name] = curve
        tables[f"How long subscriptions last, by {title}"] = Table(
            ["Subscriptions", "Seen", "Ended", "Half are over after (days)", *(f"Left after {k} days" for k in AFTER)],
            rows,
        )
    notes: tuple[str, ...] = ()
    if small:
        notes = (
            f"Not enough of their own to tell how long they last (needs {LEAST_SPELLS} from their start on, "
            f"{LEAST_ENDED} of them over, on {LEAST_DAYS} days): {', '.join(small)}.",
        )
    return {"How long subscriptions last": lasting_plot(curves)}, tables, notes


def _lacks(is_over: Floats, last_days: Floats) -> str:
    """What a group needs to tell how long its subscriptions last; nothing where it does."""
    if len(is_over) < LEAST_SPELLS:
        return f"needs {LEAST_SPELLS} subscriptions from their start on, has {len(is_over)}"
    if is_over.sum() < LEAST_ENDED:
        return f"needs {LEAST_ENDED} that are over, has {int(is_over.sum())}"
    if len(np.unique(last_days[is_over])) < LEAST_DAYS:
        return f"needs ends on {LEAST_DAYS} days, but all {int(is_over.sum())} that are over ended on one"
    return ""


def _row(name: str, seen: int, curve: KaplanMeier) -> list[object]:
    median = curve.median
    cells: list[object] = [name, seen, int(curve.ended.sum()), "not reached" if np.isnan(median) else round(median)]
    for days in AFTER:
        left, low, high = curve.at(days)
        if np.isnan(left):
            cells.append("not known yet")
        elif np.isnan(low):
            cells.append(f"{left:.0%}")
        else:
            cells.append(f"{left:.0%} ({low:.0%} to {high:.0%})")
    return cells


def _judged(shop: Shop, split: Split, known: Spells) -> Table:
    """Chance and baseline, learned before the split's moment, by the renewals that were due within the horizon."""
    model = Renewals.learn(shop, split.as_of, known)
    running = Running.of(known, split.as_of, split.target_end)
    rows, left = running.came(spells(shop, split.target_end))
    running = running.where(rows)
    ended, kept = int(left.sum()), int((1 - left).sum())
    if min(ended, kept) < LEAST_JUDGED:
        raise NotEnoughError(
            f"Not enough renewals due in the {split.horizon_days} days after {split.as_of:%Y-%m-%d} to judge the "
            f"chance to end: needs {LEAST_JUDGED} that ended and {LEAST_JUDGED} that were renewed; "
            f"has {ended} and {kept}."
        )
    metrics = compare(
        {"AUROC": auroc_score, "Brier": brier_loss, "calibration error": expected_calibration_error},
        left,
        model.hazard(running, profiles(shop, running.table)),
        model.by_number.at(running.number),
        customers=np.asarray(running.table["customer_id"].to_pylist()),
    )
    return Table(
        ["Figure", "Better", "Model", "Hazard of the period's number", "Gain at 95 %"],
        [
            [
                metric.name,
                metric.better,
                f"{metric.value:.3f} ({metric.low:.3f} to {metric.high:.3f})",
                f"{metric.baseline:.3f} ({metric.baseline_low:.3f} to {metric.baseline_high:.3f})",
                f"{metric.difference_low:+.3f} to {metric.difference_high:+.3f}",
            ]
            for metric in metrics
        ],
    )


def lasting_plot(curves: dict[str, KaplanMeier]) -> ChartType:
    """The share of subscriptions that is left, by days since the start, with intervals; of the largest groups."""
    names = sorted(curves, key=lambda name: -int(curves[name].at_risk.max(initial=0)))[:MOST_GROUPS]
    rows: list[dict[str, Any]] = []
    for name in names:
        rows += _steps(name, curves[name])
    colour = alt.Color("group:N", title="Plan", scale=alt.Scale(domain=names, range=list(COLOURS[: len(names)])))
    chart = alt.Chart(alt.Data(values=rows)).encode(  # type: ignore[no-untyped-call]
        x=alt.X("day:Q", title="Days since the start"), color=colour
    )
    lines = chart.mark_line(interpolate="step-after").encode(
        y=alt.Y("left:Q", title="Still subscribed", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    )
    band = chart.mark_area(interpolate="step-after", opacity=0.15).encode(y="low:Q", y2="high:Q")
    found: ChartType = alt.layer(band, lines).properties(
        width=520, height=300,
        description="The share of subscriptions that is still running so many days after its start, estimated by "
        "Kaplan and Meier's method; the band is the interval at 95 %.",
    )  # fmt: skip
    return found


def _steps(name: str, curve: KaplanMeier, most: int = 400) -> Sequence[dict[str, Any]]:
    # A page need not carry a point for each of a million subscriptions.
    at = np.unique(np.linspace(0, len(curve.time) - 1, min(len(curve.time), most)).astype(int))
    shown = [(0.0, 1.0, 1.0, 1.0)]
    columns = zip(*(part[at].tolist() for part in (curve.time, curve.survival, curve.low, curve.high)), strict=True)
    shown += [(day, left, low, high) for day, left, low, high in columns]
    if curve.survival[-1] > 0:
        shown.append((curve.longest, *shown[-1][1:]))
    return [
        {"group": name, "day": round(day, 2), "left": round(left, 4),
         "low": round(left if np.isnan(low) else low, 4), "high": round(left if np.isnan(high) else high, 4)}
        for day, left, low, high in shown
    ]  # fmt: skip
