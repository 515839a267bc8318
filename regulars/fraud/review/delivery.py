"""Verdicts on their way into the log: a verdict and its event are written by one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regulars import outbox
from regulars.fraud.review import tables
from regulars.state import State

if TYPE_CHECKING:
    from regulars.shop import Shop

TYPE = "fraud_reviewed"


def deliver(state: State, shop: Shop) -> int:
    """Append to the log all verdicts that wait for it, as events of type `fraud_reviewed`; how many.

    Their outcome is fraud, honest or withdrawn; their properties are attempt_id, reviewer, case, and of one that is
    withdrawn `withdraws`, the id of the event that no longer holds.
    """
    return outbox.deliver(tables.prepare(state), shop, tables.outbox, _event, "verdicts of reviewers")


def _event(row: Any) -> dict[str, Any]:
    return {
        "event_id": row.event_id, "time": row.time, "customer_id": row.customer_id, "type": TYPE,
        "outcome": row.outcome, "properties": row.properties,
    }  # fmt: skip
