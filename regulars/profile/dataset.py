"""The features of customers as of moments: one query, whatever the number of pairs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.schema import TIME
from regulars.profile.evidence import first_times
from regulars.profile.features import FEATURES, LEVELS, Feature
from regulars.profile.levels import MAKERS, Source

if TYPE_CHECKING:
    from regulars.customers import Identities
    from regulars.engine import Engine
    from regulars.shop import Shop

KEYS = ("customer_id", "as_of")
MANY = 50_000
"""From so many customers as of one moment on, all events are aggregated by customer and the rest is left
out at the end: cheaper than to join every event to the customers asked for."""


def features_as_of(shop: Shop, pairs: pa.Table) -> pa.Table:
    """Features of customers, each as of its moment: only events with time < as_of count.

    Parameters
    ----------
    pairs : (n,) customer_id and as_of; the same customer may stand with several moments.

    Returns
    -------
    (n,) rows in the order of the pairs: customer_id, as_of, then one float64 column for each feature
    that the log had evidence for before some moment; null where it had none before that one, or where
    there is nothing to say (the gap between orders of who has one order). Each column's metadata has
    its `meaning`, `unit` and `window_days`.
    """
    zone = shop.config.shop.timezone
    return compute(shop.engine, shop.events, shop.catalogue, pairs, zone, shop.identities)


def compute(
    engine: Engine, events: ibis.Table, catalogue: ibis.Table, pairs: pa.Table, zone: str, identities: Identities
) -> pa.Table:
    """`features_as_of` on tables, for whoever has them at hand."""
    if pairs.num_rows == 0:
        return pa.table({"customer_id": pa.array([], pa.string()), "as_of": pa.array([], TIME)})
    pairs = pairs.select(KEYS)
    latest = pc.max(pairs["as_of"]).as_py()
    events = events.filter(events.type != "decision_made", events.time < ibis.literal(latest, "timestamp('UTC')"))
    first = _evidence(engine, events, catalogue, latest)
    there = {need for need, moment in first.items() if moment is not None}
    begun = min((moment for moment in first.values() if moment is not None), default=latest)
    source = source_of(engine, events, catalogue, pairs, zone, identities, begun)
    expression = _expression(source, there, first)
    found = engine.to_arrow(expression.order_by("place"))
    columns = [pairs["customer_id"], pairs["as_of"]]
    fields = [pa.field("customer_id", pa.string()), pa.field("as_of", TIME)]
    for feature in FEATURES:
        if feature.name in found.column_names:
            columns.append(found[feature.name])
            fields.append(pa.field(feature.name, pa.float64(), metadata=_metadata(feature)))
    return pa.table(columns, schema=pa.schema(fields))


def source_of(
    engine: Engine,
    events: ibis.Table,
    catalogue: ibis.Table,
    pairs: pa.Table,
    zone: str,
    identities: Identities,
    first: datetime,
) -> Source:
    """What levels and tallies of pairs are made from.

    Parameters
    ----------
    events : those before the last of the moments, without decisions.
    first : no event that matters is earlier.
    """
    latest = pc.max(pairs["as_of"]).as_py()
    place = pa.array(range(pairs.num_rows), pa.int64())
    has_one_moment = pairs.num_rows >= MANY and pc.count_distinct(pairs["as_of"]).as_py() == 1
    numbered = pairs.append_column("place", place)
    numbered = numbered.append_column("pair", identities.customers(pairs) if has_one_moment else place)
    asked = engine.table(numbered)
    # Each event counts for the customer that it belongs to as of the moment: where there is one
    # moment, it is named after that customer; else each pair is joined to all of the customer's ids.
    events = identities.named(events, latest) if has_one_moment else identities.raw(events)
    has_other_ids = not has_one_moment and not identities.is_plain
    members = engine.table(identities.members(pairs).rename_columns({"place": "pair"})) if has_other_ids else asked
    return Source(
        events=events.filter(events.customer_id.notnull()),
        catalogue=catalogue,
        pairs=asked,
        members=members,
        zone=zone,
        first=first,
        last=latest,
        moment=latest if has_one_moment else None,
    )


def source_for(shop: Shop, pairs: pa.Table) -> Source:
    """What tallies of a shop's pairs are made from; there must be one at least."""
    latest = pc.max(pairs["as_of"]).as_py()
    events = shop.events
    events = events.filter(events.type != "decision_made", events.time < ibis.literal(latest, "timestamp('UTC')"))
    first = shop.engine.to_arrow(events.time.min()).as_py() or latest
    zone = shop.config.shop.timezone
    return source_of(shop.engine, events, shop.catalogue, pairs.select(KEYS), zone, shop.identities, first)


def absent(engine: Engine, events: ibis.Table, catalogue: ibis.Table, as_of: datetime) -> dict[str, str]:
    """The features that the log cannot carry as of a moment, each with the need that is missing."""
    before = events.filter(events.time < ibis.literal(as_of, "timestamp('UTC')"))
    first = _evidence(engine, before, catalogue, as_of)
    return {feature.name: feature.needs for feature in FEATURES if first[feature.needs] is None}


def _evidence(engine: Engine, events: ibis.Table, catalogue: ibis.Table, until: datetime) -> dict[str, datetime | None]:
    known = catalogue.filter(catalogue.valid_from < ibis.literal(until, "timestamp('UTC')"))
    since = known.group_by("product_id").agg(
        category_since=known.valid_from.min(where=known.category.notnull()),
        brand_since=known.valid_from.min(where=known.brand.notnull()),
    )
    described = events.left_join(since, "product_id")
    row = engine.to_arrow(first_times(described)).to_pylist()[0]
    return {
        name.removeprefix("first_"): None if moment is None else moment.astimezone(UTC) for name, moment in row.items()
    }


def _expression(source: Source, there: set[str], first: dict[str, datetime | None]) -> ibis.Table:
    table = source.pairs
    for level, features in LEVELS.items():
        wanted = [feature for feature in features if feature.needs in there]
        if not wanted:
            continue
        rows = MAKERS[level](source)
        found = rows.group_by("pair").agg(**{f.name: f.value(rows).cast("float64") for f in wanted})
        table = table.left_join(found, "pair").drop("pair_right")
    known = {}
    for f in FEATURES:
        if f.needs in there:
            value = table[f.name] if f.empty is None else table[f.name].fill_null(f.empty)
            since = ibis.literal(first[f.needs], "timestamp('UTC')")
            # Rounded: the engine adds floats up in any order, and the same log must give the same
            # features, to the last bit, or what is learned and decided from them would differ too.
            # Twice: what lies half-way between two results of the second is first freed of that noise.
            known[f.name] = ibis.ifelse(table.as_of > since, value.round(7).round(4), ibis.null("float64"))
    return table.select("place", **known)


def _metadata(feature: Feature) -> dict[str, str]:
    window = {} if feature.window_days is None else {"window_days": str(feature.window_days)}
    return {"meaning": feature.meaning, "unit": feature.unit, **window}
