"""The features of customers as of moments: a query for each level, whatever the number of pairs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from regulars.capability import Rows
from regulars.engine import Query
from regulars.events.schema import NOTED, TIME
from regulars.profile.evidence import first_times
from regulars.profile.features import FEATURES, LEVELS, Feature
from regulars.profile.levels import MAKERS, Source, usual_levels, usual_prices
from regulars.profile.written import answers

if TYPE_CHECKING:
    from regulars.customers import Identities
    from regulars.engine import Engine
    from regulars.shop import Shop

KEYS = ("customer_id", "as_of")
READ = (
    "event_id", "line", "time", "customer_id", "session_id", "type", "product_id", "quantity", "unit_price",
    "order_id", "channel", "device_id",
)  # fmt: skip
"""What levels and tallies read of events."""
NO_FRACTION = 1.5 * 2.0**52
FEW = 1_000
"""The events of so many customers are found once, and held for all that is asked of them."""
MANY = 50_000
"""From so many customers as of one moment on, all events are aggregated by customer and the rest is left
out at the end: cheaper than to join every event to the customers asked for."""


def features_as_of(shop: Shop, pairs: pa.Table, of: ibis.Table | None = None) -> pa.Table:
    """Features of customers, each as of its moment: only events with time < as_of count.

    Parameters
    ----------
    pairs : (n,) customer_id and as_of; the same customer may stand with several moments.
    of : their events, where they are `held`.

    Returns
    -------
    (n,) rows in the order of the pairs: customer_id, as_of, then one float64 column for each feature
    that the log had evidence for before some moment; null where it had none before that one, or where
    there is nothing to say (the gap between orders of who has one order). Each column's metadata has
    its `meaning`, `unit` and `window_days`.
    """
    zone, currency = shop.config.shop.timezone, shop.config.shop.currency

    def made(asked: pa.Table) -> pa.Table:
        own = held(shop, asked) if of is None and asked.num_rows <= FEW else of
        told = of_log(shop)
        return compute(shop.engine, shop.events, shop.catalogue, asked, zone, shop.identities, own, told)

    newest = pc.max(pairs["as_of"]).as_py()
    known = () if newest is None else shop.log.snapshot().known_before(newest)
    return shop.recent.of(("profile", _code(), known, zone, currency), pairs.select(KEYS), made)


@cache
def _code() -> str:
    """Which features are made, and how: what is kept in files outlives the program that made it."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def rows(shop: Shop, customers: ibis.Table, as_of: datetime) -> Rows:
    """`features_as_of` of any number of customers as of one moment, before any of it is computed.

    Parameters
    ----------
    customers : a column, customer_id: each once, named as they are as of the moment (see `Shop.buyers`).
    """
    engine = shop.engine
    moment = pa.scalar(as_of, TIME)
    if engine.to_arrow(customers.count()).as_py() < MANY:
        ids = engine.to_arrow(customers.order_by("customer_id"))
        found = features_as_of(shop, ids.append_column("as_of", pa.repeat(moment, ids.num_rows)))
        return Rows(engine.table(found), found.schema)
    there = _before(_evidence(engine, shop.events, shop.catalogue), as_of)
    # The levels need no pairs: each event counts for whom it names. They ask them which moment it is.
    asked = {"customer_id": [""], "as_of": pa.repeat(moment, 1), "place": [0], "pair": [""]}
    pairs = engine.table(pa.table(asked))
    events = shop.events.filter(~ibis._.type.isin(NOTED), ibis._.time < ibis.literal(as_of, "timestamp('UTC')"))
    events = shop.identities.named(events, as_of).filter(ibis._.customer_id.notnull())
    zone, begin = shop.config.shop.timezone, min(there.values(), default=as_of)
    sold = events.filter(ibis._.type == "order_completed")
    usual = usual_prices(sold), usual_levels(sold, shop.catalogue, pairs.select("as_of"))
    source = Source(events, *usual, shop.catalogue, pairs, pairs, zone, begin, as_of, as_of)
    found = customers.select("customer_id").mutate(as_of=ibis.literal(as_of, "timestamp('UTC', 6)"))
    for level, all_of_level in LEVELS.items():
        features = [feature for feature in all_of_level if feature.needs in there]
        if features:
            made = _of_level(level, features, source)
            found = found.left_join(made, found.customer_id == made.pair).drop("pair")
    features = [feature for feature in FEATURES if feature.needs in there]
    columns = {f.name: found[f.name] if f.empty is None else found[f.name].fill_null(float(f.empty)) for f in features}
    return Rows(found.select("customer_id", "as_of", **columns), _schema(features))


