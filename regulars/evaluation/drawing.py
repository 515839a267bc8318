"""What all charts of an evaluation share: their size, and how rows stand in them."""

from __future__ import annotations

from typing import Any

import altair as alt

WIDTH, HEIGHT = 360, 260
"""Pixels."""


def rows_of(values: list[dict[str, Any]]) -> alt.Data:
    """Rows of a chart: as `Data`, which Altair leaves in its place, so that they stay readable beside their marks."""
    return alt.Data(values=values)  # type: ignore[no-untyped-call]
