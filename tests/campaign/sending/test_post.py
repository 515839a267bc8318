"""Messages leave when they may, once, and every skip has its reason. Against a real mail server and webhook receiver."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from regulars import Shop, clock
from regulars.campaign.offer import Terms, abuse, add_offer
from regulars.campaign.sending import (
    Order,
    channels,
    enqueue,
    find,
    history,
    link_token,
    post,
    send_due,
    suppress,
    tell,
    turn,
    unsubscribe,
)
from regulars.campaign.sending.tables import outbox, prepare
from regulars.customers import object_to, withheld
from regulars.errors import ConfigError, InputError
from regulars.webhook import signature
from tests.campaign.conftest import NOON, Mailbox, Receiver, Settings, at, identified

Record = Callable[..., Any]


def ask(shop: Shop, *customers: str, when: datetime = NOON, channel: str = "email", key: str = "", **said: Any) -> None:
    orders = [
        Order(
            f"{key or 'k'}/{name}/{when.isoformat()}/{channel}", said.get("journey", "welcome"), 1, "greet", name, channel,
            said.get("message", "welcome"), said.get("offer", ""), {"entered": 0, "products": []}, when,
        )
        for name in customers
    ]  # fmt: skip
    with prepare(shop.state).write() as change:
        enqueue(change, orders)


def send(shop: Shop, moment: datetime = NOON) -> dict[str, int]:
    return dict(send_due(shop, moment, channels(shop)).counts)


def reasons(shop: Shop, what: str) -> dict[str, str]:
    return {row.customer_id: row.reason for row in history(shop.state, what=what)}


def statuses(shop: Shop) -> dict[str, str]:
    with shop.state.read() as view:
        return {row.customer_id: row.status for row in view.execute(sa.select(outbox))}


def sent_events(shop: Shop) -> list[dict[str, Any]]:
    events = shop.events.filter(shop.events.type == "message_sent")
    return list(shop.engine.to_arrow(events.order_by("time", "customer_id")).to_pylist())


def test_a_message_is_sent_once_and_the_log_hears_of_it_once(by_mail: Shop, mailbox: Mailbox) -> None:
    ask(by_mail, "ada", "mei")
    ask(by_mail, "ada", "mei")
    assert send(by_mail) == {"sent": 2}
    assert send(by_mail, NOON + timedelta(days=3)) == {}
    assert (tell(by_mail), tell(by_mail)) == (2, 0)
    assert sorted(mailbox.recipients) == ["ada@tea.example", "mei@tea.example"]
    told = sent_events(by_mail)
    assert [(row["customer_id"], row["campaign_id"], row["variant"], row["propensity"]) for row in told] == [
        ("ada", "welcome", "plain", 1.0),
        ("mei", "welcome", "plain", 1.0),
    ]


def test_each_hears_it_in_the_own_language_with_headers_to_unsubscribe(by_mail: Shop, mailbox: Mailbox) -> None:
    ask(by_mail, "ada", "mei")
    send(by_mail)
    letters = {str(letter["To"]): letter for letter in mailbox.letters}
    english, chinese = letters["ada@tea.example"], letters["mei@tea.example"]
    assert (english["Subject"], chinese["Subject"]) == ("Welcome to My shop", "欢迎来到My shop")
    assert "Hello Ada" in english.get_content()
    assert "美好" in chinese.get_content()
    assert english["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = english["List-Unsubscribe"].strip("<>")
    assert url.startswith("https://tea.example/u/")
    assert url in english.get_content()
    known = find(by_mail.state, english["Message-ID"])
    assert known is not None
    assert (known.customer_id, known.status) == ("ada", "sent")
    assert find(by_mail.state, english["Message-ID"].replace("<", "<0")) is None


def test_the_link_unsubscribes_at_once_and_for_good(by_mail: Shop) -> None:
    token = link_token(by_mail.state, "ada", "email")
    for _ in range(2):
        assert unsubscribe(by_mail, token) == "ada"
    assert withheld(by_mail, "marketing", clock.now()).to_pylist() == ["ada"]
    ask(by_mail, "ada")
    assert send(by_mail) == {"skipped": 1}
    with pytest.raises(InputError, match="not one of ours"):
        unsubscribe(by_mail, token[:-1])
    other = link_token(by_mail.state, "bob", "email").partition(".")[0]
    with pytest.raises(InputError):
        unsubscribe(by_mail, f"{other}.{token.partition('.')[2]}")


def test_who_may_not_be_written_to_is_skipped_with_why(by_mail: Shop, record: Record, set_up: Settings) -> None:
    record(
        by_mail,
        identified("new", NOON - timedelta(days=1), email="new@tea.example"),
    )
    object_to(by_mail, "ada", "profiling")
    suppress(by_mail.state, "mei", "email")
    ask(by_mail, "ada", "mei", "eve", "new", "nobody")
    assert send(by_mail) == {"skipped": 5}
    assert reasons(by_mail, "skipped") == {
        "ada": "forbade profiling",
        "mei": "suppressed by email",
        "eve": "no address for email",
        "new": "no consent to marketing",
        "nobody": "no consent to marketing",
    }


def test_where_the_law_lets_you_silence_is_no_refusal(by_mail: Shop, record: Record, set_up: Settings) -> None:
    record(
        by_mail,
        identified("new", NOON - timedelta(days=1), email="new@tea.example"),
    )
    record(
        by_mail,
        {"type": "consent_withdrawn", "customer_id": "ada", "time": at(NOON - timedelta(days=1)), "text": "marketing"},
    )
    shop = set_up(by_mail, consent="not refused")
    ask(shop, "ada", "new")
    assert send(shop) == {"sent": 1, "skipped": 1}
    assert reasons(shop, "skipped") == {"ada": "forbade marketing"}


def test_in_quiet_hours_it_is_held_where_the_customer_is(by_mail: Shop, set_up: Settings, mailbox: Mailbox) -> None:
    shop = set_up(
        by_mail,
        quiet_from=21,
        quiet_until=8,
    )
    ask(shop, "ada", "bob", "mei", when=NOON.replace(hour=14))
    # 15:00 in London, 10:00 in New York, 22:00 in Shanghai.
    assert send(shop, NOON.replace(hour=14)) == {"sent": 2, "held": 1}
    assert reasons(shop, "held") == {"mei": "quiet hours"}
    assert send(shop, NOON.replace(hour=23, minute=59)) == {}
    assert send(shop, NOON.replace(hour=0) + timedelta(days=1)) == {"sent": 1}


def test_caps_hold_over_all_channels_and_days_and_count_what_others_sent(
    by_mail: Shop, set_up: Settings, receiver: Receiver, record: Record
) -> None:
    shop = set_up(by_mail, push_webhook=receiver.url)
    record(
        shop,
        {
            "type": "message_sent",
            "customer_id": "bob",
            "time": at(NOON - timedelta(hours=2)),
            "campaign_id": "newsletter",
        },
    )
    ask(shop, "ada", "bob")
    ask(shop, "ada", channel="push")
    assert send(shop) == {"sent": 1, "held": 2}
    assert set(reasons(shop, "held").values()) == {"1 messages a day at most"}
    tomorrow = NOON.replace(hour=4) + timedelta(days=1)
    assert send(shop, tomorrow) == {"sent": 2}


def test_what_was_held_for_too_long_is_skipped_and_says_so(by_mail: Shop) -> None:
    for day in range(5):
        ask(by_mail, "ada", when=NOON + timedelta(minutes=day))
    total = {"sent": 0, "skipped": 0}
    for day in range(6):
        for what, count in send(by_mail, NOON + timedelta(days=day, hours=1)).items():
            total[what] = total.get(what, 0) + count
    assert total["sent"] == 3
    assert total["skipped"] == 2
    assert reasons(by_mail, "skipped")["ada"].startswith("held for 2 days:")


def test_the_kill_switch_stops_all_and_loses_nothing(by_mail: Shop, mailbox: Mailbox) -> None:
    ask(by_mail, "ada")
    ask(by_mail, "mei", journey="birthday")
    turn(by_mail.state, "", off=True, who="mei")
    assert send(by_mail) == {}
    turn(by_mail.state, "", off=False, who="mei")
    turn(by_mail.state, "birthday", off=True, who="mei")
    assert send(by_mail) == {"sent": 1}
    turn(by_mail.state, "birthday", off=False, who="mei")
    assert send(by_mail) == {"sent": 1}
    assert [row.what for row in history(by_mail.state, journey="(all)")] == ["on", "off"]


def test_a_switch_thrown_while_a_letter_is_announced_keeps_it_here(by_mail: Shop, mailbox: Mailbox) -> None:
    async def throw(server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        turn(by_mail.state, "", off=True, who="mei")
        envelope.rcpt_tos.append(address)
        return "250 ok"

    mailbox.handle_RCPT = throw  # type: ignore[method-assign]
    ask(by_mail, "ada")
    assert send(by_mail) == {"taken away": 1}
    assert (mailbox.recipients, statuses(by_mail)) == ([], {"ada": "waiting"})


def test_a_server_that_is_down_keeps_all_waiting(by_mail: Shop, set_up: Settings, mailbox: Mailbox) -> None:
    down = set_up(by_mail, smtp="smtp://127.0.0.1:9")
    ask(down, "ada", "bob", "mei")
    assert send(down) == {"to try again": 3}
    assert set(statuses(down).values()) == {"waiting"}
    up = set_up(down, smtp=by_mail.config.sending.smtp)
    assert send(up, NOON + timedelta(hours=1)) == {"sent": 3}


def test_a_server_that_refuses_half_of_the_recipients(by_mail: Shop, mailbox: Mailbox) -> None:
    mailbox.refused = {"ada@tea.example": "550 no such mailbox", "bob@tea.example": "451 try later"}
    ask(by_mail, "ada", "bob", "mei")
    assert send(by_mail) == {"failed": 1, "to try again": 1, "sent": 1}
    assert "550 no such mailbox" in reasons(by_mail, "failed")["ada"]
    mailbox.refused = {}
    assert send(by_mail, NOON + timedelta(hours=1)) == {"sent": 1}
    assert sorted(mailbox.recipients) == ["bob@tea.example", "mei@tea.example"]


def test_what_is_never_taken_is_given_up_and_says_so(by_mail: Shop, set_up: Settings, mailbox: Mailbox) -> None:
    shop = set_up(by_mail, tries=2)
    mailbox.refused = {"ada@tea.example": "451 try later"}
    ask(shop, "ada")
    assert send(shop) == {"to try again": 1}
    assert send(shop, NOON + timedelta(hours=6)) == {"failed": 1}
    assert statuses(shop) == {"ada": "failed"}
    assert reasons(shop, "failed")["ada"].startswith("tried 2 times")


def test_a_server_too_slow_to_answer_leaves_it_unsure_and_unsent_again(
    by_mail: Shop, set_up: Settings, mailbox: Mailbox
) -> None:
    slow = set_up(by_mail, timeout_seconds=0.3)
    mailbox.wait_seconds = 0.8
    ask(slow, "ada")
    assert send(slow) == {"unsure": 1}
    mailbox.wait_seconds = 0
    assert send(slow, NOON + timedelta(days=1)) == {}
    assert mailbox.recipients == ["ada@tea.example"]
    assert tell(slow) == 0


def test_a_run_that_takes_hours_stops_where_quiet_hours_begin(
    by_mail: Shop, set_up: Settings, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = set_up(by_mail, quiet_from=21, quiet_until=8)
    evening = datetime(2024, 5, 15, 12, 30, tzinfo=UTC)  # 20:30 in Shanghai, 13:30 in London
    ask(shop, "ada", "mei", when=evening)
    monkeypatch.setattr(post, "AT_ONCE", 1)
    began = clock.now()
    monkeypatch.setattr(clock, "now", lambda: began + timedelta(minutes=40) * len(mailbox.recipients))
    assert send(shop, evening) == {"sent": 1, "held": 1}
    assert mailbox.recipients == ["ada@tea.example"]


def test_a_webhook_is_signed_tried_again_and_bears_one_key(by_mail: Shop, set_up: Settings, receiver: Receiver) -> None:
    shop = set_up(by_mail, push_webhook=receiver.url, quiet_from=0, quiet_until=0)
    receiver.codes = [503, 429, 200]
    ask(shop, "ada", channel="push")
    assert send(shop) == {"to try again": 1}
    assert send(shop, NOON + timedelta(minutes=5)) == {"to try again": 1}
    assert send(shop, NOON + timedelta(hours=1)) == {"sent": 1}
    assert len({headers["Idempotency-Key"] for headers, _ in receiver.posts}) == 1
    headers, body = receiver.posts[-1]
    seconds = headers["Regulars-Signature"].partition(",")[0].removeprefix("t=")
    secret = shop.state.secret("campaign webhook")
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["Regulars-Signature"] == f"t={seconds},v1={digest}" == signature(secret, int(seconds), body)
    assert receiver.letters[-1]["customer_id"] == "ada"


def test_a_webhook_that_refuses_or_sends_elsewhere_is_not_followed(
    by_mail: Shop, set_up: Settings, receiver: Receiver
) -> None:
    shop = set_up(by_mail, push_webhook=receiver.url, quiet_from=0, quiet_until=0)
    receiver.codes = [400, 302]
    ask(shop, "ada", "bob", channel="push")
    assert send(shop) == {"failed": 2}
    assert len(receiver.posts) == 2


def test_a_coupon_goes_with_the_message_and_not_to_who_is_suspected(
    by_mail: Shop, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_offer(by_mail.state, "spring", Terms("free_shipping"))
    path = by_mail.folder / "campaigns" / "messages"
    path.mkdir(parents=True)
    (path / "gift.toml").write_text(
        '[[variant]]\nname="a"\nlanguage="en"\nsubject="x"\nbody="{{ coupon.code }} {{ unsubscribe_url }}"\n'
    )
    from regulars.campaign.copy import Messages, approve

    approve(by_mail.state, Messages(by_mail.folder).get("gift"), "mei")

    def suspicious(name: str, pairs: Any) -> Any:
        assert name == "fraud"
        return pairs.append_column(
            "abuse_suspicion", [[0.9 if who == "bob" else 0.1 for who in pairs["customer_id"].to_pylist()]]
        )

    monkeypatch.setattr(abuse, "CAPABILITY", "fraud")
    monkeypatch.setattr(by_mail.tables, "of", suspicious)
    ask(by_mail, "ada", "bob", message="gift", offer="spring")
    assert send(by_mail) == {"sent": 1, "skipped": 1}
    assert reasons(by_mail, "skipped") == {"bob": "suspected of abusing promotions: no coupon"}
    assert len(mailbox.letters[0].get_content().split()[0]) == 19


def test_without_a_capability_that_knows_of_abuse_nobody_is_suspected(
    by_mail: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow as pa

    monkeypatch.setattr(abuse.capabilities, "names", lambda: ())
    farms, victims = abuse.suspected(by_mail, pa.array(["ada"]), NOON, 0.5)
    assert (farms.to_pylist(), victims.to_pylist()) == ([False], [False])


def test_two_processes_share_what_is_due(by_mail: Shop, mailbox: Mailbox) -> None:
    from concurrent.futures import ThreadPoolExecutor

    ask(by_mail, "ada", "bob", "mei")
    others = [Shop.open(by_mail.folder) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(send, others))
    assert sum(each.get("sent", 0) for each in done) == 3
    assert sorted(mailbox.recipients) == ["ada@tea.example", "bob@tea.example", "mei@tea.example"]


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"smtp": "mail.example"}, "a mail server is expected"),
        ({"smtp": "smtp://h", "sender": "tea"}, "write it as"),
        ({"smtp": "smtp://h", "sender": "a@b.example", "unsubscribe_url": "http://x"}, "https is expected"),
        ({"push_webhook": "http://elsewhere.example/"}, "https is expected"),
    ],
)
def test_a_channel_set_up_by_halves_is_refused(
    mailing: Shop, set_up: Settings, said: dict[str, Any], match: str
) -> None:
    with pytest.raises(ConfigError, match=match):
        channels(set_up(mailing, **said))


def test_an_address_that_would_write_headers_is_refused(by_mail: Shop, record: Record, mailbox: Mailbox) -> None:
    record(
        by_mail,
        identified("ada", NOON - timedelta(days=1), email="ada@tea.example\nBcc: all@tea.example"),
    )
    ask(by_mail, "ada")
    assert send(by_mail) == {"failed": 1}
    assert mailbox.letters == []
