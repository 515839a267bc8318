"""Messages on their way: put into the outbox once, claimed by one process, and written down before they leave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import sqlalchemy as sa

from regulars import clock
from regulars.campaign.sending import switch
from regulars.campaign.sending.tables import MAY_HAVE_LEFT, log, note_down, outbox, prepare, suppressed
from regulars.errors import ShopError
from regulars.state import State

LEASE = timedelta(minutes=10)
"""So long a claim holds: a process that died is not waited for longer."""
WEEK = 7
BACKOFF = timedelta(minutes=1)
"""After the first try; each time four times as long."""
ALONE = "campaign sending"


class Order(NamedTuple):
    """A message to be sent: what `enqueue` takes. `key` names the customer's visit to the step."""

    key: str
    journey: str
    version: int
    step: str
    customer_id: str
    channel: str
    message: str
    offer: str
    about: dict[str, Any]
    not_before: datetime


class LostError(ShopError):
    """Another process has taken the message over, or it was switched off."""


def enqueue(change: sa.Connection, orders: Iterable[Order]) -> None:
    """Put messages into the outbox, in a change that is under way; each key once for ever."""
    rows = [{**each._asdict(), "asked_at": each.not_before, "status": "waiting", "tries": 0} for each in orders]
    known: set[str] = set()
    for start in range(0, len(rows), 500):
        keys = [row["key"] for row in rows[start : start + 500]]
        known.update(change.execute(sa.select(outbox.c.key).where(outbox.c.key.in_(keys))).scalars())
    new = [row for row in rows if row["key"] not in known]
    if new:
        change.execute(sa.insert(outbox), new)


def due(state: State, moment: datetime, limit: int) -> list[Any]:
    """Messages whose time has come, of journeys that are on, the longest waiting first."""
    asked = sa.select(outbox).where(outbox.c.status == "waiting", outbox.c.not_before <= moment)
    with prepare(state).read() as view:
        off = switch.read(view)
        if off.is_all_off:
            return []
        asked = asked.where(outbox.c.journey.not_in(off.journeys))
        return list(view.execute(asked.order_by(outbox.c.not_before, outbox.c.id).limit(limit)))


def recover(state: State) -> dict[str, int]:
    """Take over from processes that died: what was only claimed waits again, what may have left is settled.

    A letter that may have left is not sent again, but for those of channels whose receivers know it by its key.
    """
    now = clock.now()
    over = outbox.c.held_until <= now
    with prepare(state).write(alone=ALONE) as change:
        stuck = change.execute(sa.select(outbox).where(outbox.c.status.in_(("claimed", "attempting")), over)).all()
        again = [row for row in stuck if row.status == "claimed" or row.channel != "email"]
        unsure = [row for row in stuck if row not in again]
        _set(change, again, {"status": "waiting", "holder": None, "held_until": None})
        _set(change, unsure, {"status": "unsure", "holder": None, "held_until": None})
        note_down(change, again, "waits again", "the process that sent it died before it left", now)
        note_down(change, unsure, "unsure", "the process that sent it died while it left: it is not sent again", now)
    return {"waiting": len(again), "unsure": len(unsure)}


def claim(
    state: State,
    rows: Sequence[Any],
    moment: datetime,
    *,
    skip: Mapping[int, str],
    hold: Mapping[int, tuple[datetime, str]],
    capped_until: Mapping[int, datetime],
    days: Mapping[int, int],
    already: Mapping[str, Mapping[int, int]],
    caps: tuple[int, int],
    hold_days: int,
) -> tuple[list[Any], str, dict[str, list[str]]]:
    """Take messages for this process, and set aside those that may not leave now, each with its reason.

    Caps are counted under the lock by which all processes claim, so that two cannot both send the last one allowed.

    Parameters
    ----------
    rows : of `due`.
    skip, hold : by id: why it is not sent at all; until when it is held, and why.
    capped_until : by id: when the customer's next day allows it.
    days : by id: the day on the customer's calendar.
    already : customer -> day -> messages that others sent, as the log has it.
    caps : `[sending]` most_per_day and most_per_week; 0 for any.
    hold_days : what has been held so long is not sent any more.

    Returns
    -------
    The rows claimed, the holder's name, and the reasons of those that were skipped and held.
    """
    holder, now = uuid4().hex, clock.now()
    with prepare(state).write(alone=ALONE) as change:
        off = switch.read(change)
        ids = [row.id for row in rows]
        waits = sa.select(outbox.c.id).where(outbox.c.id.in_(ids), outbox.c.status == "waiting")
        still = set(change.execute(waits).scalars())
        rows = [row for row in rows if row.id in still and not off.is_off(row.journey)]
        counts = _counts(change, {row.customer_id for row in rows}, already)
        # Who said STOP since they were judged.
        skipped = {**_stopped(change, rows), **skip}
        held, taken = dict(hold), []
        for row in rows:
            if row.id in skipped or row.id in held:
                continue
            reason = _capped(counts.setdefault(row.customer_id, {}), days[row.id], caps)
            if reason:
                held[row.id] = (capped_until[row.id], reason)
            else:
                counts[row.customer_id][days[row.id]] = counts[row.customer_id].get(days[row.id], 0) + 1
                taken.append(row)
        for row in rows:
            if row.id in held and held[row.id][0] > row.asked_at + timedelta(days=hold_days):
                skipped[row.id] = f"held for {hold_days} days: {held.pop(row.id)[1]}"
        left = [row for row in rows if row.id in skipped]
        waiting = [row for row in rows if row.id in held and row.id not in skipped]
        _set(change, left, {"status": "skipped"})
        note_down(change, left, "skipped", skipped, moment)
        for row in waiting:
            _set(change, [row], {"not_before": held[row.id][0]})
        note_down(change, waiting, "held", {id_: reason for id_, (_, reason) in held.items()}, moment)
        for row in taken:
            values = {"status": "claimed", "holder": holder, "held_until": now + LEASE, "local_day": days[row.id]}
            _set(change, [row], values)
    aside = {"skipped": [skipped[row.id] for row in left], "held": [held[row.id][1] for row in waiting]}
    return taken, holder, aside


