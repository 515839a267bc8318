"""Cases from decisions: what belongs together is looked at together, and what saves most comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from regulars import clock
from regulars.config import FraudSettings
from regulars.errors import InputError, NotFoundError
from regulars.fraud.review.control import chosen
from regulars.fraud.review.tables import attempts, audit, cases, prepare, verdicts
from regulars.state import State

if TYPE_CHECKING:
    from regulars.shop import Shop

COLUMNS = (
    "attempt_id", "customer_id", "action", "risk", "expected_loss", "amount", "reasons", "ring", "time",
    "model_version", "policy",
)  # fmt: skip
REVIEW = "review"
"""The action of decisions that a person looks at."""
QUEUE = "fraud reviews"
"""Changes of which cases there are run one at a time under this name."""
AT_ONCE = 5000
"""So many ids are asked for in one query."""


class Opened(NamedTuple):
    """What `open_cases` did: cases that are new, attempts that are, and cases that went into another."""

    cases: int
    attempts: int
    merged: int


def minutes(attempts_of_case: int, review_minutes: float) -> float:
    """How long a person looks at a case: `review_minutes` times the square root of its attempts.

    Device, address and customer are looked up once for all of them: four take twice as long as one, a hundred ten
    times.

    >>> minutes(1, 3.0), minutes(4, 3.0)
    (3.0, 6.0)
    """
    return float(review_minutes * np.sqrt(attempts_of_case))


def open_cases(state: State, decisions: pa.Table, as_of: datetime, settings: FraudSettings | None = None) -> Opened:
    """Put decisions of fraud that ask for a person into the queue. Doing it again changes nothing but the scores.

    A ring is one case, else a customer is. New attempts go into the case of their ring or customer that waits for its
    first look; what is being looked at, or has been judged, is left alone, and they make a new case. Where it turns out
    that several waiting cases are one ring, they become one.

    Parameters
    ----------
    decisions : attempt_id, customer_id, action, risk, expected_loss, amount, reasons, ring (null where there is none),
        time, model_version, policy. Rows whose action is "review" count; one attempt is in one case for ever.
    as_of : of the decisions.
    settings : `[fraud]`; default: as by default.

    Raises
    ------
    InputError
        If a column is missing.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import UTC
    >>> from pathlib import Path
    >>> day = datetime(2024, 5, 1, tzinfo=UTC)
    >>> held = {"action": "review", "risk": 0.5, "expected_loss": 20.0, "amount": 40.0, "reasons": ["new device"],
    ...         "time": day, "model_version": 1, "policy": "expected loss"}
    >>> rows = [{"attempt_id": name, "customer_id": "ada", "ring": None} | held for name in ("a1", "a2")]
    >>> open_cases(State.open(Path(tempfile.mkdtemp())), pa.Table.from_pylist(rows), day)
    Opened(cases=1, attempts=2, merged=0)
    """
    settings = settings or FraudSettings()
    missing = [name for name in COLUMNS if name not in decisions.column_names]
    if missing:
        raise InputError(f"decisions of fraud lack {', '.join(missing)}. Expected: {', '.join(COLUMNS)}.")
    wanted = decisions.select(COLUMNS).filter(pc.fill_null(pc.equal(decisions["action"], REVIEW), False))
    # Where no label taught the model yet a loss is not known, and 0 stands for it.
    rows: dict[str, dict[str, Any]] = {
        row["attempt_id"]: row | {"expected_loss": row["expected_loss"] or 0.0}
        for row in wanted.drop_columns("action").to_pylist()
    }
    now = clock.now()
    salt = prepare(state).secret("fraud second looks")
    with state.write(alone=QUEUE) as change:
        known = _known(change, rows)
        waiting = _Waiting.read(change, now)
        touched = _scored_anew(change, rows, known, waiting)
        groups = _groups({name: row for name, row in rows.items() if known.get(name, 0) in {0, *touched}})
        first = pa.array([next(iter(group.values()))["attempt_id"] for group in groups], pa.string())
        blind = chosen(first, settings.second_look_share, salt).tolist()
        made = added = merged = 0
        for group, is_blind in zip(groups, blind, strict=True):
            fresh = [row for name, row in group.items() if name not in known]
            customers = {row["customer_id"] for row in group.values()}
            found = waiting.of((known[name] for name in group if name in known), customers)
            if not found:
                found = [_new_case(change, group, is_blind, as_of, now)]
                made += 1
            case, *others = found
            for other in others:
                _merge(change, other, case, now)
            if fresh:
                _add(change, case, fresh, now)
            added, merged = added + len(fresh), merged + len(others)
            waiting.join(case, others, customers)
            touched = (touched - set(others)) | {case}
        _sum_up(change, touched, settings.review_minutes)
    return Opened(made, added, merged)


def fill(shop: Shop) -> Opened:
    """Put the newest decisions of a shop into its queue; nothing, if there are none."""
    try:
        decided = shop.tables.read("fraud", "decisions")
    except NotFoundError:
        return Opened(0, 0, 0)
    as_of = datetime.fromisoformat((decided.schema.metadata or {})[b"as_of"].decode())
    return open_cases(shop.state, decided, as_of, shop.config.fraud)


def _groups(rows: Mapping[str, dict[str, Any]]) -> list[dict[str, dict[str, Any]]]:
    """Attempts by ring, else by customer, else each by itself."""
    found: dict[tuple[str, object], dict[str, dict[str, Any]]] = {}
    for name, row in rows.items():
        key = ("ring", row["ring"]) if row["ring"] is not None else ("customer", row["customer_id"])
        key = key if key[1] is not None else ("attempt", name)
        found.setdefault(key, {})[name] = row
    return list(found.values())


def _known(change: sa.Connection, rows: Mapping[str, Any]) -> dict[str, int]:
    """The case of each attempt that is in one."""
    names = list(rows)
    found: dict[str, int] = {}
    for start in range(0, len(names), AT_ONCE):
        asked = attempts.c.attempt_id.in_(names[start : start + AT_ONCE])
        rows_found = change.execute(sa.select(attempts.c.attempt_id, attempts.c.case_id).where(asked))
        found.update({row.attempt_id: row.case_id for row in rows_found})
    return found


@dataclass
class _Waiting:
    """Cases that new attempts may join, and whose they are."""

    cases: set[int]
    of_customer: dict[str, set[int]]

    @classmethod
    def read(cls, change: sa.Connection, now: datetime) -> _Waiting:
        idle = cases.c.status.in_(("open", "reopened")) | ((cases.c.status == "claimed") & (cases.c.held_until <= now))
        # The rows stay locked until the change is done: nobody claims a case while attempts join it.
        ids = change.execute(
            sa.select(cases.c.id).where(idle, cases.c.stage == "first").order_by(cases.c.id).with_for_update()
        ).scalars()
        found = set(ids)
        of_customer: dict[str, set[int]] = {}
        joined = sa.select(attempts.c.case_id, attempts.c.customer_id).distinct()
        joined = joined.join(cases, cases.c.id == attempts.c.case_id).where(idle, cases.c.stage == "first")
        for case, customer in change.execute(joined):
            if case in found and customer is not None:
                of_customer.setdefault(customer, set()).add(case)
        return cls(found, of_customer)

    def of(self, kin: Iterable[int], customers: Iterable[str | None]) -> list[int]:
        """The waiting cases of some attempts and customers, the oldest first."""
        found = {case for case in kin if case in self.cases}
        return sorted(found.union(*(self.of_customer.get(customer, ()) for customer in customers if customer)))

    def join(self, case: int, others: Iterable[int], customers: Iterable[str | None]) -> None:
        """That a case is now of some customers too, and of those of others, which are gone."""
        self.cases = (self.cases - set(others)) | {case}
        gone = set(others)
        for customer, theirs in self.of_customer.items():
            if theirs & gone:
                self.of_customer[customer] = (theirs - gone) | {case}
        for own in customers:
            if own is not None:
                self.of_customer.setdefault(own, set()).add(case)


def _scored_anew(
    change: sa.Connection, rows: Mapping[str, dict[str, Any]], known: Mapping[str, int], waiting: _Waiting
) -> set[int]:
    """Give known attempts of waiting cases their newest scores; those cases."""
    again = {name: case for name, case in known.items() if case in waiting.cases}
    scores = ("risk", "expected_loss", "reasons", "ring", "policy", "model_version")
    if again:
        change.execute(
            sa.update(attempts)
            .where(attempts.c.attempt_id == sa.bindparam("of"))
            .values({name: sa.bindparam(f"new_{name}") for name in scores}),
            [{"of": name} | {f"new_{key}": rows[name][key] for key in scores} for name in again],
        )
    return set(again.values())


def _new_case(
    change: sa.Connection, group: Mapping[str, dict[str, Any]], is_blind: bool, as_of: datetime, now: datetime
) -> int:
    values = {
        "status": "open", "stage": "first", "is_blind": is_blind, "attempts": 0, "amount": 0.0, "expected_loss": 0.0,
        "minutes": 0.0, "loss_per_minute": 0.0, "opened_at": now, "as_of": as_of,
    }  # fmt: skip
    case = change.execute(sa.insert(cases).values(values).returning(cases.c.id)).scalar_one()
    about = {"as_of": as_of.isoformat(), "attempts": len(group)}
    change.execute(sa.insert(audit).values(case_id=case, at=now, who="regulars", what="opened", about=about))
    return int(case)


def _add(change: sa.Connection, case: int, rows: Iterable[dict[str, Any]], now: datetime) -> None:
    added = [{**row, "case_id": case, "opened_at": now, "outcome": None} for row in rows]
    change.execute(sa.insert(attempts), added)
    about = {"attempts": [row["attempt_id"] for row in added]}
    change.execute(sa.insert(audit).values(case_id=case, at=now, who="regulars", what="added", about=about))


def _merge(change: sa.Connection, case: int, into: int, now: datetime) -> None:
    for table in (attempts, verdicts):
        change.execute(sa.update(table).where(table.c.case_id == case).values(case_id=into))
    change.execute(sa.update(cases).where(cases.c.id == case).values(status="merged", attempts=0, held_until=None))
    said = [(case, "merged into", into), (into, "merged from", case)]
    change.execute(
        sa.insert(audit),
        [
            {"case_id": one, "at": now, "who": "regulars", "what": what, "about": {"case": other}}
            for one, what, other in said
        ],
    )


def _sum_up(change: sa.Connection, touched: Iterable[int], review_minutes: float) -> None:
    """What a case is about, of its attempts."""
    of = attempts.c
    asked = sa.select(
        of.case_id,
        sa.func.count(),
        sa.func.coalesce(sa.func.sum(of.amount), 0.0),
        sa.func.sum(of.expected_loss),
        sa.func.max(of.ring),
        sa.case((sa.func.count(sa.distinct(of.customer_id)) == 1, sa.func.max(of.customer_id))),
    ).group_by(of.case_id)
    found: list[Any] = []
    for start in range(0, len(ids := sorted(touched)), AT_ONCE):
        found += change.execute(asked.where(of.case_id.in_(ids[start : start + AT_ONCE]))).all()
    rows = [
        {
            "of": case, "new_attempts": count, "new_amount": amount, "new_loss": loss, "new_ring": ring,
            "new_customer": customer, "new_minutes": (long := minutes(count, review_minutes)), "new_rank": loss / long,
        }
        for case, count, amount, loss, ring, customer in found
    ]  # fmt: skip
    if rows:
        change.execute(
            sa.update(cases)
            .where(cases.c.id == sa.bindparam("of"))
            .values(
                attempts=sa.bindparam("new_attempts"),
                amount=sa.bindparam("new_amount"),
                expected_loss=sa.bindparam("new_loss"),
                ring=sa.bindparam("new_ring"),
                customer_id=sa.bindparam("new_customer"),
                minutes=sa.bindparam("new_minutes"),
                loss_per_minute=sa.bindparam("new_rank"),
            ),
            rows,
        )
