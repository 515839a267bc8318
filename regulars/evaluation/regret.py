"""How far a capability's decisions are from the best: on a simulated shop, whose truth is known."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.shop import Shop
from regulars.simulate.customers import ACTIONS
from regulars.simulate.record import FOLDER
from regulars.simulate.truth import Regret, Truth

SAME_TIME = timedelta(days=1)
NOTHING = "none"
"""The action of a decision to leave a customer alone."""


def regret(shop: Shop, capability: str) -> Regret | None:
    """The regret of the newest decisions of a capability in the log.

    A decision that names no action of the simulation ("contact") is a message; one to leave a customer alone is none.

    Returns
    -------
    None if the shop is not simulated, or nothing was decided as of the moment of its truth (its log's end).
    """
    if not (shop.folder / FOLDER).is_dir():
        return None
    truth = Truth.read(shop.folder)
    events = shop.events
    made = events.filter(events.type == "decision_made", events.event_id.startswith(f"{capability}-"))
    made = made.filter(made.time >= truth.moment - SAME_TIME, made.outcome != NOTHING)
    table = shop.engine.to_arrow(made.select("customer_id", "outcome", "time").order_by("customer_id"))
    if not table.num_rows:
        return None
    table = table.filter(pc.equal(table["time"], pc.max(table["time"])))
    # "coupon by email" is a coupon.
    action = pc.list_element(pc.split_pattern(table["outcome"].combine_chunks(), " "), 0)
    known = pc.is_in(action, pa.array(ACTIONS))
    # Accounts of rings are customers to the log, but none to whom anything could be worth doing.
    honest = np.isin(table["customer_id"].to_numpy(zero_copy_only=False), truth.customers["customer_id"])
    decisions = pa.table({"customer_id": table["customer_id"], "action": pc.if_else(known, action, "message")})
    found = truth.regret(decisions.filter(pa.array(honest)))
    return found._replace(contacts=table.num_rows)


def in_words(found: Regret, currency: str) -> str:
    """What is printed.

    >>> in_words(Regret(200, 30.0, 100.0), "GBP")
    'The 200 newest decisions add 30 GBP; the best 200 would add 100: regret 70 GBP (truth of the simulation).'
    """
    count = f"{found.contacts:,}"
    return (
        f"The {count} newest decisions add {found.profit:,.0f} {currency}; the best {count} would add "
        f"{found.oracle:,.0f}: regret {found.regret:,.0f} {currency} (truth of the simulation)."
    )
