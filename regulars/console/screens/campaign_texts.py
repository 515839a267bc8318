"""Campaigns: messages, what they say to real customers, and the approval of their texts."""

from __future__ import annotations

from starlette.responses import Response

from regulars.campaign.copy import Messages
from regulars.campaign.copy import approve as approve_text
from regulars.campaign.copy.approval import approvals as said_of
from regulars.campaign.offer import standing
from regulars.campaign.sending import preview, some_customers
from regulars.console.roles import ALL, only
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.customers.by_hand import present
from regulars.errors import RegularsError

screen = Screen("campaigns")

CHANGING = only("growth")
SHOWN = 5
"""Customers to whom a message is shown."""


def is_approved(visit: Visit, name: str) -> bool:
    """Whether all texts of a message are approved as they are now; not of one that there is not."""
    try:
        one = Messages(visit.shop.folder).get(name)
    except RegularsError:
        return False
    said = said_of(visit.shop.state, one.variants)
    return all(each.fingerprint in said and said[each.fingerprint].is_approved for each in one.variants)


@screen.get("/campaigns/message", may=ALL)
def message(visit: Visit) -> Response:
    """One message: its texts, and what it says to real customers."""
    one = Messages(visit.shop.folder).get(visit.needed("name"))
    said = said_of(visit.shop.state, one.variants)
    return visit.page(
        "campaigns/message.html", one=one, texts=[(each, said.get(each.fingerprint)) for each in one.variants],
        offers=[each.name for each in standing(visit.shop.state)], offer=visit.asked("offer"),
        customer=visit.asked("customer"), is_approved=is_approved(visit, one.name), may_change=CHANGING,
    )  # fmt: skip


@screen.get("/campaigns/message/preview", may=ALL)
def shown(visit: Visit) -> Response:
    """What a message would say to a customer, or to a few. Nothing is sent, no coupon is issued."""
    name, customer = visit.needed("name"), visit.asked("customer")
    with visit.console.reading() as shop:
        moment = present(shop)
        people = [customer] if customer else some_customers(shop, moment, SHOWN)
        found = list(preview(shop, name, people, moment, visit.asked("offer")))
    return visit.page("campaigns/preview.html", found=found)


@screen.post("/campaigns/message/approve", may=CHANGING)
def approve(visit: Visit) -> Response:
    """Approve the texts of a message as they are now, or take that back."""
    one, withdraw = Messages(visit.shop.folder).get(visit.given("name")), visit.given("verb") == "withdraw"
    approve_text(visit.shop.state, one, visit.who, withdraw=withdraw)
    visit.note("campaigns.text_withdrawn" if withdraw else "campaigns.text_approved", one.name)
    undo = ("/campaigns/message/approve", {"name": one.name, "verb": "approve" if withdraw else "withdraw"})
    said = visit.t(".said_withdrawn" if withdraw else ".said_text", name=one.name)
    return visit.go("/campaigns/message", said, undo, name=one.name)
