"""A second person's yes or no, alike on every screen: what is approved is done, and can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import Response

from regulars.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from regulars.console.approvals import Approval
    from regulars.console.visit import Visit

Doing = Callable[["Visit", "Approval"], str]
"""Does what was asked for, or takes it back; what it returns is said."""


class Deciding(NamedTuple):
    """Approvals of a kind on their screen.

    Attributes
    ----------
    kind : of `approvals.Approval`.
    base : below it lie the routes `decide` and `reopen`. page : where one goes after them.
    is_final : what was approved cannot be undone, a rejection can.
    """

    kind: str
    base: str
    page: str
    is_final: bool = False

    def ask(self, visit: Visit, about: str, document: dict[str, Any]) -> tuple[str, dict[str, str]]:
        """Ask for something; its undo, which is a rejection."""
        made = visit.console.approvals.ask(self.kind, about, document, by=visit.who)
        visit.note(f"{visit.screen.name}.asked", about, None, {**document, "approval": made.id})
        undo = {"approval": str(made.id), "status": "rejected", "note": visit.t("shell.taken_back")}
        return f"{self.base}/decide", undo

    def decide(self, visit: Visit, do: Doing) -> Response:
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
        approvals = visit.console.approvals
        with approvals.turn:
            one = next((each for each in approvals.waiting(self.kind) if str(each.id) == number), None)
            if one is None:
                raise NotFoundError(visit.t("shell.no_approval_waits"))
            said = visit.t("shell.approval_rejected", name=one.about)
            if status == "approved":
                if one.asked_by == visit.who:
                    raise InputError(visit.t("shell.own_approval"))
                said = do(visit, one)
            approvals.decide(one.id, status, by=visit.who, note=str(visit.form.get("note") or ""))
        visit.note(f"{visit.screen.name}.{status}", one.about, {"asked_by": one.asked_by}, one.document)
        undo = (f"{self.base}/reopen", {"approval": str(one.id)})
        return visit.go(self.page, said, None if self.is_final and status == "approved" else undo)

    def reopen(self, visit: Visit, take_back: Doing | None = None) -> Response:
        """Take a decision back: what was asked for waits again; what was done because of it is undone first.

        Raises
        ------
        NotFoundError
            If there is no such approval of this kind.
        InputError
            If it waits, or was done and is final.
        """
        number = visit.given("approval")
        approvals = visit.console.approvals
        with approvals.turn:
            one = approvals.one(int(number)) if number.isdecimal() else None
            if one is None or one.kind != self.kind:
                raise NotFoundError(visit.t("shell.no_approval_waits"))
            said = visit.t("shell.waits_again", name=one.about)
            if one.status == "approved":
                if take_back is None:
                    raise InputError(visit.t("shell.is_final", name=one.about))
                said = f"{take_back(visit, one)} {said}"
            approvals.decide(one.id, "waiting", by=visit.who)
        before = {**one.document, "status": one.status}
        visit.note(f"{visit.screen.name}.reopened", one.about, before, {"status": "waiting"})
        return visit.go(self.page, said)
