"""Reports and other findings as one HTML page that stands alone.

Everything is inside: styles, charts and the code that draws them. The page forbids itself the
network (Content-Security-Policy), so not even a hostile product title can call home.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2
import vl_convert
from altair.typing import ChartType
from markupsafe import Markup

from regulars.evaluation import palette
from regulars.evaluation.bootstrap import Metric
from regulars.evaluation.wording import figure, interval

if TYPE_CHECKING:
    from regulars.evaluation.report import Report

_OF_MANY_VIEWS = {"facet", "hconcat", "vconcat", "concat", "repeat"}


@dataclass(frozen=True)
class Table:
    """Columns and rows; numbers are set right-aligned, `Lines` as a list, anything else as its text.

    Attributes
    ----------
    columns : sequence of str
    rows : sequence of sequences, each as long as `columns`

    Raises
    ------
    ValueError
        If a row has another length; the message gives the first.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows, start=1):
            if len(row) != len(self.columns):
                raise ValueError(f"row {number} has {len(row)} cells, {len(self.columns)} are expected")


@dataclass(frozen=True)
class Lines:
    """Several lines in one cell of a table, numbered; those of `hits` are marked.

    Attributes
    ----------
    texts : sequence of str
    hits : of the same length, or empty
    """

    texts: Sequence[str]
    hits: Sequence[bool] = ()


@dataclass(frozen=True)
class Figure:
    """A chart with its title and one sentence on how to read it."""

    title: str
    reading: str
    chart: ChartType


@dataclass(frozen=True)
class Section:
    """A part of a page: any of its parts may be left out.

    Attributes
    ----------
    heading : str
        Left empty where a report brings its own.
    text : sequence of str
        Paragraphs, as plain text.
    table : Table, optional
    figures : sequence of Figure
    report : Report, optional
        Drawn whole: verdict, key figures, metrics, charts, checks, notes and method.
    """

    heading: str = ""
    text: Sequence[str] = ()
    table: Table | None = None
    figures: Sequence[Figure] = ()
    report: Report | None = None


def render(title: str, sections: Sequence[Section]) -> str:
    """One page from its sections.

    Parameters
    ----------
    title : str
        Of the page and its window.
    sections : sequence of Section
        In the order of reading.

    Returns
    -------
    str, a whole HTML document. With charts about 0.9 MB (the code that draws them), else a few KB

    Raises
    ------
    ValueError
        If a chart holds NaN or infinity, which no browser could read.

    Examples
    --------
    >>> page = render("Spring", [Section("Who left", text=["12 <b>customers</b>"])])
    >>> "12 &lt;b&gt;customers&lt;/b&gt;" in page
    True
    """
    has_charts = any(section.figures or (section.report and section.report.charts) for section in sections)
    return _template().render(
        title=title,
        sections=sections,
        palette=palette,
        # Ours and not a user's: the bundle is the one thing on the page that is not escaped.
        vega=Markup(_vega()) if has_charts else None,  # noqa: S704
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("regulars", "evaluation"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "ensure_ascii": False}
    environment.filters.update(figure=figure, interval=interval, spec=_spec, bars=_bars, figures=_figures, cell=_cell)
    return environment.get_template("report.html.jinja")


@cache
def _vega() -> str:
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _spec(chart: ChartType) -> dict[str, Any]:
    """The chart's specification, as wide as its place on the page where Vega-Lite can do that."""
    spec = chart.to_dict()
    # The address of the schema is never fetched, but the page is to hold no address at all.
    spec.pop("$schema", None)
    encoding = spec.get("encoding", {})
    if not (_OF_MANY_VIEWS & spec.keys() or {"row", "column", "facet"} & encoding.keys()):
        spec["width"] = "container"
        spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


def _figures(report: Report) -> list[Figure]:
    return [Figure(title, str(chart.to_dict().get("description", "")), chart) for title, chart in report.charts.items()]


def _bars(metric: Metric) -> list[dict[str, Any]]:
    """Where model and baseline lie on a scale of their own, in percent of its width."""
    start = min(metric.low, metric.baseline_low)
    length = max(metric.high, metric.baseline_high) - start or 1.0

    def percent(value: float) -> float:
        # Room at both ends for the dot of a value that lies there.
        return round(6 + 88 * (value - start) / length, 2)

    return [
        {"of": of, "low": percent(low), "value": percent(value), "high": percent(high)}
        for of, low, value, high in [
            ("model", metric.low, metric.value, metric.high),
            ("baseline", metric.baseline_low, metric.baseline, metric.baseline_high),
        ]
    ]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return figure(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None else str(value)
