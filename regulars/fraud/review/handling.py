"""What reviewers do with cases: claim, judge, note, give back, take back. Each change is one transaction, with its
line in the audit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from regulars import clock
from regulars.errors import InputError, NotFoundError, ShopError
from regulars.fraud.review.tables import (
    LONGEST_NOTE,
    OUTCOMES,
    attempts,
    audit,
    cases,
    name_of_reviewer,
    outbox,
    plain_text,
    prepare,
    verdicts,
)
from regulars.state import State

LEASE_MINUTES = 30
LONGEST_LEASE_MINUTES = 24 * 60
WITHDRAWN = "withdrawn"
"""Outcome of the event that takes a verdict back; its properties say which event that was."""


class HeldError(ShopError):
    """A case is held by another reviewer, or is no longer held by this one."""


def claim(state: State, reviewer: str, case_id: int | None = None, *, minutes: float = LEASE_MINUTES) -> int | None:
    """Hold a case for a while: the one asked for, else the one that this reviewer holds already, else the next one.

    The next one is what saves most per minute. Of a case that two reviewers judge blind, the second look is never the
    first reviewer's; where the two disagree, neither is handed the case to settle it, but may ask for it.

    Parameters
    ----------
    reviewer : a name. Who signs in under it is for whoever calls this to check.
    minutes : for so long nobody else gets it; claiming it again goes on from now.

    Returns
    -------
    The case's id; None if no case waits for this reviewer.

    Raises
    ------
    NotFoundError
        If there is no such case.
    HeldError
        If the case asked for is held by another, waits for nobody, or waits for another's second look.
    """
    reviewer = name_of_reviewer(reviewer)
    if not 0 < minutes <= LONGEST_LEASE_MINUTES:
        raise InputError(
            f"a case is held for more than 0 and at most {LONGEST_LEASE_MINUTES:,} minutes, not {minutes:g}."
        )
    now = clock.now()
    until = now + timedelta(minutes=minutes)
    with prepare(state).write() as change:
        found = _next(change, reviewer, now) if case_id is None else _asked_for(change, case_id, reviewer, now)
        if found is None:
            return None
        held = {"status": "claimed", "holder": reviewer, "held_until": until}
        change.execute(sa.update(cases).where(cases.c.id == found).values(held))
        _note_down(change, found, reviewer, "claimed", {"until": until.isoformat()}, now)
    return found


def release(state: State, case_id: int, reviewer: str) -> None:
    """Give a case back, for others to claim. What was judged of it stays.

    Raises
    ------
    NotFoundError, HeldError
        If there is no such case, or this reviewer does not hold it.
    """
    reviewer, now = name_of_reviewer(reviewer), clock.now()
    with prepare(state).write() as change:
        case = _held(change, case_id, reviewer, now)
        status = "reopened" if case.stage == "settling" else "open"
        change.execute(sa.update(cases).where(cases.c.id == case_id).values(status=status, held_until=None))
        _note_down(change, case_id, reviewer, "released", {}, now)


def give_verdict(
    state: State, case_id: int, reviewer: str, verdict: str | Mapping[str, str], time: datetime | None = None
) -> str:
    """Say of a case, or of some of its attempts, whether it is fraud.

    A verdict is on its way into the log with the same commit (see `deliver`). Only the second look of two blind ones
    tells the log nothing: where both agree there is nothing to say, else the case waits for a look that settles it.

    Parameters
    ----------
    verdict : "fraud" or "honest" for all that is not judged yet, or {attempt_id: "fraud" or "honest"}.
    time : of the verdict in the shop's log; default: the clock's present.

    Returns
    -------
    The case's status now: claimed while attempts are left, open for a second look, reopened to be settled, or decided.

    Raises
    ------
    NotFoundError
        If there is no such case, or no such attempt in it.
    InputError
        If a verdict is neither, or an attempt was judged in this look already: take that back first.
    HeldError
        If this reviewer does not hold the case.
    """
    reviewer, now = name_of_reviewer(reviewer), clock.now()
    with prepare(state).write() as change:
        case = _held(change, case_id, reviewer, now)
        rows = {row.attempt_id: row for row in change.execute(sa.select(attempts).where(attempts.c.case_id == case_id))}
        live = _live(change, case_id)
        judged = {row.attempt_id: row.outcome for row in live if row.stage == case.stage}
        given = _given(verdict, case_id, rows, judged)
        tells = case.stage != "second"
        added = [
            {
                "case_id": case_id, "attempt_id": name, "reviewer": reviewer, "outcome": outcome, "stage": case.stage,
                "at": now, "event_id": _new_id(now) if tells else None,
            }
            for name, outcome in given.items()
        ]  # fmt: skip
        change.execute(sa.insert(verdicts), added)
        if tells:
            _set_outcomes(change, given)
            _send(change, added, rows, time or now)
        _note_down(change, case_id, reviewer, "judged", {"stage": case.stage, "verdicts": given}, now)
        judged |= given
        if len(judged) < len(rows):
            return "claimed"
        first = {row.attempt_id: row.outcome for row in live if row.stage == "first"}
        status, stage = _after(case, is_agreed=all(first.get(name) == said for name, said in judged.items()))
        decided_at = now if status == "decided" else None
        values = {"status": status, "stage": stage, "held_until": None, "decided_at": decided_at}
        change.execute(sa.update(cases).where(cases.c.id == case_id).values(values))
        _note_down(change, case_id, "regulars", status, {"stage": stage}, now)
    return status


def add_note(state: State, case_id: int, reviewer: str, text: str) -> None:
    """Write something down about a case, at any time: at most 2,000 characters.

    Raises
    ------
    NotFoundError, InputError
        If there is no such case, or the text is none.
    """
    reviewer, text = name_of_reviewer(reviewer), plain_text("The note", text, LONGEST_NOTE)
    with prepare(state).write() as change:
        _case(change, case_id)
        _note_down(change, case_id, reviewer, "noted", {"text": text}, clock.now())


def undo(
    state: State, case_id: int, reviewer: str, of: str | None = None, time: datetime | None = None
) -> dict[str, str]:
    """Take back one's own verdicts on a case; another's only by that one's name. What was said stays on record.

    The log hears of it by an event of its own. A case of which no longer all is decided as before is
    reopened.

    Parameters
    ----------
    of : whose verdicts; default: the reviewer's own.
    time : see `give_verdict`.

    Returns
    -------
    What was taken back: {attempt_id: outcome}.

    Raises
    ------
    NotFoundError
        If there is no such case, or that reviewer has said nothing of it that stands; the message says who has.
    HeldError
        If another holds the case.
    """
    reviewer, now = name_of_reviewer(reviewer), clock.now()
    whose = reviewer if of is None else name_of_reviewer(of)
    with prepare(state).write() as change:
        case = _case(change, case_id)
        is_held = case.status == "claimed" and case.held_until > now
        if is_held and case.holder != reviewer:
            raise HeldError(f"Case {case_id} is held by {_until(case)}. Take the verdict back when it is free.")
        live = _live(change, case_id)
        theirs = [row for row in live if row.reviewer == whose]
        if not theirs:
            others = sorted({row.reviewer for row in live})
            hint = f"It was judged by {', '.join(others)}: say whose verdict to take back." if others else ""
            raise NotFoundError(f"Case {case_id} has no verdict of {whose} that stands. {hint}".rstrip())
        of_attempts = {
            row.attempt_id: row for row in change.execute(sa.select(attempts).where(attempts.c.case_id == case_id))
        }
        change.execute(sa.update(verdicts).where(verdicts.c.id.in_([row.id for row in theirs])).values(undone_at=now))
        told = [row for row in theirs if row.event_id]
        left = {row.attempt_id: row.outcome for row in live if row.reviewer != whose and row.event_id}
        outcomes = {row.attempt_id: left.get(row.attempt_id) for row in told}
        _set_outcomes(change, outcomes)
        taken_back = [
            {
                "case_id": case_id, "attempt_id": row.attempt_id, "reviewer": reviewer, "outcome": WITHDRAWN,
                "event_id": _new_id(now), "withdraws": row.event_id,
            }
            for row in told
        ]  # fmt: skip
        _send(change, taken_back, of_attempts, time or now)
        undone = {row.attempt_id: row.outcome for row in theirs}
        _note_down(change, case_id, reviewer, "undone", {"of": whose, "verdicts": undone}, now)
        is_changed = any(of_attempts[name].outcome != outcome for name, outcome in outcomes.items())
        if is_changed and not is_held:
            # While the second look is awaited, it is the first one again; later, somebody settles it.
            stage = "first" if case.stage in ("first", "second") and case.status != "decided" else "settling"
            values = {"status": "reopened", "stage": stage, "held_until": None, "decided_at": None}
            change.execute(sa.update(cases).where(cases.c.id == case_id).values(values))
            _note_down(change, case_id, "regulars", "reopened", {"stage": stage}, now)
    return undone


def _next(change: sa.Connection, reviewer: str, now: datetime) -> int | None:
    is_held = (cases.c.status == "claimed") & (cases.c.held_until > now)
    own = sa.select(cases.c.id).where(is_held, cases.c.holder == reviewer).order_by(cases.c.id).limit(1)
    found = change.execute(own.with_for_update()).scalar()
    if found is not None:
        return int(found)
    waits = cases.c.status.in_(("open", "reopened")) | ((cases.c.status == "claimed") & (cases.c.held_until <= now))
    is_party = _has_judged(reviewer, "first", "second") & cases.c.is_blind & (cases.c.stage == "settling")
    best = sa.select(cases.c.id).where(waits, ~_was_first(reviewer), ~is_party)
    best = best.order_by(cases.c.loss_per_minute.desc(), cases.c.id)
    # What another is just now claiming is passed over; in SQLite there is no such other.
    found = change.execute(best.limit(1).with_for_update(skip_locked=True)).scalar()
    return None if found is None else int(found)


def _was_first(reviewer: str) -> sa.ColumnElement[bool]:
    """Whether a case waits for a second look, of which this reviewer had the first."""
    return (cases.c.stage == "second") & _has_judged(reviewer, "first")


def _has_judged(reviewer: str, *stages: str) -> sa.ColumnElement[bool]:
    """Whether a verdict of this reviewer, at one of these stages, stands."""
    theirs = (verdicts.c.case_id == cases.c.id) & (verdicts.c.reviewer == reviewer)
    return sa.exists().where(theirs, verdicts.c.stage.in_(stages), verdicts.c.undone_at.is_(None))


def _asked_for(change: sa.Connection, case_id: int, reviewer: str, now: datetime) -> int:
    case = _case(change, case_id)
    if case.status == "claimed" and case.held_until > now and case.holder != reviewer:
        raise HeldError(f"Case {case_id} is held by {_until(case)}. Choose another: regulars fraud claim")
    if case.status in ("decided", "merged"):
        raise HeldError(
            f"Case {case_id} is {case.status}, and waits for nobody. To reopen it: regulars fraud undo {case_id}"
        )
    if change.execute(sa.select(_was_first(reviewer)).where(cases.c.id == case_id)).scalar():
        raise HeldError(f"Case {case_id} waits for a second look by somebody else: {reviewer} had the first.")
    return case_id


def _case(change: sa.Connection, case_id: int) -> Any:
    case = change.execute(sa.select(cases).where(cases.c.id == case_id).with_for_update()).one_or_none()
    if case is None:
        raise NotFoundError(f"There is no case {case_id}. See: regulars fraud queue")
    return case


def _held(change: sa.Connection, case_id: int, reviewer: str, now: datetime) -> Any:
    """A case that this reviewer holds."""
    case = _case(change, case_id)
    if case.status != "claimed" or case.holder != reviewer or case.held_until <= now:
        by = f"held by {_until(case)}" if case.status == "claimed" and case.held_until > now else "not held by anybody"
        raise HeldError(
            f"Case {case_id} is {by}, not by {reviewer}. Claim it first: regulars fraud claim --case {case_id}"
        )
    return case


def _until(case: Any) -> str:
    return f"{case.holder} until {case.held_until:%H:%M} UTC"


def _live(change: sa.Connection, case_id: int) -> list[Any]:
    """The verdicts on a case that stand, the oldest first."""
    stands = (verdicts.c.case_id == case_id) & verdicts.c.undone_at.is_(None)
    return list(change.execute(sa.select(verdicts).where(stands).order_by(verdicts.c.id)))


def _given(
    verdict: str | Mapping[str, str], case_id: int, rows: Mapping[str, Any], judged: Mapping[str, str]
) -> dict[str, str]:
    """What is said of which attempts, checked."""
    if isinstance(verdict, str):
        verdict = {name: verdict for name in rows if name not in judged}
    if not verdict:
        raise InputError(f"Case {case_id}: no attempt is named. Say of which it is: ATTEMPT=fraud or ATTEMPT=honest.")
    for name, outcome in verdict.items():
        if name not in rows:
            raise NotFoundError(f'Case {case_id} has no attempt "{name}". It has: {", ".join(list(rows)[:10])}.')
        if outcome not in OUTCOMES:
            raise InputError(
                f'Case {case_id}, attempt "{name}": "{outcome}" is no verdict; fraud or honest is expected.'
            )
        if name in judged:
            raise InputError(
                f'Case {case_id}: attempt "{name}" is {judged[name]} already. To change it, take that back: '
                f"regulars fraud undo {case_id}"
            )
    return dict(verdict)


def _after(case: Any, *, is_agreed: bool) -> tuple[str, str]:
    """Status and stage of a case once a look is complete."""
    if case.stage == "first" and case.is_blind:
        return "open", "second"
    if case.stage == "second" and not is_agreed:
        return "reopened", "settling"
    return "decided", str(case.stage)


def _new_id(now: datetime) -> str:
    """Of an event. Ids sort as they were made, so that of two verdicts at one moment of the log the later one holds."""
    return f"fraud-reviewed-{now:%Y%m%dT%H%M%S%f}-{uuid4().hex}"


def _set_outcomes(change: sa.Connection, outcomes: Mapping[str, str | None]) -> None:
    if outcomes:
        change.execute(
            sa.update(attempts).where(attempts.c.attempt_id == sa.bindparam("of")).values(outcome=sa.bindparam("said")),
            [{"of": name, "said": outcome} for name, outcome in outcomes.items()],
        )


def _send(change: sa.Connection, said: Iterable[Mapping[str, Any]], rows: Mapping[str, Any], time: datetime) -> None:
    """Put events for the log into the outbox."""
    events = [
        {
            "event_id": row["event_id"],
            "time": time,
            "customer_id": rows[row["attempt_id"]].customer_id,
            "outcome": row["outcome"],
            "properties": {
                "attempt_id": row["attempt_id"], "reviewer": row["reviewer"], "case": row["case_id"],
                **({"withdraws": row["withdraws"]} if "withdraws" in row else {}),
            },
        }
        for row in said
    ]  # fmt: skip
    if events:
        change.execute(sa.insert(outbox), events)


def _note_down(
    change: sa.Connection, case_id: int, who: str, what: str, about: Mapping[str, Any], now: datetime
) -> None:
    change.execute(sa.insert(audit).values(case_id=case_id, at=now, who=who, what=what, about=dict(about)))
