"""Triggers that were set off, on their way to journeys and to a webhook: each at least once, under its key.

What fired and up to where events are known is written by one transaction. From there each goes into the log as an event
(`trigger_fired`), once, where journeys see it; and to the webhook, one after the other for each customer, until the
receiver has said that it has it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx2
import sqlalchemy as sa

from regulars import clock
from regulars.outbox import deliver
from regulars.realtime.triggers import Fired
from regulars.state import Moment, State
from regulars.webhook import SIGNATURE, Transport, signature

if TYPE_CHECKING:
    from regulars.shop import Shop

PART = "realtime"
TYPE = "trigger_fired"
SECRET = "realtime webhook"  # noqa: S105 the name of one
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE realtime_fired (
            id {id}, key TEXT NOT NULL UNIQUE, trigger_name TEXT NOT NULL, customer_id TEXT NOT NULL, product_id TEXT,
            at BIGINT NOT NULL, delivered_at BIGINT, posted_at BIGINT
        )
        """,
        "CREATE INDEX realtime_fired_waiting ON realtime_fired (delivered_at, posted_at)",
        "CREATE TABLE realtime_position (name TEXT PRIMARY KEY, position BIGINT NOT NULL)",
    ),
)
_metadata = sa.MetaData()

outbox = sa.Table(
    "realtime_fired",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("key", sa.Text),
    sa.Column("trigger_name", sa.Text),
    sa.Column("customer_id", sa.Text),
    sa.Column("product_id", sa.Text),
    sa.Column("at", Moment),
    sa.Column("delivered_at", Moment),
    sa.Column("posted_at", Moment),
)
"""One a trigger that was set off; `delivered_at` is when the log had it, `posted_at` when the webhook did."""
_position = sa.Table(
    "realtime_position", _metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("position", sa.BigInteger)
)


def prepare(state: State) -> State:
    """Make the tables where they are missing; the same state."""
    state.migrate(PART, STEPS)
    return state


def keep(state: State, fired: Sequence[Fired], position: int) -> int:
    """Write down what fired, each key once for ever, and up to where events were asked; how many are new."""
    with prepare(state).write(alone=PART) as change:
        known: set[str] = set()
        keys = [each.key for each in fired]
        for start in range(0, len(keys), 500):
            known.update(
                change.execute(sa.select(outbox.c.key).where(outbox.c.key.in_(keys[start : start + 500]))).scalars()
            )
        new = {each.key: each for each in fired if each.key not in known}
        rows = [
            {"key": each.key, "trigger_name": each.trigger, "customer_id": each.customer_id, "at": each.at,
             "product_id": each.product_id}
            for each in new.values()
        ]  # fmt: skip
        if rows:
            change.execute(sa.insert(outbox), rows)
        change.execute(sa.delete(_position))
        change.execute(sa.insert(_position).values(name=PART, position=position))
    return len(rows)


def position(state: State) -> int | None:
    """Up to where events were asked; None before the first. What lies beyond must not be forgotten by the inbox."""
    with prepare(state).read() as view:
        return view.execute(sa.select(_position.c.position)).scalar()


def to_log(shop: Shop) -> int:
    """Put what fired into the log, once each; how many."""
    return deliver(prepare(shop.state), shop, outbox, _event, "triggers")


def _event(row: Any) -> dict[str, Any]:
    return {
        "event_id": f"trigger-{row.key}", "time": row.at, "type": TYPE, "customer_id": row.customer_id,
        "product_id": row.product_id, "outcome": row.trigger_name, "properties": {"key": row.key},
    }  # fmt: skip


class Posted(NamedTuple):
    """How it went: how many were taken, how many wait for another try, and why the last of them does."""

    taken: int
    waiting: int
    why: str = ""


def post(shop: Shop, limit: int = 500) -> Posted:
    """Send what fired to `[realtime] webhook`, in order for each customer.

    A receiver knows each by `Idempotency-Key` and drops what it has; the body is signed as of campaigns' webhooks. Of a
    customer whose message was not taken, the later ones wait.
    """
    settings, state = shop.config.realtime, prepare(shop.state)
    if not settings.webhook:
        return Posted(0, 0)
    asked = sa.select(outbox).where(outbox.c.posted_at.is_(None)).order_by(outbox.c.id).limit(limit)
    with state.read() as view:
        rows = view.execute(asked).all()
    secret, held, taken, why = state.secret(SECRET), set[str](), 0, ""
    transport = Transport(shop.config.shop.private_networks)
    with httpx2.Client(transport=transport, timeout=settings.timeout_seconds, follow_redirects=False) as client:
        for row in rows:
            if row.customer_id in held:
                continue
            try:
                answer = _answered(client, settings.webhook, secret, row)
            except httpx2.HTTPError as error:  # it does not answer: no use to wait for it once for each row
                why = str(error) or type(error).__name__
                break
            if not answer.is_success:
                held.add(row.customer_id)
                why = f"it answered {answer.status_code}"
                continue
            with state.write() as change:
                change.execute(sa.update(outbox).where(outbox.c.id == row.id).values(posted_at=clock.now()))
            taken += 1
    return Posted(taken, len(rows) - taken, why)


def _answered(client: httpx2.Client, url: str, secret: str, row: Any) -> httpx2.Response:
    said = {
        "key": row.key, "trigger": row.trigger_name, "customer_id": row.customer_id, "product_id": row.product_id,
        "at": row.at.isoformat(),
    }  # fmt: skip
    body = json.dumps(said, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8", "Idempotency-Key": row.key.encode().hex(),
        SIGNATURE: signature(secret, int(clock.now().timestamp()), body),
    }  # fmt: skip
    return client.post(url, content=body, headers=headers)