class OfLog(NamedTuple):
    """What is read off the whole log, whoever is asked for.

    Attributes
    ----------
    first : {need: when the first event came that is evidence of it}; None where none did.
    begin : when the first event came of all; None where none did.
    usual_prices : see `levels.usual_prices`.
    """

    first: dict[str, datetime | None]
    begin: datetime | None
    usual_prices: pa.Table


def of_log(shop: Shop) -> OfLog:
    """Read once for each version of the log."""
    return shop.of_log("profile", lambda: _of_log(shop.engine, shop.events, shop.catalogue))


def _of_log(engine: Engine, events: ibis.Table, catalogue: ibis.Table) -> OfLog:
    begin = engine.to_arrow(events.filter(~events.type.isin(NOTED)).time.min()).as_py()
    return OfLog(_evidence(engine, events, catalogue), begin, engine.to_arrow(usual_prices(_sold(events))))


def _sold(events: ibis.Table) -> ibis.Table:
    """The order lines, without those of guests."""
    return events.filter(events.type == "order_completed", events.customer_id.notnull() | events.anonymous_id.notnull())


def held(shop: Shop, pairs: pa.Table) -> ibis.Table:
    """The events of some customers, in memory: found once, for all that is asked of them."""
    events = shop.identities.raw(shop.events_of(pairs)).filter(~ibis._.type.isin(NOTED)).select(*READ)
    return shop.engine.table(shop.engine.to_arrow(events))


def compute(
    engine: Engine,
    events: ibis.Table,
    catalogue: ibis.Table,
    pairs: pa.Table,
    zone: str,
    identities: Identities,
    of: ibis.Table | None = None,
    told: OfLog | None = None,
) -> pa.Table:
    """`features_as_of` on tables, for whoever has them at hand.

    Parameters
    ----------
    of : the events of the pairs' customers alone, where they are `held`.
    told : what the log tells, where it was read already.
    """
    if pairs.num_rows == 0:
        return pa.table({"customer_id": pa.array([], pa.string()), "as_of": pa.array([], TIME)})
    pairs = pairs.select(KEYS)
    latest = pc.max(pairs["as_of"]).as_py()
    told = told or _of_log(engine, events, catalogue)
    there = _before(told.first, latest)
    begin = min(there.values(), default=latest)
    source = source_of(engine, events, catalogue, pairs, zone, identities, begin, of, told.usual_prices)
    values = _values(engine, source, frozenset(there))
    columns = [pairs["customer_id"], pairs["as_of"]]
    features = [feature for feature in FEATURES if feature.needs in there]
    for feature in features:
        is_known = pc.greater(pairs["as_of"], pa.scalar(there[feature.needs], TIME))
        columns.append(pc.if_else(is_known, values[feature.name], pa.scalar(None, pa.float64())))
    return pa.table(columns, schema=_schema(features))


def source_of(
    engine: Engine,
    events: ibis.Table,
    catalogue: ibis.Table,
    pairs: pa.Table,
    zone: str,
    identities: Identities,
    first: datetime,
    of: ibis.Table | None = None,
    usual: pa.Table | None = None,
) -> Source:
    """What levels and tallies of pairs are made from.

    Parameters
    ----------
    first : no event that matters is earlier.
    of, usual : as in `compute`, and `usual_prices` of the log.
    """
    latest = pc.max(pairs["as_of"]).as_py()
    place = pa.array(range(pairs.num_rows), pa.int64())
    has_one_moment = of is None and pairs.num_rows >= MANY and pc.count_distinct(pairs["as_of"]).as_py() == 1
    numbered = pairs.append_column("place", place)
    numbered = numbered.append_column("pair", identities.customers(pairs) if has_one_moment else place)
    asked = engine.table(numbered)
    is_before = ibis._.time < ibis.literal(latest, "timestamp('UTC')")
    events = events.filter(~events.type.isin(NOTED), is_before)
    sold = _sold(events)
    # Each event counts for the customer that it belongs to as of the moment: where there is one
    # moment, it is named after that customer; else each pair is joined to all of the customer's ids.
    if of is not None:
        events = of.filter(is_before)
    else:
        events = identities.named(events, latest) if has_one_moment else identities.raw(events)
    has_other_ids = not has_one_moment and not identities.is_plain
    members = engine.table(identities.members(pairs).rename_columns({"place": "pair"})) if has_other_ids else asked
    return Source(
        events=events.filter(events.customer_id.notnull()),
        usual_prices=usual_prices(sold) if usual is None else engine.table(usual),
        usual_levels=usual_levels(sold, catalogue, asked.select("as_of").distinct()),
        catalogue=catalogue,
        pairs=asked,
        members=members,
        zone=zone,
        first=first,
        last=latest,
        moment=latest if has_one_moment else None,
    )


