"""The training tables of ads: who ordered after a moment, and what came of each impression."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    table : (n,) customer_id, as_of (when), campaign, creative, channel, hour and weekday as texts, and the features.
        Hours and weekdays are those of the shop's time zone.
    clicked : (n,) 1 where a click of that customer and campaign came within a day, else 0.
    """

    table: pa.Table
    clicked: Floats

    def fields(self) -> dict[str, list[str | None]]:
        """The columns that are not numbers."""
        return {name: self.table[name].to_pylist() for name in FIELDS}


FIELDS = ("campaign", "creative", "channel", "hour", "weekday")
TOLD = ("time", "event_id", "campaign_id", "channel")


def impressions(shop: Shop, until: datetime, since: datetime | None = None) -> Impressions:
    """Ads shown before a moment, whose day for a click is over by then; the newest, if there are very many."""
    seen, clicked = shown(shop, until, since)
    pairs = pa.table({"customer_id": seen["customer_id"], "as_of": seen["time"]})
    table = shop.tables.of("profile", pairs) if pairs.num_rows else pairs
    zone = ZoneInfo(shop.config.shop.timezone)
    moments = [at.astimezone(zone) for at in seen["time"].to_pylist()]
    for name, column in (
        ("campaign", seen["campaign_id"]),
        ("creative", seen["creative"]),
        ("channel", seen["channel"]),
        ("hour", pa.array([str(at.hour) for at in moments], pa.string())),
        ("weekday", pa.array([str(at.weekday()) for at in moments], pa.string())),
    ):
        table = table.append_column(name, column)
    return Impressions(table, clicked)


def shown(
    shop: Shop, until: datetime, since: datetime | None = None, within: timedelta = CLICK_WITHIN
) -> tuple[pa.Table, Floats]:
    """Ads shown from a moment on, whose time for a click is over before another; the newest, if there are very many.

    Returns
    -------
    (n,) in order of time: customer_id, time, event_id, campaign_id, channel, creative (its id; null where the log names
    none) and context (the numbers by which it was chosen, as JSON; null where they are not known). (n,) 1 where it was
    clicked, else 0.
    """
    events, parts = shop.events, []
    for kind, end, most in (("ad_shown", until - within, MOST_IMPRESSIONS), ("ad_clicked", until, None)):
        rows = events.filter(events.type == kind, events.time < ibis.literal(end))
        if since is not None:
            rows = rows.filter(rows.time >= ibis.literal(since))
        named = shop.identities.named(rows.select("customer_id", "anonymous_id", *TOLD, "properties"), until)
        named = named.filter(named.customer_id.notnull())
        said = named.properties.cast("json")
        # A platform's ids are numbers now and then; the file of creatives has them as texts.
        creative = said["creative_id"].str.coalesce(said["creative_id"].cast("string").nullif("null"))
        told = named.select("customer_id", *TOLD, creative=creative, context=said["context"].cast("string"))
        newest = told.order_by(ibis.desc("time"), ibis.desc("event_id")).limit(most)
        parts.append(shop.engine.to_arrow(newest).sort_by([("time", "ascending"), ("event_id", "ascending")]))
    seen, came = parts
    return seen, _clicked(seen, came, within)


def _clicked(seen: pa.Table, came: pa.Table, within: timedelta) -> Floats:
    """(n,) whether a click came to each impression: to the newest one before it, of its creative where it names one."""
    found = np.zeros(seen.num_rows)
    newest: dict[tuple[str, str | None, str | None], tuple[datetime, int]] = {}
    rows = [(at, 0, key, k) for k, (at, key) in enumerate(_keys(seen))]
    rows += [(at, 1, key, k) for k, (at, key) in enumerate(_keys(came))]
    for at, kind, (who, campaign, creative), row in sorted(rows, key=lambda one: one[:2]):
        if kind == 0:
            newest[who, campaign, creative] = newest[who, campaign, None] = (at, row)
            continue
        met = newest.get((who, campaign, creative)) or newest.get((who, campaign, None))
        if met is not None and at - met[0] <= within:
            found[met[1]] = 1.0
    return found


def _keys(table: pa.Table) -> Iterator[tuple[datetime, tuple[str, str | None, str | None]]]:
    when, *key = (table[name].to_pylist() for name in ("time", "customer_id", "campaign_id", "creative"))
    return zip(when, zip(*key, strict=True), strict=True)