def leaving(state: State, row: Any, holder: str, message_id: str, variant: str, propensity: float) -> None:
    """Write down that a letter leaves now.

    Raises
    ------
    LostError
        If it is no longer this process's, or was switched off: it must not leave.
    """
    values = {
        "status": "attempting", "message_id": message_id, "variant": variant, "propensity": propensity,
        "held_until": clock.now() + LEASE,
    }  # fmt: skip
    of = (outbox.c.id == row.id) & (outbox.c.holder == holder) & (outbox.c.status == "claimed")
    with state.write(alone=ALONE) as change:
        if switch.read(change).is_off(row.journey):
            raise LostError(f"{row.journey} was switched off.")
        if change.execute(sa.update(outbox).where(of).values(values)).rowcount != 1:
            raise LostError("another process has taken it over.")


def settle(
    state: State,
    row: Any,
    holder: str,
    status: str,
    moment: datetime,
    reason: str,
    *,
    not_before: datetime | None = None,
    tries: int | None = None,
) -> None:
    """Say how it ended. What this process no longer holds is left to the one that does."""
    values: dict[str, Any] = {"status": status, "holder": None, "held_until": None}
    if status == "sent":
        values["sent_at"] = moment
    if not_before is not None:
        values |= {"not_before": not_before, "local_day": None, "tries": row.tries if tries is None else tries}
    of = (outbox.c.id == row.id) & (outbox.c.holder == holder)
    with state.write(alone=ALONE) as change:
        if change.execute(sa.update(outbox).where(of).values(values)).rowcount:
            note_down(change, [row], "tried" if not_before else status, reason, moment)


def retry_at(moment: datetime, tries: int) -> datetime:
    """When a letter is tried again that was tried so often."""
    return moment + BACKOFF * int(4 ** min(tries, 6))


def history(state: State, *, journey: str = "", customer_id: str = "", what: str = "", limit: int = 100) -> list[Any]:
    """Lines of the log, the newest first."""
    asked = sa.select(log).order_by(log.c.id.desc()).limit(limit)
    for column, wanted in ((log.c.journey, journey), (log.c.customer_id, customer_id), (log.c.what, what)):
        asked = asked.where(column == wanted) if wanted else asked
    with prepare(state).read() as view:
        return list(view.execute(asked))


def _set(change: sa.Connection, rows: Sequence[Any], values: Mapping[str, Any]) -> None:
    if rows:
        of = outbox.c.id.in_([row.id for row in rows])
        change.execute(sa.update(outbox).where(of).values(dict(values)))


def _stopped(change: sa.Connection, rows: Sequence[Any]) -> dict[int, str]:
    of = suppressed.c.customer_id.in_({row.customer_id for row in rows}) & suppressed.c.lifted_at.is_(None)
    found = {(row.customer_id, row.channel) for row in change.execute(sa.select(suppressed).where(of))}
    return {
        row.id: "suppressed"
        for row in rows
        if (row.customer_id, "") in found or (row.customer_id, row.channel) in found
    }


def _counts(
    change: sa.Connection, customers: set[str], already: Mapping[str, Mapping[int, int]]
) -> dict[str, dict[int, int]]:
    """customer -> day -> messages that left or may have left."""
    found = {customer: dict(days) for customer, days in already.items()}
    asked = sa.select(outbox.c.customer_id, outbox.c.local_day).where(
        outbox.c.customer_id.in_(customers), outbox.c.status.in_(MAY_HAVE_LEFT), outbox.c.local_day.is_not(None)
    )
    for customer, day in change.execute(asked):
        days = found.setdefault(customer, {})
        days[day] = days.get(day, 0) + 1
    return found


def _capped(counts: Mapping[int, int], day: int, caps: tuple[int, int]) -> str:
    per_day, per_week = caps
    if per_day and counts.get(day, 0) >= per_day:
        return f"{per_day} messages a day at most"
    in_week = sum(number for of, number in counts.items() if day - WEEK < of <= day)
    if per_week and in_week >= per_week:
        return f"{per_week} messages in seven days at most"
    return ""
