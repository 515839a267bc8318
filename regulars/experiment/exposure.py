"""Who came into which arm, and when: logged once as an event, read back as a table.

A customer counts from the first exposure on. Its arm is the one it was first exposed to, whatever the hash says later:
a visitor who turns out to be a known customer keeps the visitor's arm.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars import clock
from regulars.errors import InputError
from regulars.events.schema import EVENTS, TIME
from regulars.experiment.registry import Experiment, Experiments, StartedError

if TYPE_CHECKING:
    from regulars.shop import Shop

TYPE = "experiment_viewed"
"""After Segment's "Experiment Viewed"."""

EXPOSURES = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("variant", pa.string(), nullable=False),
        pa.field("time", TIME, nullable=False),
        pa.field("propensity", pa.float64()),
    ]
)
"""What `exposures` gives: one row a customer, its first exposure."""

JUMPS = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("variants", pa.list_(pa.string()), nullable=False),
        pa.field("time", TIME, nullable=False),
        pa.field("jumped_at", TIME, nullable=False),
    ]
)
"""What `jumps` gives: the arms in the order in which they were met, and when the first and the second were."""

Eligible = Callable[[str, datetime], pa.Array | pa.ChunkedArray]
"""Of which customers a rule is true as of a moment: their ids."""


class Assigned(NamedTuple):
    """What `assign_all` did.

    Attributes
    ----------
    added : {arm: customers exposed by this call}.
    already : customers that were exposed before.
    outside : customers asked of that are not in it: held out, in another experiment of the layer, or above the share.
    log_version : of the log that has the exposures.
    """

    added: dict[str, int]
    already: int
    outside: int
    log_version: int


def arm_of(shop: Shop, name: str, customer_id: str, as_of: datetime) -> str | None:
    """The arm of one customer: that of its first exposure before a moment, else what the hash says; None if in none.

    Parameters
    ----------
    customer_id : any id; the customer is the one that it belongs to as of the moment.

    Raises
    ------
    NotFoundError
        If there is no such experiment.
    StartedError
        If it is not running.
    InputError
        If the id is empty.
    """
    known = Experiments(shop.state)
    experiment = _running(known.get(name))
    plan = experiment.plan(known.holdout)
    pair = pa.table({"customer_id": [customer_id], "as_of": pa.array([as_of], TIME)})
    customer = shop.identities.customers(pair)[0].as_py()
    rows = _named(shop, shop.events_of(pair), experiment, as_of)
    first = shop.engine.to_arrow(rows.order_by("time", "variant").select("variant").limit(1))
    return first["variant"][0].as_py() if first.num_rows else plan.arm(customer)


def expose(shop: Shop, name: str, customer_id: str, time: datetime) -> str | None:
    """Log that a customer has come into its arm, once; the arm, or None if it is in none. See `arm_of` for errors."""
    arm = arm_of(shop, name, customer_id, time)
    if arm is not None:
        experiment = Experiments(shop.state).get(name)
        shop.log.append(_events(experiment, pa.array([customer_id]), pa.array([arm]), time), f"exposure to {name}")
    return arm


def assign_all(shop: Shop, name: str, as_of: datetime, eligible: Eligible | None = None) -> Assigned:
    """Expose every customer that is in an experiment and was not yet, in one commit of the log.

    Doing it again adds those who came since: new customers, who became eligible, or whom a ramp took in.

    Parameters
    ----------
    eligible : finds of whom the experiment's rule is true; needed if it has one. Customers without an order are asked
        of too, if the rule is true of them; without a rule, it is about those of `shop.customers`.

    Raises
    ------
    NotFoundError
        If there is no such experiment.
    StartedError
        If it is not running.
    InputError
        If it has a rule, and `eligible` is not given.
    """
    known = Experiments(shop.state)
    experiment = _running(known.get(name))
    if experiment.eligible and eligible is None:
        raise InputError(
            f'experiment "{experiment.name}" is about customers of a rule, and nothing was given to find them.'
        )
    if experiment.eligible and eligible is not None:
        found = eligible(experiment.eligible, as_of)
    else:
        found = shop.customers(as_of)["customer_id"]
    ids = pa.chunked_array(found).combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    # Of any time: who is exposed later than this moment has been exposed all the same.
    events = shop.identities.named(_exposures(shop.events, experiment), as_of)
    exposed = shop.engine.to_arrow(events.select("customer_id").distinct())["customer_id"]
    is_known = pc.is_in(ids, exposed.combine_chunks())
    fresh = ids.filter(pc.invert(is_known))
    arms = experiment.plan(known.holdout).assigned(fresh)
    is_in = pc.is_valid(arms)
    fresh, arms = fresh.filter(is_in), arms.filter(is_in)
    version = shop.log.version
    if len(fresh):
        version = shop.log.append(_events(experiment, fresh, arms, as_of), f"exposures to {experiment.name}")
    counted = {row["values"]: row["counts"] for row in arms.value_counts().to_pylist()}
    already = int(pc.sum(is_known).as_py() or 0)
    added = {arm.name: counted.get(arm.name, 0) for arm in experiment.arms}
    return Assigned(added, already, len(ids) - already - len(fresh), version)


