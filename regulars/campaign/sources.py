"""Whence a shop's lots are known: decisions by lot, experiments, journeys that are split, messages with a chance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from regulars import decisions
from regulars.campaign.actions import LEFT_ALONE, NONE, Action
from regulars.campaign.drawn import DRAWN, Drawn, joined
from regulars.campaign.journey import Journey, Journeys
from regulars.campaign.journey.step import Send, Split, Step
from regulars.campaign.journey.tables import entries, prepare
from regulars.campaign.journey.walk import uniform
from regulars.campaign.lots import messages_by_lot
from regulars.engine.json import extract
from regulars.events.schema import TIME
from regulars.experiment import Experiment, Experiments, exposures

if TYPE_CHECKING:
    from regulars.shop import Shop

DECIDING = ("campaign", "lifecycle")
"""Whose decisions name contacts: those of campaign alone, and the one next best action."""
DECISIONS = "decisions by lot"


def drawn_before(shop: Shop, until: datetime, horizon_days: int) -> Drawn:
    """All draws whose days after are over before a moment; nothing at or after it is looked at."""
    # Of a draw at this very moment the days are over just now.
    last = until - timedelta(days=horizon_days) + timedelta(microseconds=1)
    parts = [
        _decided(shop, last),
        *_experiments(shop, last),
        *_journeys(shop, last),
        messages_by_lot(shop, until, horizon_days),
    ]
    return joined(parts)


def _decided(shop: Shop, last: datetime) -> Drawn:
    """What `decide` drew."""
    events = shop.events
    by = ibis.or_(*(events.event_id.startswith(f"{name}-") for name in DECIDING))
    made = events.filter(
        events.type == decisions.TYPE, by, events.customer_id.notnull(), events.outcome.notnull(),
        events.time < ibis.literal(last),
    )  # fmt: skip
    rows = shop.engine.to_arrow(
        made.select("customer_id", "time", "outcome", "properties", "event_id").order_by("time", "event_id")
    )
    if not rows.num_rows:
        return Drawn.nothing()
    (lot,) = extract(rows["properties"].combine_chunks(), [("lot",)]).columns
    rows = rows.filter(lot.is_valid())
    code = lot.drop_null().dictionary_encode()
    pairs = pa.table({"customer_id": rows["customer_id"], "as_of": rows["time"]})
    return _drawn(
        shop.identities.customers(pairs), rows["time"], rows["outcome"], DECISIONS, code.indices,
        tuple(json.loads(each) for each in code.dictionary.to_pylist()),
    )  # fmt: skip


def _experiments(shop: Shop, last: datetime) -> Iterator[Drawn]:
    """Experiments whose arms are actions, and one of them leaves customers alone."""
    for one in Experiments(shop.state).all():
        names = _as_actions(one)
        if names is None:
            continue
        found = exposures(shop, one.name, last)
        lot = {names[arm.name]: arm.weight for arm in one.arms}
        arms = pa.array([names[each] for each in found["variant"].to_pylist()], pa.string())
        number = pa.array(np.zeros(found.num_rows, np.int64))
        yield _drawn(found["customer_id"], found["time"], arms, f"experiment {one.name}", number, (lot,))


def _as_actions(one: Experiment) -> dict[str, str] | None:
    names = {arm.name: NONE if arm.name.casefold() in LEFT_ALONE else arm.name for arm in one.arms}
    others = [name for name in names.values() if name != NONE]
    is_fit = len(others) == len(names) - 1 and all(Action.of(name).channel for name in others)
    return names if is_fit else None


def _journeys(shop: Shop, last: datetime) -> Iterator[Drawn]:
    """Journeys of which one split sends some of the customers nothing: all who entered, by the part they fall into.

    Who left before the split is among them, in each part alike.
    """
    counted = sa.select(entries.c.journey, entries.c.version, entries.c.customer_id, entries.c.entered_at)
    with prepare(shop.state).read() as view:
        rows = view.execute(counted.where(entries.c.entered_at < last).order_by(entries.c.id)).all()
    for name, number in sorted({(row.journey, row.version) for row in rows}):
        parts = arms_of(Journeys(shop).version(name, number))
        if parts is None:
            continue
        split, arms = parts
        own = [row for row in rows if (row.journey, row.version) == (name, number)]
        ids = pa.array([row.customer_id for row in own], pa.string())
        bounds = np.cumsum([part.share for part in split.parts])[:-1]
        part = np.searchsorted(bounds, uniform(split.name, ids), side="right")
        lot: dict[str, float] = {}
        for arm, each in zip(arms, split.parts, strict=True):
            lot[arm] = lot.get(arm, 0.0) + each.share
        at = pa.array([row.entered_at for row in own], TIME)
        fell = pa.array([arms[k] for k in part.tolist()], pa.string())
        yield _drawn(ids, at, fell, f"journey {name}", pa.array(np.zeros(len(own), np.int64)), (lot,))


def arms_of(journey: Journey) -> tuple[Split, list[str]] | None:
    """The split by which a journey can be judged, and the arm of each of its parts; None if there is not just one."""
    by_name = {step.name: step for step in journey.steps}
    found = []
    for step in journey.steps:
        if not isinstance(step, Split):
            continue
        sends = [_first_send(by_name, part.next) for part in step.parts]
        if any(sends) and not all(sends):
            found.append((step, [Action(journey.name, send.channel).name if send else NONE for send in sends]))
    return found[0] if len(found) == 1 else None


def _first_send(by_name: Mapping[str, Step], name: str) -> Send | None:
    """The first message that a way leads to."""
    seen: set[str] = set()
    ahead = [name]
    while ahead:
        step = by_name.get(here := ahead.pop(0))
        if step is None or here in seen:
            continue
        seen.add(here)
        if isinstance(step, Send):
            return step
        ahead += [following for _, following in step.ways()]
    return None


def _drawn(
    customers: pa.ChunkedArray | pa.Array,
    at: pa.ChunkedArray | pa.Array,
    arm: pa.ChunkedArray | pa.Array,
    source: str,
    lot: pa.Array,
    lots: tuple[dict[str, float], ...],
) -> Drawn:
    count = len(customers)
    columns = [customers, at.cast(TIME), arm, pa.repeat(source, count), lot.cast(pa.int64())]
    return Drawn(pa.table(columns, schema=DRAWN), lots)
