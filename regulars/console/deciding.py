"""A second person's yes or no, alike on every screen: what is approved is done, and can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.responses import Response

from regulars.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from regulars.console.approvals import Approval
    from regulars.console.visit import Visit

Doing = Callable[["Visit", "Approval"], str]
"""Does what was asked for, or takes it back; what it returns is said."""


def ask(visit: Visit, kind: str, about: str, document: dict[str, str], path: str) -> tuple[str, dict[str, str]]:
    """Ask for something; its undo, which is a rejection.

    Parameters
    ----------
    path : of the screen's approvals; their forms are sent to `decide` beside it.
    """
    made = visit.console.approvals.ask(kind, about, document, by=visit.who)
    visit.note(f"{visit.screen.name}.asked", about, None, {**document, "approval": made.id})
    undo = {"approval": str(made.id), "status": "rejected", "note": visit.t("shell.taken_back")}
    return _beside(path, "decide"), undo


def decide(visit: Visit, kind: str, path: str, do: Doing) -> Response:
    """Approve what was asked for, which does it; or reject it. Nobody approves what he or she asked for.

    Raises
    ------
    NotFoundError
        If nothing of this kind and number waits.
    InputError
        If it is neither, or one's own.
    """
    status, number = visit.given("status"), visit.given("approval")
    if status not in ("approved", "rejected"):
        raise InputError(visit.t("shell.no_such_status"))
    one = next((each for each in visit.console.approvals.waiting(kind) if str(each.id) == number), None)
    if one is None:
        raise NotFoundError(visit.t("shell.no_approval_waits"))
    said = visit.t("shell.approval_rejected", name=one.about)
    if status == "approved":
        if one.asked_by == visit.who:
            raise InputError(visit.t("shell.own_approval"))
        said = do(visit, one)
    visit.console.approvals.decide(one.id, status, by=visit.who, note=str(visit.form.get("note") or ""))
    visit.note(f"{visit.screen.name}.{status}", one.about, {"asked_by": one.asked_by}, one.document)
    return visit.go(path, said, (_beside(path, "reopen"), {"approval": str(one.id)}))


def reopen(visit: Visit, kind: str, path: str, take_back: Doing) -> Response:
    """Take a decision back: what was asked for waits again; what was done because of it is undone first.

    Raises
    ------
    NotFoundError
        If there is no such approval of this kind.
    InputError
        If it waits.
    """
    number = visit.given("approval")
    one = visit.console.approvals.one(int(number)) if number.isdecimal() else None
    if one is None or one.kind != kind:
        raise NotFoundError(visit.t("shell.no_approval_waits"))
    said = visit.t("shell.waits_again", name=one.about)
    if one.status == "approved":
        said = f"{take_back(visit, one)} {said}"
    visit.console.approvals.decide(one.id, "waiting", by=visit.who)
    visit.note(
        f"{visit.screen.name}.reopened", one.about, {**one.document, "status": one.status}, {"status": "waiting"}
    )
    return visit.go(path, said)


def _beside(path: str, verb: str) -> str:
    return f"{path.rpartition('/')[0]}/{verb}"
