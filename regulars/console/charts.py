"""Charts by Vega-Altair: drawn in the browser by scripts of ours, in the colours of the theme."""

from __future__ import annotations

from typing import Any, NamedTuple

import altair as alt


class Chart(NamedTuple):
    """A chart as a page holds it.

    Attributes
    ----------
    spec : of Vega-Lite; its colours come from the page's tokens (`static/charts.js`).
    description : what it shows, in words, for who does not see it.
    """

    spec: dict[str, Any]
    description: str


def chart(drawn: alt.TopLevelMixin, description: str) -> Chart:
    """A chart of Altair, as wide as its place.

    >>> bars = alt.Chart(alt.Data(values=[{"a": 1, "b": 2}])).mark_bar().encode(x="a:Q", y="b:Q")
    >>> chart(bars, "b by a").spec["width"]
    'container'
    """
    with alt.data_transformers.enable("default", max_rows=None):
        # Tests draw each chart in a browser: no request needs to look it up in the schema of Vega-Lite.
        spec = drawn.to_dict(validate=False)
    for name in ("$schema", "config", "title"):
        spec.pop(name, None)
    if "layer" in spec or "mark" in spec:
        spec["width"] = "container"
        spec.setdefault("height", {"step": 28} if _is_by_name(spec) else 220)
    return Chart(spec, description)


def _is_by_name(spec: dict[str, Any]) -> bool:
    """Whether a chart has a row for each name: it is as high as it has rows."""
    parts = [spec, *spec.get("layer", ())]
    return any(part.get("encoding", {}).get("y", {}).get("type") in ("nominal", "ordinal") for part in parts)