def exposures(shop: Shop, name: str, as_of: datetime) -> pa.Table:
    """Who had come into which arm before a moment, in the columns of `EXPOSURES`, by id.

    Ids are the customers that they belong to as of the moment; of several exposures the first counts, whatever arm the
    later ones say (`jumps` finds those). An event that names another arm than the experiment has is left out.

    Raises
    ------
    NotFoundError
        If there is no such experiment.
    """
    experiment = Experiments(shop.state).get(name)
    rows = _named(shop, shop.events, experiment, as_of)
    # Of exposures at one moment to two arms, any would do, but always the same.
    firsts = rows.order_by("time", "variant").distinct(on="customer_id", keep="first")
    return shop.engine.to_arrow(firsts.order_by("customer_id").select(*EXPOSURES.names)).cast(EXPOSURES)


def jumps(shop: Shop, name: str, as_of: datetime) -> pa.Table:
    """Customers who met more than one arm before a moment, in the columns of `JUMPS`, by id; see `exposures`.

    A visitor who had one arm on each of two devices is one, once both are known to be the same customer.
    """
    experiment = Experiments(shop.state).get(name)
    rows = _named(shop, shop.events, experiment, as_of)
    met = rows.group_by("customer_id", "variant").agg(time=rows.time.min())
    met = met.group_by("customer_id").agg(
        variants=met.variant.collect(order_by=[met.time, met.variant]),
        times=met.time.collect(order_by=[met.time, met.variant]),
    )
    several = met.filter(met.variants.length() > 1)
    found = several.mutate(time=several.times[0], jumped_at=several.times[1]).order_by("customer_id")
    return shop.engine.to_arrow(found.select(*JUMPS.names)).cast(JUMPS)


def _running(experiment: Experiment) -> Experiment:
    if experiment.status != "running":
        hint = f" Start it: regulars experiment start {experiment.name!r}" if experiment.status == "draft" else ""
        raise StartedError(f'experiment "{experiment.name}" is {experiment.status}, and assigns nobody.{hint}')
    return experiment


def _named(shop: Shop, events: ibis.Table, experiment: Experiment, as_of: datetime) -> ibis.Table:
    """The exposures before a moment, by the customers as of it."""
    before = _exposures(events, experiment)
    before = before.filter(before.time < ibis.literal(as_of, "timestamp('UTC')"))
    rows = shop.identities.named(before, as_of)
    return rows.filter(rows.customer_id.notnull(), rows.customer_id != "")


def _exposures(events: ibis.Table, experiment: Experiment) -> ibis.Table:
    """Events that expose to a generation of an experiment; those that tell none are of the first.

    Segment's own events name the experiment as experiment_name or experiment_id.
    """
    rows = events.filter(events.type == TYPE, events.variant.isin([arm.name for arm in experiment.arms]))
    said: Any = rows.properties.cast("json")
    names = [said[key].str for key in ("experiment", "experiment_name", "experiment_id")]
    is_own = ibis.or_(*((name == experiment.name).fill_null(False) for name in names))
    generation = said["generation"].int.fill_null(1)
    rows = rows.filter(is_own, generation == experiment.generation)
    return rows.select("customer_id", "anonymous_id", "variant", "time", "propensity")


def _events(experiment: Experiment, ids: pa.Array, arms: pa.Array, time: datetime) -> pa.Table:
    """Exposures as events. Their ids are made of experiment, generation, arm and customer: again is no new event."""
    count = len(ids)
    weights = {arm.name: arm.weight for arm in experiment.arms}
    names = pa.array(weights)
    at = pc.index_in(arms, names)
    prefix = f"experiment/{experiment.name}/{experiment.generation}/"
    properties = json.dumps({"experiment": experiment.name, "generation": experiment.generation}, ensure_ascii=False)
    columns = {
        "event_id": pc.binary_join_element_wise(pa.scalar(prefix), arms, "/", ids, ""),
        "line": pa.array(np.zeros(count, np.int32)),
        "time": pa.repeat(pa.scalar(time, TIME), count),
        "received_at": pa.repeat(pa.scalar(clock.now(), TIME), count),
        "customer_id": ids,
        "type": pa.repeat(TYPE, count),
        "variant": arms,
        "propensity": pa.array(list(weights.values())).take(at),
        "properties": pa.repeat(properties, count),
    }
    return pa.table([columns.get(field.name, pa.nulls(count, field.type)) for field in EVENTS], schema=EVENTS)
