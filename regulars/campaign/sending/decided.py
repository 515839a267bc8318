"""Contacts that `decide` chose or drew, put into the queue: each once, at its customer's hour."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from regulars import clock
from regulars.campaign.actions import Action
from regulars.campaign.offer import standing
from regulars.campaign.sending.hours import best_hours, next_at, zones
from regulars.campaign.sending.queue import ALONE, Order, enqueue
from regulars.campaign.sending.ready import refuse_unready
from regulars.campaign.sending.tables import note_down, outbox, prepare
from regulars.clock import micros, moment_of
from regulars.customers import customers_as_of
from regulars.errors import InputError

if TYPE_CHECKING:
    from regulars.shop import Shop
    from regulars.tables import Written

DECIDED = "decided"
"""What stands in the queue for a journey's name; by it they can be switched off."""
OLDEST = timedelta(days=7)
"""Of decisions: later ones would choose others."""


class Queued(NamedTuple):
    """What was put into the queue: as of when it was decided, and contacts by action."""

    as_of: datetime
    contacts: dict[str, int]


def queue_decided(
    shop: Shop,
    message: str,
    moment: datetime,
    actions: Collection[str] = (),
    by: str = "campaign",
    written: Written | None = None,
) -> Queued:
    """Put the contacts of decisions into the queue. Done twice, nothing is sent twice.

    Who was left alone by lot is in no queue: what the others brought is measured against them.

    Parameters
    ----------
    message : what is sent; an offer that an action names goes with it.
    moment : from then on each leaves at its customer's hour. Consents, caps and quiet hours are asked when it leaves.
    actions : "spring by email"; default: all that were decided.
    by : who decided: a table of decisions with `action` and `channel`, and `hour` if it has one.
    written : which table of them, such as the one that somebody approved; default: the newest.

    Raises
    ------
    NotFoundError
        If nothing was decided, or there is no such message.
    InputError
        If the decisions are older than `OLDEST`, or hold no such action; or are not those that `written` names.
    ConfigError
        If nobody has approved the message, or a channel that it goes by is not set up.
    """
    decisions = shop.tables.exactly(by, written) if written else shop.tables.read(by, "decisions")
    as_of = _as_of(decisions)
    if moment - as_of > OLDEST:
        raise InputError(
            f"{by}: the decisions are as of {as_of:%Y-%m-%d %H:%M}, over {OLDEST.days} days before "
            f"{moment:%Y-%m-%d %H:%M}. Decide again: regulars decide {by}"
        )
    rows = decisions.filter(pc.is_valid(decisions["channel"]))
    there = sorted(set(rows["action"].to_pylist()))
    wrong = sorted(set(actions) - set(there))
    if wrong or not there:
        said = f'contacts by "{wrong[0]}"' if wrong else "contacts"
        raise InputError(f"{by}: no {said} were decided. There are: {', '.join(there) or 'none'}.")
    wanted = sorted(actions or there)
    refuse_unready(shop, message, {Action.of(name).channel for name in wanted})
    rows = rows.filter(pc.is_in(rows["action"], pa.array(wanted)))
    orders = _orders(shop, rows, message, _stem(by, as_of), moment)
    with prepare(shop.state).write(alone=ALONE) as change:
        enqueue(change, orders)
    return Queued(as_of, {each["values"]: each["counts"] for each in rows["action"].value_counts().to_pylist()})


def take_back(shop: Shop, message: str, written: Written, by: str = "campaign") -> int:
    """Take contacts of decisions out of the queue that have not left yet; how many.

    They can be queued again; what has left, or may have, is not sent twice even then.

    Raises
    ------
    InputError
        If the decisions are no longer what `written` names.
    """
    stem = _stem(by, _as_of(shop.tables.exactly(by, written)))
    waits = (
        outbox.c.status == "waiting",
        outbox.c.message == message,
        outbox.c.key.startswith(f"{stem}/", autoescape=True),
    )
    with prepare(shop.state).write(alone=ALONE) as change:
        rows = change.execute(sa.select(outbox).where(*waits)).all()
        change.execute(sa.delete(outbox).where(*waits))
        note_down(change, rows, "taken back", "what approved it was taken back before it left", clock.now())
    return len(rows)


def _as_of(decisions: pa.Table) -> datetime:
    return datetime.fromisoformat((decisions.schema.metadata or {})[b"as_of"].decode())


def _stem(by: str, as_of: datetime) -> str:
    """With what the keys of their messages begin."""
    return f"{DECIDED}/{by}/{as_of:%Y%m%dT%H%M%S}"


def _orders(shop: Shop, rows: pa.Table, message: str, stem: str, moment: datetime) -> list[Order]:
    ids = rows["customer_id"].combine_chunks()
    known = customers_as_of(shop, moment)
    known = known.take(pc.index_in(ids, known["customer_id"].combine_chunks()))
    zone = zones(known, shop.config.shop.timezone)
    when = next_at(np.full(len(ids), micros(moment)), zone, _hours(shop, rows, known, zone, moment) * 60)
    offers = {each.name for each in standing(shop.state)}
    made = []
    for customer, name, then in zip(ids.to_pylist(), rows["action"].to_pylist(), when.tolist(), strict=True):
        what, channel = Action.of(name)
        made.append(
            Order(
                f"{stem}/{customer}", DECIDED, 0, name, customer, channel, message,
                what if what in offers else "", {}, moment_of(then),
            )
        )  # fmt: skip
    return made


def _hours(
    shop: Shop, rows: pa.Table, known: pa.Table, zone: npt.NDArray[np.str_], moment: datetime
) -> npt.NDArray[np.int64]:
    """(n,) the hour that was decided, else each customer's best one."""
    if "hour" in rows.column_names:
        return np.asarray(rows["hour"], np.int64)
    settings = shop.config.sending
    best = best_hours(shop, moment, known, zone)
    return best.hours(rows["customer_id"].to_pylist(), settings.quiet_from, settings.quiet_until)
