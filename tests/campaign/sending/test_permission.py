"""Who may be written to: what each customer said last, and what the shop itself keeps back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal

import pyarrow as pa
import pytest

from regulars import Shop, clock
from regulars.campaign.sending import history, link_token, suppress, unsubscribe
from regulars.campaign.sending.permission import answered, is_stop, lift, refusals
from regulars.customers import object_to, withheld
from regulars.errors import InputError, NotFoundError
from tests.campaign.conftest import NOON, at

Record = Callable[..., Any]
DAY = timedelta(days=1)


def said(
    shop: Shop, *customers: str, channel: str = "email", consent: Literal["given", "not refused"] = "given"
) -> list[str | None]:
    names = pa.array(customers, pa.string())
    found = refusals(shop, names, pa.array([channel] * len(names), pa.string()), clock.now(), consent)
    return found.to_pylist()  # type: ignore[no-any-return]


def test_who_said_yes_may_be_written_to_and_who_said_nothing_only_where_the_law_lets_it(mailing: Shop) -> None:
    assert said(mailing, "ada", "stranger") == [None, "no consent to marketing"]
    assert said(mailing, "ada", "stranger", consent="not refused") == [None, None]
    assert said(mailing) == []


def test_a_consent_counts_by_its_purpose_and_until_it_is_taken_back(mailing: Shop, record: Record) -> None:
    consents = {"kim": "ads", "lou": "marketing", "max": ""}
    record(
        mailing,
        *(
            {"type": "consent_given", "customer_id": name, "time": at(NOON - 2 * DAY)} | ({"text": of} if of else {})
            for name, of in consents.items()
        ),
    )
    assert said(mailing, "kim", "lou", "max") == ["no consent to marketing", None, None]
    record(mailing, {"type": "consent_withdrawn", "customer_id": "lou", "time": at(NOON - DAY), "text": "marketing"})
    assert said(mailing, "lou")[0] is not None


@pytest.mark.parametrize("purpose", ["profiling", "marketing"])
@pytest.mark.parametrize("consent", ["given", "not refused"])
def test_an_objection_goes_before_any_consent(
    mailing: Shop, purpose: str, consent: Literal["given", "not refused"]
) -> None:
    object_to(mailing, "ada", purpose)
    assert said(mailing, "ada", "bob", consent=consent) == [f"forbade {purpose}", None]


def test_a_channel_that_is_suppressed_leaves_the_others_and_all_means_all(mailing: Shop) -> None:
    suppress(mailing.state, "ada", "email")
    suppress(mailing.state, "bob")
    assert said(mailing, "ada", "bob", "mei") == ["suppressed by email", "suppressed", None]
    assert said(mailing, "ada", "bob", "mei", channel="sms") == [None, "suppressed", None]


def test_a_suppression_is_noted_once_and_can_be_taken_back_and_come_again(mailing: Shop) -> None:
    for _ in range(2):
        suppress(mailing.state, "ada", "email", "complained")
    assert [row.reason for row in history(mailing.state, what="suppressed")] == ["email: complained"]
    lift(mailing.state, "ada", "email")
    assert said(mailing, "ada") == [None]
    with pytest.raises(NotFoundError, match='"ada" is not suppressed by email'):
        lift(mailing.state, "ada", "email")
    with pytest.raises(NotFoundError, match='"ada" is not suppressed by all channels'):
        lift(mailing.state, "ada")
    assert [row.reason for row in history(mailing.state, what="suppression lifted")] == ["email"]
    suppress(mailing.state, "ada", "email", "again")
    assert said(mailing, "ada") == ["suppressed by email"]
    assert len(history(mailing.state, what="suppressed")) == 2


def test_stop_is_heard_by_its_channel_alone_and_other_words_are_no_stop(mailing: Shop) -> None:
    assert answered(mailing, "ada", "sms", " Stop! ")
    assert not answered(mailing, "bob", "sms", "when do you stop selling tea?")
    assert said(mailing, "ada", "bob", channel="sms") == ["suppressed by sms", None]
    assert said(mailing, "ada") == [None]
    assert [row.reason for row in history(mailing.state, what="suppressed")] == ['sms: answered "Stop!"']
    assert [is_stop(text) for text in ("", "T", "td", "tea", "退订", "stop stop")] == [
        False, True, True, False, True, False,
    ]  # fmt: skip


def test_a_link_tells_whose_it_is_however_long_the_name(mailing: Shop, record: Record) -> None:
    names = ("k", "ki", "kim", "kim 2")
    record(mailing, *({"type": "consent_given", "customer_id": name, "time": at(NOON - DAY)} for name in names))
    for name in names:
        assert unsubscribe(mailing, link_token(mailing.state, name, "email")) == name
        assert said(mailing, name, consent="not refused") == ["suppressed"]


def test_a_link_counts_once_for_all_channels_and_is_an_objection(mailing: Shop) -> None:
    token = link_token(mailing.state, "ada", "email")
    for _ in range(2):
        assert unsubscribe(mailing, token) == "ada"
    assert said(mailing, "ada", channel="sms") == ["suppressed"]
    assert [row.reason for row in history(mailing.state, what="suppressed")] == [
        "all channels: unsubscribed by a link in email"
    ]
    assert withheld(mailing, "marketing", clock.now()).to_pylist() == ["ada"]
    objections = mailing.events.filter(mailing.events.type == "objection_made").count()
    assert mailing.engine.to_arrow(objections).as_py() == 1
    for wrong in ("", ".", token + "x", token[1:], f"{token.partition('.')[0]}."):
        with pytest.raises(InputError, match="not one of ours"):
            unsubscribe(mailing, wrong)
