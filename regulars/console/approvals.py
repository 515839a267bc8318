"""What one person asks for and another approves: a price, a campaign, a model put to use."""

from __future__ import annotations

from datetime import datetime
from threading import Lock
from typing import Any, NamedTuple

import sqlalchemy as sa

from regulars import clock
from regulars.console.tables import approvals
from regulars.errors import InputError, NotFoundError
from regulars.state import State


class Approval(NamedTuple):
    """Something asked for.

    Attributes
    ----------
    kind : of what, such as price; screens ask for their own.
    about : its id. document: what it was asked as, plain values.
    status : waiting, approved or rejected.
    """

    id: int
    kind: str
    about: str
    document: dict[str, Any]
    asked_by: str
    asked_at: datetime
    status: str
    decided_by: str | None
    decided_at: datetime | None
    note: str | None


_COLUMNS = [approvals.c[name] for name in Approval._fields]


class Approvals:
    """The approvals of a shop.

    Attributes
    ----------
    turn : held by whoever decides and does what was asked for, so that it is done once.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from regulars.console.tables import prepare
    >>> state = prepare(State.open(Path(tempfile.mkdtemp())))
    >>> found = Approvals(state)
    >>> asked = found.ask("price", "tea", {"price": 4.5}, by="ada@shop.example")
    >>> found.decide(asked.id, "approved", by="bob@shop.example").status, found.waiting()
    ('approved', [])
    >>> state.close()
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.turn = Lock()

    def ask(self, kind: str, about: str, document: dict[str, Any], *, by: str) -> Approval:
        """Ask for something."""
        row = {
            "kind": kind, "about": about, "document": document, "asked_by": by, "asked_at": clock.now(),
            "status": "waiting",
        }  # fmt: skip
        with self._state.write() as change:
            return Approval(*change.execute(sa.insert(approvals).values(row).returning(*_COLUMNS)).one())

    def waiting(self, kind: str = "") -> list[Approval]:
        """What waits, the oldest first; of a kind, or of all."""
        asked = sa.select(*_COLUMNS).where(approvals.c.status == "waiting").order_by(approvals.c.id)
        asked = asked.where(approvals.c.kind == kind) if kind else asked
        with self._state.read() as view:
            return [Approval(*row) for row in view.execute(asked)]

    def one(self, number: int) -> Approval:
        """One of them, whatever became of it; NotFoundError if there is none."""
        with self._state.read() as view:
            row = view.execute(sa.select(*_COLUMNS).where(approvals.c.id == number)).first()
        if row is None:
            raise NotFoundError(f"There is no approval {number}.")
        return Approval(*row)

    def decide(self, number: int, status: str, *, by: str, note: str = "") -> Approval:
        """Approve or reject; "waiting" takes a decision back.

        Raises
        ------
        NotFoundError
            If there is no such approval.
        InputError
            If it was decided meanwhile.
        """
        with self._state.write(alone="approvals") as change:
            found = change.execute(sa.select(*_COLUMNS).where(approvals.c.id == number)).first()
            if found is None:
                raise NotFoundError(f"There is no approval {number}.")
            if (found.status == "waiting") == (status == "waiting"):
                raise InputError(f"Approval {number} is {found.status} already, by {found.decided_by or 'nobody'}.")
            decided: dict[str, object] = {"status": status, "decided_by": by, "decided_at": clock.now(), "note": note}
            if status == "waiting":
                decided |= {"decided_by": None, "decided_at": None, "note": None}
            asked = sa.update(approvals).where(approvals.c.id == number).values(decided).returning(*_COLUMNS)
            return Approval(*change.execute(asked).one())