def source_for(shop: Shop, pairs: pa.Table, of: ibis.Table | None = None) -> Source:
    """What tallies of a shop's pairs are made from; there must be one at least.

    Parameters
    ----------
    of : their events, where they are `held`.
    """
    told = of_log(shop)
    latest = pc.max(pairs["as_of"]).as_py()
    first = min(told.begin or latest, latest)
    zone, pairs = shop.config.shop.timezone, pairs.select(KEYS)
    source = source_of(
        shop.engine, shop.events, shop.catalogue, pairs, zone, shop.identities, first, of, told.usual_prices
    )
    if pc.count_distinct(pairs["as_of"]).as_py() > 1:
        return source
    levels = shop.of_log("profile levels", lambda: shop.engine.to_arrow(source.usual_levels), latest)
    return replace(source, usual_levels=shop.engine.table(levels))


def absent(shop: Shop, as_of: datetime) -> dict[str, str]:
    """The features that the log cannot carry as of a moment, each with the need that is missing."""
    there = _before(of_log(shop).first, as_of)
    return {feature.name: feature.needs for feature in FEATURES if feature.needs not in there}


def _before(first: Mapping[str, datetime | None], until: datetime) -> dict[str, datetime]:
    """What there was evidence of before a moment, and since when."""
    return {need: since for need, since in first.items() if since is not None and since < until}


def _evidence(engine: Engine, events: ibis.Table, catalogue: ibis.Table) -> dict[str, datetime | None]:
    """When the first event came that is evidence of each need; None where none did."""
    tables = {"events": events, "catalogue": catalogue}
    row = engine.answer_once(_evidence_query(events.schema(), catalogue.schema()), tables).to_pylist()[0]
    return {need.removeprefix("first_"): moment and moment.astimezone(UTC) for need, moment in row.items()}


@lru_cache(maxsize=16)
def _evidence_query(events: ibis.Schema, catalogue: ibis.Schema) -> Query:
    said, known = Query.stand_in("events", events), Query.stand_in("catalogue", catalogue)
    since = known.group_by("product_id").agg(
        category_since=known.valid_from.min(where=known.category.notnull()),
        brand_since=known.valid_from.min(where=known.brand.notnull()),
    )
    said = said.filter(~said.type.isin(NOTED))
    return Query(first_times(said.left_join(since, "product_id")))


def _values(engine: Engine, source: Source, there: frozenset[str]) -> dict[str, pa.ChunkedArray]:
    """Each feature that there is evidence for, in the order of the pairs, whatever their moments."""
    levels = [
        _OfLevel(level, numbers)
        for level, features in LEVELS.items()
        if (numbers := tuple(number for number, feature in enumerate(features) if feature.needs in there))
    ]
    pairs = engine.to_arrow(source.pairs.order_by("place"))["pair"]
    values = {}
    for level, found in zip(levels, answers(engine, source, levels), strict=True):
        at = pc.index_in(pairs, found["pair"].combine_chunks())
        for feature in level.features:
            column = found[feature.name].take(at)
            values[feature.name] = column if feature.empty is None else pc.fill_null(column, float(feature.empty))
    return values


class _OfLevel(NamedTuple):
    """Features of a level by the pair, as a question of a source."""

    level: str
    numbers: tuple[int, ...]

    @property
    def features(self) -> list[Feature]:
        return [LEVELS[self.level][number] for number in self.numbers]

    def __call__(self, source: Source) -> ibis.Table:
        return _of_level(self.level, self.features, source)


def _of_level(level: str, features: Sequence[Feature], source: Source) -> ibis.Table:
    """Features of a level by the pair."""
    rows = MAKERS[level](source)
    found = rows.group_by("pair").agg(**{f.name: f.value(rows).cast("float64") for f in features})
    # Rounded: the engine adds floats up in any order, and the same log must give the same
    # features, to the last bit, or what is learned and decided from them would differ too.
    # Twice: what lies half-way between two results of the second is first freed of that noise.
    return found.select("pair", **{f.name: _rounded(_rounded(found[f.name], 1e7), 1e4) for f in features})


def _rounded(values: Any, steps: float) -> Any:
    # A float this large has no room for a fraction: to add it rounds to whole numbers, in every engine to the
    # same one. Their own functions differ half-way: 2.00005 to four digits is 2.0 in one and 2.0001 in another.
    return (values * steps + NO_FRACTION - NO_FRACTION) / steps


def _schema(features: Sequence[Feature]) -> pa.Schema:
    keys = [pa.field("customer_id", pa.string()), pa.field("as_of", TIME)]
    return pa.schema([*keys, *(pa.field(f.name, pa.float64(), metadata=_metadata(f)) for f in features)])


def _metadata(feature: Feature) -> dict[str, str]:
    window = {} if feature.window_days is None else {"window_days": str(feature.window_days)}
    return {"meaning": feature.meaning, "unit": feature.unit, **window}
