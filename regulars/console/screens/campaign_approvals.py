"""Campaigns: what waits for a second person, a journey to start or decided contacts to send."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from regulars import clock
from regulars.campaign.copy import Messages
from regulars.campaign.journey import start as begin
from regulars.campaign.journey import startable
from regulars.campaign.journey import take_back as take_back_start
from regulars.campaign.sending import queue_decided, refuse_unready, take_back
from regulars.console.approvals import Approval
from regulars.console.deciding import Deciding
from regulars.console.roles import ALL, only
from regulars.console.screen import Screen
from regulars.console.screens.campaign_texts import is_approved
from regulars.console.visit import Visit
from regulars.customers.by_hand import present
from regulars.errors import InputError
from regulars.lifecycle.audience import SegmentAudience
from regulars.tables import Written

screen = Screen("campaigns")

CHANGING = only("growth")
CAMPAIGNS = Deciding("campaign", "/campaigns", "/campaigns/approvals")


def waiting_of(visit: Visit, name: str = "") -> list[Approval]:
    """What waits about a journey or message, or about all."""
    return [each for each in visit.console.approvals.waiting(CAMPAIGNS.kind) if name in ("", each.about)]


@screen.post("/campaigns/ask", may=CHANGING)
def ask(visit: Visit) -> Response:
    """Ask to start a journey, or to send a message to whom was decided: another person approves it."""
    what, name = visit.given("what"), visit.given("name")
    document = {"what": what}
    if what == "start":
        with visit.console.reading() as shop:
            startable(shop, name, SegmentAudience(shop, present(shop)))
    elif what == "send":
        # These very decisions are sent once that is approved, whatever is decided meanwhile.
        written = visit.shop.tables.newest("campaign", "decisions")
        table = visit.shop.tables.exactly("campaign", written)
        refuse_unready(visit.shop, name, set(table["channel"].drop_null().unique().to_pylist()))
        document |= {**written._asdict(), "count": f"{table.num_rows - table['channel'].null_count:,}"}
    else:
        raise InputError(visit.t(".no_such_verb"))
    undo = CAMPAIGNS.ask(visit, name, document)
    return visit.go(CAMPAIGNS.page, visit.t(f".said_asked_{what}", name=name), undo)


@screen.get(CAMPAIGNS.page, may=ALL)
def approvals(visit: Visit) -> Response:
    """What waits for a second person, and messages whose text nobody has approved."""
    texts = [(name, is_approved(visit, name)) for name in Messages(visit.shop.folder).names()]
    return visit.page("campaigns/approvals.html", waiting=waiting_of(visit), texts=texts, may_change=CHANGING)


@screen.post("/campaigns/decide", may=CHANGING)
def decide(visit: Visit) -> Response:
    """Approve what was asked for, which does it; or reject it."""
    return CAMPAIGNS.decide(visit, _done)


@screen.post("/campaigns/reopen", may=CHANGING)
def reopen(visit: Visit) -> Response:
    """Take that back: customers enter the version of before, if there was one, and messages that wait do not leave."""
    return CAMPAIGNS.reopen(visit, _undone)


def _done(visit: Visit, asked: Approval) -> str:
    """Do what is approved: both who asked and who approves are named."""
    with visit.console.reading() as shop:
        if asked.document["what"] == "start":
            who = f"{asked.asked_by}, {visit.who}"
            begin(shop, asked.about, who, SegmentAudience(shop, present(shop)), clock.now())
            return visit.t(".said_started", name=asked.about)
        found = queue_decided(shop, asked.about, clock.now(), written=_written(asked.document))
    return visit.t(".said_queued", name=asked.about, count=f"{sum(found.contacts.values()):,}")


def _undone(visit: Visit, asked: Approval) -> str:
    with visit.console.reading() as shop:
        if asked.document["what"] == "start":
            before = take_back_start(shop, asked.about, visit.who)
            said = ".said_stopped" if before is None else ".said_version_again"
            return visit.t(said, name=asked.about, **({} if before is None else {"version": before}))
        count = take_back(shop, asked.about, _written(asked.document))
    return visit.t(".said_unqueued", name=asked.about, count=f"{count:,}")


def _written(document: dict[str, Any]) -> Written:
    return Written(document["file"], document["digest"])
