"""The campaigns screen, over a shop that can write to its customers: a journey from its approval to the mailbox."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pyarrow as pa
import pytest
import tomlkit
from aiosmtpd.controller import Controller

from regulars import Shop, clock
from regulars.campaign.effects import CampaignEffect, Total
from regulars.console.screens import campaign_audience
from regulars.customers.by_hand import present

NOON = datetime(2024, 5, 15, 12, tzinfo=UTC)
CART = (
    'note = "Reminds of a cart."\n[trigger]\nevent = "product_added"\n[goal]\nevent = "order_completed"\n'
    '[[step]]\nname = "hour"\nwait = "1 hour"\n[[step]]\nname = "remind"\nsend = "abandoned_cart"\n'
)

LAUNCHED = 90
"""Customers, of whom a lot lets half hear of it: more than the thirty of each kind that an interval needs."""
WISH = (
    'note = "Asks about a wish."\n[trigger]\nevent = "product_added_to_wishlist"\n[goal]\nevent = "order_completed"\n'
    '[[step]]\nname = "by chance"\nsplit = [{ name = "written to", share = 0.5, next = "write" }, '
    '{ name = "left alone", share = 0.5, next = "exit" }]\n[[step]]\nname = "write"\nsend = "welcome_again"\n'
)


class Mailbox:
    """A mail server of this machine: to whom something came."""

    def __init__(self) -> None:
        self.recipients: list[str] = []

    async def handle_DATA(self, server, session, envelope):
        self.recipients += envelope.rcpt_tos
        return "250 taken"


@pytest.fixture(scope="module")
def mailbox():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = Mailbox()
    controller = Controller(found, hostname="127.0.0.1", port=port)
    controller.start()
    yield found, port
    controller.stop()


@pytest.fixture(scope="module")
def hostile_shop(tmp_path_factory, record, mailbox):
    """Ada has put a pot into her cart, and has an address; the journey "cart" would remind her."""
    shop = Shop.create(tmp_path_factory.mktemp("mailing") / "shop")
    path = shop.folder / "shop.toml"
    document = tomlkit.parse(path.read_text())
    document["sending"].update(
        smtp=f"smtp://127.0.0.1:{mailbox[1]}", sender="Tea <hello@tea.example>", quiet_from=0, quiet_until=0,
        unsubscribe_url="https://tea.example/u/", stale_hours=24 * 365,
    )  # fmt: skip
    path.write_text(tomlkit.dumps(document))
    shop = Shop.open(shop.folder)
    start = NOON - timedelta(days=40)
    traits = {"email": "ada@tea.example", "country": "GB", "language": "en"}
    record(
        shop,
        {"type": "customer_identified", "customer_id": "ada", "time": start.isoformat(),
         **{f"properties.{name}": value for name, value in traits.items()}},
        {"type": "consent_given", "customer_id": "ada", "time": start.isoformat(), "text": "marketing"},
        {"type": "product_added", "customer_id": "ada", "time": (NOON - timedelta(hours=4)).isoformat(),
         "product_id": "pot", "title": "Pot"},
    )  # fmt: skip
    journeys = shop.folder / "campaigns" / "journeys"
    journeys.mkdir(parents=True)
    (journeys / "cart.toml").write_text(CART)
    (journeys / "wish.toml").write_text(WISH)
    (journeys / "broken.toml").write_text(CART.replace("abandoned_cart", "nothing_like_it"))
    return shop


@pytest.fixture
def growth(browser_of):
    return browser_of("growth")


def ended(console, kind):
    """The newest job of a kind, when it has ended."""
    job = console.jobs.newest(kind)
    for _ in range(400):
        job = console.jobs.one(job.id)
        if job.status != "running":
            break
        time.sleep(0.05)
    return job


def test_the_list_has_own_and_ready_journeys(growth):
    text = growth.get("/campaigns").text
    assert "Reminds of a cart." in text
    assert "welcome" in text
    assert ">1 row<" in growth.get("/campaigns?state=not_started&q=broken").text
    assert "No journey like this" in growth.get("/campaigns?q=zzz").text


def test_a_journey_is_drawn_and_tried_on_days_that_are_over(growth):
    drawn = growth.get("/campaigns/journey/graph?name=cart")
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert "remind" in drawn.text
    text = growth.get("/campaigns/journey/tried?name=cart").text
    assert "Customers who entered" in text
    assert "remind" in text
    assert "nothing_like_it" in growth.get("/campaigns/journey/tried?name=broken").text
    assert growth.get("/campaigns/journey?name=nowhere").status_code == 404


def test_a_journey_says_when_it_writes(growth):
    text = growth.get("/campaigns/journey?name=cart").text
    for said in (
        "30 days later at the earliest",
        "Quiet hours</dt><dd>none</dd>",
        "Messages a week, at most</dt><dd>3</dd>",
    ):
        assert said in text


def test_a_message_is_read_as_customers_will_read_it(growth):
    text = growth.get("/campaigns/message/preview?name=abandoned_cart").text
    assert "ada" in text
    assert "tea.example/u/" in text
    assert "There is no such customer" in growth.get("/campaigns/message/preview?name=abandoned_cart&customer=x").text


def test_from_its_approval_to_the_mailbox(growth, browser_of, console, mailbox):
    start = {"what": "start", "name": "cart"}
    early = growth.post("/campaigns/ask", start)
    assert (early.status_code, "nobody has approved" in early.text) == (400, True)
    growth.post("/campaigns/message/approve", {"name": "abandoned_cart", "verb": "approve"})
    assert "Approved by growth@shop.example" in growth.get("/campaigns/message?name=abandoned_cart").text
    assert growth.post("/campaigns/ask", start).headers["location"] == "/console/campaigns/approvals"
    (waiting,) = console.approvals.waiting("campaign")
    form = {"approval": str(waiting.id), "status": "approved"}
    assert growth.post("/campaigns/decide", form).status_code == 400  # one's own
    admin = browser_of("admin")
    with clock.held_at(NOON - timedelta(hours=6)):
        assert admin.post("/campaigns/decide", form).status_code == 303
    assert admin.post("/campaigns/decide", form).status_code == 404
    with clock.held_at(NOON):
        growth.post("/campaigns/run")
        job = ended(console, "campaigns.job_run")
    assert (job.status, "1 message sent" in job.said) == ("done", True), job.said
    assert mailbox[0].recipients == ["ada@tea.example"]
    assert "sent" in growth.get("/campaigns/queue?journey=cart&status=sent").text
    text = growth.get("/campaigns/journey?name=cart").text
    assert "by growth@shop.example, admin@shop.example" in text
    growth.post("/campaigns/stop", {"name": "cart"})
    assert ">1 row<" in growth.get("/campaigns?state=stopped").text
    growth.post("/campaigns/resume", {"name": "cart"})
    assert ">1 row<" in growth.get("/campaigns?state=open").text
    assert "growth@shop.example" in admin.get("/settings/audit?about=cart").text


def test_everything_can_be_switched_off_and_on_again(growth):
    growth.post("/campaigns/switch", {"name": "all", "off": "yes"})
    text = growth.get("/campaigns").text
    assert "Everything is switched off" in text
    assert "Undo" in text
    growth.post("/campaigns/switch", {"name": "all", "off": "no"})
    assert "Everything is switched off" not in growth.get("/campaigns").text
    assert growth.post("/campaigns/switch", {"name": "nowhere", "off": "yes"}).status_code == 404


def test_what_nobody_knows_yet_is_said(growth):
    assert "regulars decide campaign" in growth.get("/campaigns/audience").text
    assert "No campaign model" in growth.get("/campaigns/audience/reach").text
    assert "regulars decide campaign" in growth.get("/campaigns/results/effects").text


def test_a_budget_says_who_is_in(growth, monkeypatch):
    table = pa.table(
        {
            "customer_id": ["ada", "bob", "cy"], "action": ["message by email"] * 3, "expected_gain": [3.0, 2.0, 1.0],
            "gain_low": [1.0, 0.0, -1.0], "gain_high": [5.0, 4.0, 3.0], "cost": [0.5] * 3, "spent": [0.5, 1.0, 1.5],
            "earned": [2.5, 4.0, 4.5],
        }
    )  # fmt: skip
    monkeypatch.setattr(campaign_audience, "reach", lambda shop, moment: table)
    text = growth.get("/campaigns/audience/reach?budget=1").text
    assert "2 rows" in text
    assert "4.00" in text
    assert "of 3 worth a contact" in text
    assert "budget=1&amp;sort=expected_gain" in text
    assert growth.get("/campaigns/audience/reach?budget=much").status_code == 400


def decide(console, customers, moment):
    table = pa.table(
        {
            "customer_id": [*customers, "bob"], "action": ["message by email"] * len(customers) + ["none"],
            "channel": ["email"] * len(customers) + [None], "cost": [0.01] * len(customers) + [0.0],
            "hour": [9] * len(customers) + [None],
        }
    )  # fmt: skip
    console.shop.tables.write("campaign", "decisions", table, moment)


def test_those_very_contacts_are_sent_that_another_person_approved(growth, browser_of, console):
    moment, admin = present(console.shop), browser_of("admin")
    decide(console, ["ada"], moment)
    assert "Left alone by lot" in growth.get("/campaigns/audience").text
    growth.post("/campaigns/message/approve", {"name": "abandoned_cart", "verb": "approve"})
    growth.post("/campaigns/ask", {"what": "send", "name": "abandoned_cart"})
    assert "1 contact, as they were decided" in growth.get("/campaigns/approvals").text
    decide(console, ["ada", "cy", "dee"], moment + timedelta(hours=1))  # a later decision is not what was asked for
    (waiting,) = console.approvals.waiting("campaign")
    form = {"approval": str(waiting.id), "status": "approved"}
    with clock.held_at(NOON):
        admin.post("/campaigns/decide", form)
    assert ">1 row<" in growth.get("/campaigns/queue?journey=decided&status=waiting").text

    said = admin.get("/campaigns/approvals").text
    assert "Undo" in said
    admin.post("/campaigns/reopen", {"approval": str(waiting.id)})
    assert "No message" in growth.get("/campaigns/queue?journey=decided&status=waiting").text
    decide(console, ["ada", "cy"], moment)  # in place of what was asked for
    with clock.held_at(NOON):
        changed = admin.post("/campaigns/decide", form)
    assert (changed.status_code, "made anew" in changed.text) == (400, True)
    decide(console, ["ada"], moment)
    with clock.held_at(NOON):
        admin.post("/campaigns/decide", form)
    assert ">1 row<" in growth.get("/campaigns/queue?journey=decided&status=waiting").text


def test_a_rejection_is_taken_back(growth, console):
    growth.post("/campaigns/ask", {"what": "send", "name": "abandoned_cart"})
    (waiting,) = console.approvals.waiting("campaign")
    growth.post("/campaigns/decide", {"approval": str(waiting.id), "status": "rejected"})
    assert growth.post("/campaigns/reopen", {"approval": str(waiting.id)}).status_code == 303
    assert console.approvals.waiting("campaign") == [waiting]
    assert growth.post("/campaigns/reopen", {"approval": str(waiting.id)}).status_code == 400
    assert growth.post("/pricing/reopen", {"approval": str(waiting.id)}).status_code == 403


def test_results_say_what_is_luck(growth, monkeypatch):
    def one(name, low, high):
        total = Total((low + high) / 2, low, high)
        return CampaignEffect(name, "lot", NOON, NOON, 100, 90, total, total, 1.0, total, None, 0.1, 0.5, 99.0)

    campaigns = import_module("regulars.console.screens.campaigns")  # the package has the screen under this name
    monkeypatch.setattr(campaigns, "effects", lambda *asked: [one("spring", 5.0, 9.0), one("summer", -5.0, 9.0)])
    text = growth.get("/campaigns/results/effects?days=13").text  # of other days than anybody asked for
    assert "may be luck" in text
    assert '<span class="badge good">earned' in text
    assert growth.get("/campaigns/results/effects?days=0").status_code == 400


def test_a_message_is_approved_in_a_browser(page):
    page.faults.clear()
    page.go("/campaigns/message?name=welcome")
    page.page.wait_for_selector(".letter")
    page.page.click("form[action$='/campaigns/message/approve'] button")
    page.page.wait_for_selector(".toast")
    assert page.page.inner_text(".badge.good") == "approved"
    page.go("/campaigns/journey?name=cart")
    page.page.wait_for_selector("img")
    assert page.page.evaluate("document.querySelector('.table-frame img').naturalWidth") > 100
    assert page.faults == []


def test_a_campaign_is_launched_and_its_result_is_seen(page_of, console, record, mailbox):
    """In two people's browsers: a text and a start approved, mails delivered, and what they brought beside the others."""
    names = [f"wisher{number}" for number in range(LAUNCHED)]
    record(
        console.shop,
        *(
            {"type": kind, "customer_id": name, "time": at.isoformat(), **more}
            for name in names
            for kind, at, more in (
                ("customer_identified", NOON - timedelta(days=30), {"properties.email": f"{name}@tea.example"}),
                ("consent_given", NOON - timedelta(days=30), {"text": "marketing"}),
                ("product_added_to_wishlist", NOON - timedelta(hours=4), {"product_id": "pot"}),
            )
        ),
    )
    growth, admin = page_of("growth"), page_of("admin")
    growth.go("/campaigns/message?name=welcome_again")
    growth.page.click("form[action$='/campaigns/message/approve'] button")
    growth.page.wait_for_selector(".badge.good")
    growth.go("/campaigns/journey?name=wish")
    growth.page.click("form[action$='/campaigns/ask'] button")
    growth.page.wait_for_selector("text=another person approves")
    with clock.held_at(NOON - timedelta(hours=6)):
        admin.go("/campaigns/approvals")
        admin.page.click(".card:has-text('wish') form:has(input[value=approved]) button")
        admin.page.wait_for_selector(".toast")
    with clock.held_at(NOON):
        growth.go("/campaigns")
        growth.page.click("form[action$='/campaigns/run'] button")
        growth.page.wait_for_selector(f".job.done:has-text('{LAUNCHED}')")
    written = {name for name in names if f"{name}@tea.example" in mailbox[0].recipients}
    growth.go("/campaigns/journey?name=wish")
    assert growth.page.inner_text(".figure:has-text('sent') dd") == str(len(written))

    orders = [
        {"type": "order_completed", "customer_id": name, "time": (NOON + timedelta(days=1)).isoformat(),
         "order_id": f"wish-{name}", "product_id": "pot", "quantity": 1, "unit_price": 20 + number % 7}
        for number, name in enumerate(names) if name in written
    ]  # fmt: skip
    later = {"type": "page_viewed", "customer_id": "ada", "time": (NOON + timedelta(days=9)).isoformat()}
    record(console.shop, *orders, later)
    growth.go("/campaigns/results?days=7")
    told = growth.page.inner_text("tr:has-text('wish')")
    assert told.split()[0] == "earned"
    assert f"{len(written)}\t{LAUNCHED - len(written)}" in told
    assert growth.faults == admin.faults == []
