"""Where customers of a journey are now, and what is to be sent: written down in one change."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from regulars.campaign.journey.step import Journey, Send
from regulars.campaign.journey.tables import entries
from regulars.campaign.journey.walk import INSIDE, OUTCOMES, Ints, Sends, Walkers
from regulars.campaign.sending import Order, enqueue
from regulars.campaign.sending.hours import BestHours, next_at
from regulars.clock import moment_of

if TYPE_CHECKING:
    from regulars.shop import Shop


ALONE = "campaign journeys"
"""Changes of journeys are made one at a time, under this name."""


def write(
    shop: Shop,
    journey: Journey,
    rows: list[Any],
    walkers: Walkers,
    before: Ints,
    sends: Sends,
    best: BestHours | None,
    zone: Any,
    moment: datetime,
) -> tuple[int, int, dict[str, int]]:
    """Write down where customers are now, and what is to be sent, in one change: all of it or nothing."""
    changed = np.flatnonzero((walkers.hops != before) | (walkers.outcome != INSIDE))
    names = [step.name for step in journey.steps] + ["exit"]
    orders = _orders(shop, journey, rows, sends, best, zone)
    with shop.state.write(alone=ALONE) as change:
        of = (entries.c.journey == journey.name) & entries.c.outcome.is_(None)
        still = {row.id: row.hops for row in change.execute(sa.select(entries.c.id, entries.c.hops).where(of))}
        mine = [k for k in changed.tolist() if still.get(rows[k].id) == before[k]]
        updates = [
            {
                "of": rows[k].id, "now_step": names[walkers.step[k]], "now_at": moment_of(walkers.at[k]),
                "now_hops": int(walkers.hops[k]), "now_outcome": OUTCOMES.get(int(walkers.outcome[k])),
            }
            for k in mine
        ]  # fmt: skip
        if updates:
            change.execute(
                sa.update(entries)
                .where(entries.c.id == sa.bindparam("of"))
                .values(
                    step=sa.bindparam("now_step"),
                    at=sa.bindparam("now_at"),
                    hops=sa.bindparam("now_hops"),
                    outcome=sa.bindparam("now_outcome"),
                ),
                updates,
            )
        is_mine = set(mine)
        asked_for = [order for walker, order in orders if walker in is_mine]
        enqueue(change, asked_for)
    left: dict[str, int] = {}
    for update in updates:
        if update["now_outcome"]:
            left[update["now_outcome"]] = left.get(update["now_outcome"], 0) + 1
    return len(updates), len(asked_for), left


def _orders(
    shop: Shop, journey: Journey, rows: list[Any], sends: Sends, best: BestHours | None, zone: Any
) -> list[tuple[int, Order]]:
    walker, step, at, hops = sends.arrays()
    when = at.copy()
    settings = shop.config.sending
    at_best = np.array([isinstance(s := journey.steps[k], Send) and s.at_best_hour for k in step.tolist()], bool)
    if best is not None and at_best.any():
        mine = np.flatnonzero(at_best)
        customers = [rows[k].customer_id for k in walker[mine].tolist()]
        hour = best.hours(customers, settings.quiet_from, settings.quiet_until)
        when[mine] = next_at(at[mine], zone[walker[mine]], hour * 60)
    made = []
    for k, number, then, hop in zip(walker.tolist(), step.tolist(), when.tolist(), hops.tolist(), strict=True):
        row, send = rows[k], journey.steps[number]
        if isinstance(send, Send):
            order = Order(
                f"{journey.name}/{row.id}/{hop}", journey.name, row.version, send.name, row.customer_id, send.channel,
                send.message, send.offer, row.about, moment_of(then),
            )  # fmt: skip
            made.append((k, order))
    return made
