"""Charts of probabilities against what happened: are they true, and do they find whom they are for?"""

from __future__ import annotations

import altair as alt
import numpy as np
import numpy.typing as npt
from altair.typing import ChartType

from regulars.evaluation import palette
from regulars.evaluation.drawing import HEIGHT, WIDTH, rows_of
from regulars.evaluation.proportion import wilson_interval
from regulars.evaluation.ties import Floats, equal_mass_bins, tied

CURVE_POINTS = 95


def calibration_plot(y: npt.ArrayLike, p: npt.ArrayLike, bins: int = 10) -> ChartType:
    """Does what is predicted at 30 % happen 30 % of the time?

    Parameters
    ----------
    y : (n,) each 0 or 1
        What happened.
    p : (n,) float in [0, 1]
        The predicted probabilities.
    bins : int, >= 1
        Bins of equal mass; fewer where many predictions are equal.

    Returns
    -------
    Altair chart: a point a bin with its 95 % Wilson interval, and the diagonal of perfect calibration

    Raises
    ------
    ValueError
        As `regulars.evaluation.ties.tied`.

    Examples
    --------
    >>> chart = calibration_plot([0, 0, 1, 1], [0.1, 0.1, 0.9, 0.9], bins=2)
    >>> [(row["predicted"], row["observed"]) for row in chart.to_dict()["layer"][1]["data"]["values"]]
    [(0.1, 0.0), (0.9, 1.0)]
    """
    ties = tied(y, p)
    bin_of = equal_mass_bins(ties, bins)
    mass = np.bincount(bin_of, weights=ties.mass)
    positive = np.bincount(bin_of, weights=ties.positive)
    predicted = np.bincount(bin_of, weights=ties.mass * ties.p) / mass
    low, high = wilson_interval(positive, mass)
    rows = [
        {
            "predicted": round(float(predicted[i]), 6),
            "observed": round(float(positive[i] / mass[i]), 6),
            "low": round(float(low[i]), 6),
            "high": round(float(high[i]), 6),
            "customers": int(mass[i]),
        }
        for i in range(len(mass))
    ]
    # Rare events fill a corner of the unit square: the axes end where the points do.
    end = min(1.0, float(max(high.max(), predicted.max())) * 1.05)
    scale = alt.Scale(domain=[0, end], nice=False)
    percent = alt.Axis(format="%", tickCount=5)
    diagonal = (
        alt.Chart(rows_of([{"x": 0, "y": 0}, {"x": end, "y": end}]))
        .mark_line(color=palette.NEUTRAL, strokeDash=[5, 4], strokeWidth=1.5)
        .encode(x=alt.X("x:Q", scale=scale), y=alt.Y("y:Q", scale=scale))
    )
    points = alt.Chart(rows_of(rows)).encode(
        x=alt.X("predicted:Q", title="Predicted probability", scale=scale, axis=percent),
        tooltip=[
            alt.Tooltip("predicted:Q", title="Predicted", format=".1%"),
            alt.Tooltip("observed:Q", title="Happened", format=".1%"),
            alt.Tooltip("low:Q", title="95 % from", format=".1%"),
            alt.Tooltip("high:Q", title="95 % to", format=".1%"),
            alt.Tooltip("customers:Q", title="Customers", format=","),
        ],
    )
    bars = points.mark_rule(color=palette.MODEL, strokeWidth=2, opacity=0.55).encode(
        y=alt.Y("low:Q", title="Share to whom it happened", scale=scale, axis=percent), y2="high:Q"
    )
    dots = points.mark_point(color=palette.MODEL, filled=True, size=70, opacity=1).encode(
        y=alt.Y("observed:Q", scale=scale)
    )
    chart: ChartType = alt.layer(diagonal, bars, dots).properties(
        width=WIDTH,
        height=HEIGHT,
        description="Each dot is a group of customers: on the dashed line, what was predicted is what "
        "happened; above it, it happened more often than predicted. Bars are 95 % intervals.",
    )
    return chart


def gain_plot(y: npt.ArrayLike, p_model: npt.ArrayLike, p_baseline: npt.ArrayLike) -> ChartType:
    """How many of those it concerns are found by contacting the likeliest few?

    Parameters
    ----------
    y : (n,) each 0 or 1
        Whom it concerned.
    p_model, p_baseline : (n,) float
        What each predicted; only the order matters, and equal predictions share evenly.

    Returns
    -------
    Altair chart: share found against share contacted for model, baseline and chance; under 200 points

    Raises
    ------
    ValueError
        As `regulars.evaluation.ties.tied`.

    Examples
    --------
    >>> chart = gain_plot([1, 0, 0, 0], [0.9, 0.2, 0.1, 0.1], [0.5, 0.5, 0.5, 0.5])
    >>> len(chart.to_dict()["data"]["values"]) < 200
    True
    """
    rows = [
        {"list": name, "contacted": round(float(x), 4), "found": round(float(found), 4)}
        for name, curve in [
            ("Model", _gain(y, p_model)),
            ("Baseline", _gain(y, p_baseline)),
            ("Chance", (np.array([0.0, 1.0]), np.array([0.0, 1.0]))),
        ]
        for x, found in zip(*curve, strict=True)
    ]
    lists = ["Model", "Baseline", "Chance"]
    chart: ChartType = (
        alt.Chart(rows_of(rows))
        .mark_line(strokeWidth=2.5)
        .encode(
            x=alt.X("contacted:Q", title="Share of customers contacted", axis=alt.Axis(format="%", tickCount=5)),
            y=alt.Y("found:Q", title="Share found of those it concerns", axis=alt.Axis(format="%", tickCount=5)),
            color=alt.Color(
                "list:N",
                title=None,
                scale=alt.Scale(domain=lists, range=[palette.MODEL, palette.BASELINE, palette.NEUTRAL]),
                legend=alt.Legend(orient="top"),
            ),
            strokeDash=alt.StrokeDash(
                "list:N", scale=alt.Scale(domain=lists, range=[[1, 0], [1, 0], [5, 4]]), legend=None
            ),
            tooltip=[
                alt.Tooltip("list:N", title="List"),
                alt.Tooltip("contacted:Q", title="Contacted", format=".0%"),
                alt.Tooltip("found:Q", title="Found", format=".0%"),
            ],
        )
        .properties(
            width=WIDTH,
            height=HEIGHT,
            description="Contact the likeliest customers first and read off how many of those it concerns "
            "are among them: the higher the line, the fewer contacts are wasted.",
        )
    )
    return chart


def _gain(y: npt.ArrayLike, p: npt.ArrayLike) -> tuple[Floats, Floats]:
    ties = tied(y, p)
    contacted = np.concatenate([[0.0], np.cumsum(ties.mass[::-1]) / ties.mass.sum()])
    found = np.concatenate([[0.0], np.cumsum(ties.positive[::-1]) / ties.positive.sum()])
    grid = np.linspace(0, 1, CURVE_POINTS)
    return grid, np.interp(grid, contacted, found)
