"""The commands of campaigns, from the file of a journey to the customer's mailbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regulars import Shop
from tests.campaign.conftest import NOON, Mailbox, at
from tests.campaign.journey.test_running import CART, HOUR, added, ordered, own

Cli = Callable[..., tuple[int, str, str]]


def test_from_a_file_to_the_mailbox(by_mail: Shop, record: Any, cli: Cli, mailbox: Mailbox, tmp_path: Path) -> None:
    place = ("--shop", by_mail.folder)
    campaign = lambda *words: cli("campaign", *words, *place)  # noqa: E731
    own(by_mail, "cart", CART + "[[step]]\nname = 'no'\nwait = '1 day'\nnext = 'nowhere'\n")
    code, out, _ = campaign("check", "cart")
    assert code == 3
    assert 'step "no": there is no step "nowhere"' in " ".join(out.split())
    own(by_mail, "cart", CART)
    record(by_mail, ordered("bob", NOON - 5 * HOUR), added("ada", NOON - 4 * HOUR))
    assert campaign("check", "cart")[:2] == (0, "cart can go live.\n")
    assert campaign("draw", "cart")[1].startswith("flowchart TD")
    assert campaign("draw", "cart", "--out", tmp_path / "cart.svg")[0] == 0
    assert (tmp_path / "cart.svg").read_text().startswith("<svg")
    code, out, _ = campaign("simulate", "cart", "--json", "--as-of", at(NOON))
    assert (code, json.loads(out)["messages"]) == (0, 1)
    shown = json.loads(campaign("preview", "abandoned_cart", "--json")[1])
    assert {each["customer_id"] for each in shown} == {"ada", "bob", "eve", "mei"}
    assert next(each for each in shown if each["customer_id"] == "mei")["subject"] == "购物车里还有商品"
    assert campaign("start", "cart", "--as", "mei", "--as-of", at(NOON - 6 * HOUR))[0] == 0
    assert campaign("off", "all", "--as", "mei")[0] == 0
    assert campaign("run", "--as-of", at(NOON))[0] == 0
    assert mailbox.recipients == []
    assert campaign("on", "all", "--as", "mei")[0] == 0
    code, out, _ = campaign("run", "--json", "--as-of", at(NOON))
    assert (json.loads(out)["messages"], json.loads(out)["told"]) == ({"sent": 1}, 1)
    assert mailbox.recipients == ["ada@tea.example"]
    assert [row["what"] for row in json.loads(campaign("log", "--json")[1])] == ["sent", "on", "off", "started"]
    rows = {row["journey"]: row for row in json.loads(campaign("journeys", "--json")[1])}
    assert (rows["cart"]["state"], rows["cart"]["done"], rows["welcome"]["state"]) == ("open", 1, "not started")
    assert campaign("stop", "cart", "--as", "mei")[0] == 0


def test_an_answer_and_a_person_can_stop_messages(by_mail: Shop, cli: Cli) -> None:
    def suppress(*words: str) -> Any:
        return json.loads(cli("campaign", "suppress", *words, "--json", "--shop", by_mail.folder)[1])

    assert suppress("ada", "--channel", "sms", "--answer", "when does it arrive?")["suppressed"] is False
    assert suppress("ada", "--channel", "sms", "--answer", "退订")["suppressed"] is True
    assert suppress("ada")["channel"] == "all"
    assert suppress("ada", "--lift")["suppressed"] is False
    assert suppress("ada", "--lift")["kind"] == "NotFoundError"
    assert suppress("nobody")["kind"] == "NotFoundError"
    assert suppress("ada", "--channel", "fax")["kind"] == "InputError"


def test_offers_are_made_written_about_and_redeemed(by_mail: Shop, cli: Cli) -> None:
    from regulars.campaign.offer import issue

    place = ("--shop", by_mail.folder)
    offers = lambda *words: cli("campaign", "offers", *words, *place)  # noqa: E731
    assert offers("add", "spring", "--kind", "percentage", "--value", "10")[0] == 0
    assert offers("add", "half", "--kind", "percentage", "--value", "101")[0] == 5
    assert offers("write", "spring", "--message", "spring_mail")[0] == 0
    assert offers("write", "spring", "--message", "spring_mail")[0] == 5
    shown = cli("campaign", "preview", "spring_mail", "--offer", "spring", "--customer", "ada", *place)[1]
    assert "10 % off, for you" in shown
    code = issue(by_mail.state, "spring", "ada", "x", NOON).code
    late = offers("redeem", code, "--customer", "ada", "--order", "o1", "--line", "tea=2@4.50")
    assert late[0] == 4
    assert "expired" in late[2]
    listed = json.loads(offers("list", "--json")[1])
    assert [(each["name"], each["issued"], each["expired"]) for each in listed] == [("spring", 1, 1)]
    assert offers("close", "spring")[0] == 0


def test_channels_are_shown_and_their_secret_only_when_asked(by_mail: Shop, cli: Cli) -> None:
    assert json.loads(cli("campaign", "channels", "--json", "--shop", by_mail.folder)[1]) == {"channels": ["email"]}
    found = json.loads(cli("campaign", "channels", "--secret", "--json", "--shop", by_mail.folder)[1])
    assert len(found["secret"]) == 32


@pytest.mark.parametrize("command", ["approve", "start", "stop"])
def test_a_name_that_there_is_not_is_answered_with_those_that_there_are(by_mail: Shop, cli: Cli, command: str) -> None:
    code, _, err = cli("campaign", command, "welcom", "--as", "mei", "--shop", by_mail.folder)
    assert code == 8
    assert "welcom" in err
