"""What a page of monitoring draws."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import altair as alt
import numpy as np
from altair.typing import ChartType

from regulars.evaluation import palette
from regulars.evaluation.timeline import timeline_plot
from regulars.fraud.monitor.change import Change
from regulars.fraud.monitor.watch import KNOWN_SHARE, Delay, Watch

WIDTH, HEIGHT = 520, 260
_POINTS = 200


def charts(watch: Watch) -> dict[str, ChartType]:
    """All charts for which there is something to draw, by title."""
    found: dict[str, ChartType] = {}
    if watch.drift is not None:
        found["Spread of scores"] = _bins(watch)
    if watch.scores["psi"].null_count < watch.scores.num_rows:
        found["Stability of scores by day"] = _scores(watch)
    if watch.delay is not None and watch.rates.num_rows:
        found["Rate of frauds"] = _rate(watch)
    if watch.change is not None:
        found["Evidence of a change"] = _evidence(watch.change, watch.rates["day"].to_pylist()[-len(watch.change.up) :])
    if watch.precision.num_rows:
        found["Precision of what was reviewed"] = _precision(watch)
    if watch.rules.num_rows:
        rows = watch.rules.to_pydict()
        found["What acted"] = timeline_plot(rows["day"], rows["policy"], rows["hits"], "attempts")
    if watch.delay is not None:
        found["Delay of labels"] = _delay(watch.delay)
    return found


def _bins(watch: Watch) -> ChartType:
    rows = [
        {"risk": f"{row['from_risk']:.3g}", "of": name, "share": round(row[key], 4)}
        for row in watch.bins.to_pylist()
        for key, name in (("reference", "before"), ("recent", "last days"))
    ]
    order = [f"{start:.3g}" for start in watch.bins["from_risk"].to_pylist()]
    chart: ChartType = (
        alt.Chart(_rows(rows))
        .mark_bar()
        .encode(
            x=alt.X("risk:O", title="Score from", sort=order, axis=alt.Axis(labelAngle=0)),
            xOffset=alt.XOffset("of:N", sort=["before", "last days"]),
            y=alt.Y("share:Q", title="Share of attempts", axis=alt.Axis(format="%")),
            color=_two("of:N", "before", "last days"),
        )
        .properties(
            width=WIDTH, height=HEIGHT,
            description="Tenths of the attempts before, by score, and what share of the last days' attempts fell "
            "there. Two bars of one height: as before.",
        )
    )  # fmt: skip
    return chart


def _scores(watch: Watch) -> ChartType:
    rows = [
        {"day": row["day"].isoformat(), "psi": round(row["psi"], 4), "limit": round(row["limit"], 4)}
        for row in watch.scores.to_pylist()
        if row["psi"] is not None
    ]
    x = alt.X("day:O", title=None, axis=alt.Axis(labelAngle=0))
    base = alt.Chart(_rows(rows)).encode(x=x)
    bars = base.mark_bar(color=palette.MODEL, size=24).encode(y=alt.Y("psi:Q", title="Stability index"))
    limits = base.mark_tick(color=palette.BAD, thickness=3, size=40).encode(y="limit:Q")
    chart: ChartType = alt.layer(bars, limits).properties(
        width=WIDTH, height=HEIGHT,
        description="How far each day's scores are from those before (0: as before). The red line is the limit; above "
        "it, it is no longer luck.",
    )  # fmt: skip
    return chart


def _rate(watch: Watch) -> ChartType:
    days = watch.rates.to_pydict()
    attempts, frauds = np.array(days["attempts"], float), np.array(days["frauds"], float)
    week = np.ones(7)
    # A day has few frauds: the mean of the last seven days, weighted by their attempts.
    share = np.convolve(frauds, week)[: len(frauds)] / np.maximum(np.convolve(attempts, week)[: len(frauds)], 1)
    rows = [
        {"day": day.isoformat(), "share": round(float(one), 6)}
        for day, one in zip(days["day"][6:], share[6:], strict=True)
    ]
    line = (
        alt.Chart(_rows(rows))
        .mark_line(color=palette.MODEL, strokeWidth=2)
        .encode(
            x=alt.X("day:T", title=None, scale=alt.Scale(type="utc")),
            y=alt.Y("share:Q", title="Frauds among attempts", axis=alt.Axis(format=".1%")),
        )
    )
    layers: list[Any] = [line]
    if watch.change is not None:
        before = [{"rate": watch.change.before}]
        layers.append(
            alt.Chart(_rows(before))
            .mark_rule(color=palette.NEUTRAL, strokeDash=[5, 4], strokeWidth=1.5)
            .encode(y="rate:Q")
        )
        if watch.change.since is not None:
            since = [{"day": days["day"][len(frauds) - len(watch.change.up) + watch.change.since].isoformat()}]
            layers.append(alt.Chart(_rows(since)).mark_rule(color=palette.BAD, strokeWidth=1.5).encode(x="day:T"))
    chart: ChartType = alt.layer(*layers).properties(
        width=WIDTH, height=HEIGHT,
        description="The share of frauds among attempts of seven days, of those old enough that nearly all is known. "
        "Dashed: the rate of the time before. Red: since when it has changed.",
    )  # fmt: skip
    return chart


def _evidence(change: Change, days: list[date]) -> ChartType:
    limits = {"more frauds": change.up_limit, "fewer frauds": change.down_limit}
    sums = {"more frauds": change.up, "fewer frauds": change.down}
    rows = [
        {"day": day.isoformat(), "of": name, "share": round(float(one / limits[name]), 4)}
        for name in sums
        for day, one in zip(days, sums[name], strict=True)
    ]
    lines = (
        alt.Chart(_rows(rows))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("day:T", title=None, scale=alt.Scale(type="utc")),
            y=alt.Y("share:Q", title="Evidence, of the limit", axis=alt.Axis(format="%")),
            color=alt.Color(
                "of:N",
                title=None,
                sort=list(sums),
                scale=alt.Scale(domain=list(sums), range=[palette.BAD, palette.GOOD]),
                legend=alt.Legend(orient="top"),
            ),
        )
    )
    limit = alt.Chart(_rows([{"share": 1.0}])).mark_rule(color=palette.NEUTRAL, strokeDash=[5, 4]).encode(y="share:Q")
    chart: ChartType = alt.layer(lines, limit).properties(
        width=WIDTH, height=HEIGHT,
        description="Day by day, what speaks for twice as many frauds and for half as many. Above the dashed line "
        "it is an alarm; one in a hundred quiet months raises one.",
    )  # fmt: skip
    return chart


def _precision(watch: Watch) -> ChartType:
    rows = [
        {"week": row["week"].isoformat(), **{key: round(row[key], 4) for key in ("precision", "low", "high")}}
        for row in watch.precision.to_pylist()
    ]
    y = alt.Y("low:Q", title="Frauds among reviewed", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    base = alt.Chart(_rows(rows)).encode(x=alt.X("week:T", title="Week of the attempt", scale=alt.Scale(type="utc")))
    bars = base.mark_rule(color=palette.MODEL, strokeWidth=2, opacity=0.55).encode(y=y, y2="high:Q")
    dots = base.mark_point(color=palette.MODEL, filled=True, size=60, opacity=1).encode(y="precision:Q")
    chart: ChartType = alt.layer(bars, dots).properties(
        width=WIDTH, height=HEIGHT,
        description="Each dot is a week: how many of the attempts that reviewers judged were frauds. Bars are 95 % "
        "intervals.",
    )  # fmt: skip
    return chart


def _delay(delay: Delay) -> ChartType:
    share = np.linspace(0, 1, _POINTS)
    rows = [
        {"days": round(float(day), 3), "share": round(float(one), 4)}
        for day, one in zip(np.quantile(delay.days, share), share, strict=True)
    ]
    line = (
        alt.Chart(_rows(rows))
        .mark_line(color=palette.MODEL, strokeWidth=2, interpolate="step-after")
        .encode(
            x=alt.X("days:Q", title="Days after the attempt"),
            y=alt.Y("share:Q", title="Share of frauds known", axis=alt.Axis(format="%")),
        )
    )
    mark = alt.Chart(_rows([{"days": delay.matured_days}])).mark_rule(color=palette.NEUTRAL, strokeDash=[5, 4])
    chart: ChartType = alt.layer(line, mark.encode(x="days:Q")).properties(
        width=WIDTH, height=HEIGHT,
        description=f"How many of the frauds were known so many days after the attempt. Dashed: {KNOWN_SHARE:.0%} are, "
        "and attempts count as matured.",
    )  # fmt: skip
    return chart


def _two(field: str, one: str, other: str) -> alt.Color:
    scale = alt.Scale(domain=[one, other], range=[palette.NEUTRAL, palette.MODEL])
    return alt.Color(field, title=None, scale=scale, legend=alt.Legend(orient="top"))


def _rows(values: list[dict[str, Any]] | list[Mapping[str, Any]]) -> alt.Data:
    return alt.Data(values=values)  # type: ignore[no-untyped-call]
