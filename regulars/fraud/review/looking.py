"""The queue and its cases as reviewers see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from regulars import clock
from regulars.errors import NotFoundError
from regulars.fraud.review.tables import attempts, audit, cases, prepare, verdicts
from regulars.state import State

OWN = ("claimed", "released", "judged", "noted", "undone")
"""What reviewers do; the rest of the audit is of the queue itself."""


class Summary(NamedTuple):
    """A case in the queue. `waits_for` is the look that it waits for: first, second, or settling."""

    id: int
    status: str
    waits_for: str
    customer_id: str | None
    ring: int | None
    attempts: int
    amount: float
    expected_loss: float
    minutes: float
    loss_per_minute: float
    opened_at: datetime
    holder: str | None


class Attempt(NamedTuple):
    """An attempt of a case. `outcome` is the verdict that holds, where it may be seen."""

    attempt_id: str
    customer_id: str | None
    time: datetime
    amount: float | None
    risk: float
    expected_loss: float
    reasons: list[str]
    policy: str
    model_version: int
    outcome: str | None


class Change(NamedTuple):
    """A line of a case's audit."""

    at: datetime
    who: str
    what: str
    about: dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A case whole: its attempts, the riskiest first, and what was done with it, the oldest first."""

    summary: Summary
    attempts: list[Attempt]
    history: list[Change]


def queue(state: State, limit: int = 50) -> list[Summary]:
    """The cases that wait, and those that are held, in the order in which they are handed out."""
    now = clock.now()
    waits = cases.c.status.in_(("open", "claimed", "reopened"))
    asked = sa.select(cases).where(waits).order_by(cases.c.loss_per_minute.desc(), cases.c.id).limit(limit)
    with prepare(state).read() as view:
        return [_summary(row, now) for row in view.execute(asked)]


def case(state: State, case_id: int, reviewer: str | None = None) -> Case:
    """One case.

    Parameters
    ----------
    reviewer : who looks. While two are to judge it blind, each sees of what was said only the own part; without a
        name, nothing of it.

    Raises
    ------
    NotFoundError
        If there is no such case.
    """
    with prepare(state).read() as view:
        found = view.execute(sa.select(cases).where(cases.c.id == case_id)).one_or_none()
        if found is None:
            raise NotFoundError(f"There is no case {case_id}. See: regulars fraud queue")
        rows = view.execute(
            sa.select(attempts)
            .where(attempts.c.case_id == case_id)
            .order_by(attempts.c.risk.desc(), attempts.c.attempt_id)
        ).all()
        done = view.execute(sa.select(audit).where(audit.c.case_id == case_id).order_by(audit.c.id)).all()
        stands = (verdicts.c.case_id == case_id) & (verdicts.c.undone_at.is_(None))
        said = view.execute(sa.select(verdicts).where(stands, verdicts.c.reviewer == reviewer)).all()
    is_hidden = found.is_blind and found.stage in ("first", "second") and found.status != "decided"
    own = {row.attempt_id: row.outcome for row in said}
    of = [
        Attempt(
            row.attempt_id, row.customer_id, row.time, row.amount, row.risk, row.expected_loss, row.reasons, row.policy,
            row.model_version, own.get(row.attempt_id) if is_hidden else row.outcome,
        )
        for row in rows
    ]  # fmt: skip
    history = [
        Change(row.at, row.who, row.what, row.about)
        for row in done
        if not is_hidden or row.what not in OWN or row.who == reviewer
    ]
    return Case(_summary(found, clock.now()), of, history)


def _summary(row: Any, now: datetime) -> Summary:
    is_over = row.status == "claimed" and row.held_until <= now
    return Summary(
        row.id, "open" if is_over else row.status, row.stage, row.customer_id, row.ring, row.attempts, row.amount,
        row.expected_loss, row.minutes, row.loss_per_minute, row.opened_at,
        row.holder if row.status == "claimed" and not is_over else None,
    )  # fmt: skip
