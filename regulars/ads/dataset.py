"""The training tables of ads: who ordered after a moment, and what came of each impression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.behaving.vectors import VectorColumns, with_columns
from regulars.customers import later_worth
from regulars.errors import NotEnoughError
from regulars.events.identity import hash_rows

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

KEYS = ("customer_id", "as_of")
LEAST = 50
"""So many customers must have ordered, and so many not."""
MOST_ROWS = 60_000
MOST_IMPRESSIONS = 20_000
"""The newest that are learned from: each needs a profile as of its own moment."""
CLICK_WITHIN = timedelta(days=1)


@dataclass(frozen=True)
class Buyers:
    """Customers as of moments, and what they ordered within a horizon.

    Attributes
    ----------
    table : (n,) customer_id, as_of and the features. features : (n, k), NaN where absent. names : of the k.
    ordered : (n,) 1 for who did, else 0. margin : (n,) of all that was ordered, 0 or more.
    """

    table: pa.Table
    features: Floats
    names: tuple[str, ...]
    ordered: Floats
    margin: Floats

    def where(self, rows: npt.NDArray[np.bool_]) -> Buyers:
        """Some of the rows."""
        return Buyers(
            self.table.filter(pa.array(rows)), self.features[rows], self.names, self.ordered[rows], self.margin[rows]
        )


def features_of(table: pa.Table, names: Sequence[str]) -> Floats:
    """(n, k) columns of a table of profiles; one that it lacks is NaN."""
    columns = [
        table[name].to_numpy(zero_copy_only=False).astype(np.float64)
        if name in table.column_names
        else np.full(table.num_rows, np.nan)
        for name in names
    ]
    return np.column_stack(columns) if columns else np.empty((table.num_rows, 0))


def inputs_of(shop: Shop, profiles: pa.Table, vectors: VectorColumns | None, names: Sequence[str]) -> Floats:
    """(n, k) of a table of profiles, with a behaviour vector's columns where the model has them."""
    return features_of(with_columns(shop, profiles, vectors), names)


def feature_names(table: pa.Table) -> tuple[str, ...]:
    """The columns of a table of profiles that are numbers."""
    return tuple(
        field.name
        for field in table.schema
        if field.name not in KEYS and (pa.types.is_floating(field.type) or pa.types.is_integer(field.type))
    )


def buyers(shop: Shop, moments: Sequence[datetime], horizon_days: int) -> Buyers:
    """Customers with an order before each moment, and what followed in the horizon.

    Raises
    ------
    NotEnoughError
        If fewer than 50 ordered, or fewer than 50 did not.
    """
    pairs = pa.concat_tables([shop.customers(moment) for moment in moments])
    parts = -(-pairs.num_rows // MOST_ROWS)
    if parts > 1:
        pairs = pairs.filter(pa.array(hash_rows(pairs, ("customer_id",)) % np.uint64(parts) == 0))
    later = later_worth(shop, pairs, np.full(pairs.num_rows, float(horizon_days)))
    place, is_order = later["place"].to_numpy(), later["is_order"].to_numpy(zero_copy_only=False)
    ordered = (np.bincount(place[is_order], minlength=pairs.num_rows) > 0).astype(np.float64)
    margin = np.bincount(place, later["margin"].to_numpy(), pairs.num_rows)
    few = int(min(ordered.sum(), len(ordered) - ordered.sum()))
    if few < LEAST:
        raise NotEnoughError(
            f"ads: as of {moments[-1]:%Y-%m-%d} to {moments[0]:%Y-%m-%d}, {ordered.sum():.0f} of {len(ordered)} "
            f"customers ordered in the {horizon_days} days after; at least {LEAST} who did and {LEAST} who did not are "
            "needed to say whose attention is worth a bid. Import more history, or set horizon_days under [ads]."
        )
    profiles = shop.tables.of("profile", pairs)
    names = feature_names(profiles)
    return Buyers(profiles, features_of(profiles, names), names, ordered, np.maximum(margin, 0.0))


@dataclass(frozen=True)
class Impressions:
    """Ads that were shown, in order of time.

    Attributes
    ----------
    table : (n,) customer_id, as_of (when), campaign, channel, hour and weekday as texts, and the features. Hours
        and weekdays are those of the shop's time zone.
    clicked : (n,) 1 where a click of that customer and campaign came within a day, else 0.
    """

    table: pa.Table
    clicked: Floats

    def fields(self) -> dict[str, list[str | None]]:
        """The columns that are not numbers."""
        return {name: self.table[name].to_pylist() for name in FIELDS}


FIELDS = ("campaign", "channel", "hour", "weekday")


def impressions(shop: Shop, until: datetime, since: datetime | None = None) -> Impressions:
    """Ads shown before a moment, whose day for a click is over by then; the newest, if there are very many."""
    events = shop.events
    ends = until - CLICK_WITHIN
    shown = events.filter(events.type == "ad_shown", events.time < ibis.literal(ends))
    if since is not None:
        shown = shown.filter(shown.time >= ibis.literal(since))
    clicks = events.filter(events.type == "ad_clicked", events.time < ibis.literal(until))
    parts = []
    for rows in (shown, clicks):
        named = shop.identities.named(
            rows.select("customer_id", "anonymous_id", "event_id", "time", "campaign_id", "channel"), until
        )
        found = named.filter(named.customer_id.notnull()).order_by("time", "event_id")
        parts.append(shop.engine.to_arrow(found.select("customer_id", "time", "campaign_id", "channel")))
    seen, came = parts
    seen = seen.slice(max(seen.num_rows - MOST_IMPRESSIONS, 0))
    clicked = _clicked(seen, came)
    pairs = pa.table({"customer_id": seen["customer_id"], "as_of": seen["time"]})
    table = shop.tables.of("profile", pairs) if pairs.num_rows else pairs
    zone = ZoneInfo(shop.config.shop.timezone)
    moments = [at.astimezone(zone) for at in seen["time"].to_pylist()]
    for name, column in (
        ("campaign", seen["campaign_id"]),
        ("channel", seen["channel"]),
        ("hour", pa.array([str(at.hour) for at in moments], pa.string())),
        ("weekday", pa.array([str(at.weekday()) for at in moments], pa.string())),
    ):
        table = table.append_column(name, column)
    return Impressions(table, clicked)


def _clicked(seen: pa.Table, came: pa.Table) -> Floats:
    """(n,) whether a click came to each impression: to the newest one before it."""
    found = np.zeros(seen.num_rows)
    newest: dict[tuple[str, str | None], tuple[datetime, int]] = {}
    rows = [(at, 0, key, k) for k, (key, at) in enumerate(_keys(seen))]
    rows += [(at, 1, key, k) for k, (key, at) in enumerate(_keys(came))]
    for at, kind, key, row in sorted(rows, key=lambda one: one[:2]):
        if kind == 0:
            newest[key] = (at, row)
        elif key in newest and at - newest[key][0] <= CLICK_WITHIN:
            found[newest[key][1]] = 1.0
    return found


def _keys(table: pa.Table) -> list[tuple[tuple[str, str | None], datetime]]:
    who, what, when = (table[name].to_pylist() for name in ("customer_id", "campaign_id", "time"))
    return [((one, other), at) for one, other, at in zip(who, what, when, strict=True)]
