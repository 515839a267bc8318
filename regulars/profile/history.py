"""How a customer came to be: key features at the ends of the last months."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from regulars.profile.stage import Rhythm, stages

MONTHS = 12
KEY = (
    "orders", "orders_90d", "spend", "spend_90d", "recency_days", "gap_mean_days", "order_value_mean",
    "discount_share", "views_30d",
)  # fmt: skip
"""The features of which the history is kept."""


def month_ends(first: datetime, as_of: datetime, zone: str) -> list[datetime]:
    """The last twelve midnights between months, where the shop is, that lie after `first` and not after `as_of`.

    >>> ends = month_ends(datetime(2024, 1, 20, tzinfo=UTC), datetime(2024, 4, 5, tzinfo=UTC), "Europe/London")
    >>> [end.isoformat() for end in ends]
    ['2024-02-01T00:00:00+00:00', '2024-03-01T00:00:00+00:00', '2024-03-31T23:00:00+00:00']
    """
    wall = as_of.astimezone(ZoneInfo(zone))
    months = wall.year * 12 + wall.month - 1
    found = [
        datetime(month // 12, month % 12 + 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        for month in range(months - MONTHS + 1, months + 1)
    ]
    return [moment for moment in found if first < moment <= as_of]


def history(table: pa.Table, rhythm: Rhythm) -> list[dict[str, Any]]:
    """The stage and the key features of each row of a profile table, by its moment; those that are known."""
    named = [name for name in KEY if name in table.column_names]
    rows = table.select(["as_of", *named]).to_pylist()
    return [
        {
            "as_of": row["as_of"].astimezone(UTC).isoformat(),
            "stage": stage,
            **{name: row[name] for name in named if row[name] is not None},
        }
        for row, stage in zip(rows, stages(table, rhythm), strict=True)
    ]
