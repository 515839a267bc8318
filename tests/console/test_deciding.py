"""Of two who decide the same thing at once, one does."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace

from regulars.console.approvals import Approvals
from regulars.console.deciding import Deciding
from regulars.console.tables import prepare
from regulars.errors import NotFoundError

DECIDING = Deciding("price", "/pricing", "/pricing/approvals")


def visit(approvals, who, form):
    return SimpleNamespace(
        console=SimpleNamespace(approvals=approvals), who=who, form=form, given=form.__getitem__,
        t=lambda key, **_: key, screen=SimpleNamespace(name="pricing"), note=lambda *_: None, go=lambda *about: about,
    )  # fmt: skip


def test_what_two_people_approve_at_once_is_done_once(local):
    approvals = Approvals(prepare(local))
    asked = approvals.ask("price", "tea", {"price": "4.20"}, by="ada@shop.example")
    done, together = [], Barrier(2)

    def do(_, one):
        done.append(one.id)
        time.sleep(0.5)
        return "done"

    def decide(who):
        form = {"status": "approved", "approval": str(asked.id)}
        together.wait()
        try:
            DECIDING.decide(visit(approvals, who, form), do)
        except NotFoundError:
            return "nothing waits"
        return "approved"

    with ThreadPoolExecutor(2) as both:
        found = sorted(both.map(decide, ["bob@shop.example", "cy@shop.example"]))
    assert (found, done) == (["approved", "nothing waits"], [asked.id])
