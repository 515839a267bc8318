"""What a message asks for, of Ada's orders, as actions that could be proposed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from regulars.support import OwnTables, Policy
from regulars.support.dialogue.intents import mood
from regulars.support.dialogue.resolve import Account, Missing, joined, resolve, spread
from regulars.support.dialogue.understand import understand
from regulars.support.entities import cleaned
from regulars.support.intent.message import mood as temper


@pytest.fixture
def account(own: OwnTables) -> Account:
    ada = own.customer("ada")
    assert ada is not None
    return Account(ada, tuple(own.orders_of("ada")), own.product, Policy(), date(2024, 5, 1))


def asked(account: Account, message: str) -> list[Any]:
    drafts = spread(understand(cleaned(message), account.customer, account.known()), account)
    found = [resolve(draft, account) for draft in drafts]
    if any(isinstance(one, Missing) for one in found):
        return [one.question for one in found if isinstance(one, Missing)]
    return [(one.name, *one.model_dump(exclude_defaults=True).values()) for one in joined(found)]  # type: ignore[arg-type]


PENDING, LAMPS, CHAIR = "#W1000001", "#W1000002", "#W1000003"


@pytest.mark.parametrize(
    ("message", "actions"),
    [
        ("Cancel my order w1000001, I don't need it any more.", [("cancel", PENDING, "no longer needed")]),
        ("取消订单 W1000001，下错单了", [("cancel", PENDING, "ordered by mistake")]),
        ("cancel all my pending orders, ordered by mistake", [("cancel", PENDING, "ordered by mistake")]),
        ("I changed my mind: cancel #W1000001", [("cancel", PENDING, "no longer needed")]),
        ("return the chair to my paypal", [("return", CHAIR, ("chair-oak",), "paypal_3")]),
        ("send back both lamps, and refund it to the gift card", [("return", LAMPS, ("lamp-low", "lamp-low"), "gift_card_2")]),
        ("return everything from #W1000002 to the card I used", [("return", LAMPS, ("lamp-low", "lamp-low"), "credit_card_1")]),
        ("把订单 #W1000003 的 Office Chair 退货，退到礼品卡", [("return", CHAIR, ("chair-oak",), "gift_card_2")]),
        ("In my pending order change the lamp to the brighter one but in black, and pay the difference with the gift card",
         [("change_items", PENDING, ("lamp-low",), ("lamp-high",), "gift_card_2")]),
        ("modify the chair in #W1000001 to ash and the lamp to a white one, use my visa",
         [("change_items", PENDING, ("chair-oak", "lamp-low"), ("chair-ash", "lamp-white"), "credit_card_1")]),
        ("exchange the oak chair for an ash one via paypal", [("exchange", CHAIR, ("chair-oak",), ("chair-ash",), "paypal_3")]),
        ("my chair in W1000003 is broken, replace it with the same one, paypal",
         [("exchange", CHAIR, ("chair-oak",), ("chair-oak",), "paypal_3")]),
        ("I want the ash chair instead of the oak one: exchange the chair of #W1000003 for ash; and use PayPal",
         [("exchange", CHAIR, ("chair-oak",), ("chair-ash",), "paypal_3")]),
        ("#W1000003 的 Office Chair 换成 ash 材质，差价用 paypal_3", [("exchange", CHAIR, ("chair-oak",), ("chair-ash",), "paypal_3")]),
        ("I don't want to return the chair, exchange it for an ash one, with PayPal",
         [("exchange", CHAIR, ("chair-oak",), ("chair-ash",), "paypal_3")]),
        ("pay for #W1000001 with PayPal", [("change_payment", PENDING, "paypal_3")]),
        ("Ship #W1000001 to 9 Oak Avenue, Denver, CO 80279", [("change_address", "9 Oak Avenue", "Denver", "CO", "80279", PENDING)]),
        ("change the address of #W1000001 to 9 Oak Avenue, Denver, CO 80279 and pay with PayPal",
         [("change_address", "9 Oak Avenue", "Denver", "CO", "80279", PENDING), ("change_payment", PENDING, "paypal_3")]),
        ("change my default address to 9 Oak Avenue, Denver, CO 80279", [("change_default_address", "9 Oak Avenue", "Denver", "CO", "80279")]),
        ("stop sending me newsletters", [("unsubscribe",)]),
        ("请删除我的个人信息", [("erase_data",)]),
        ("I want a copy of my data", [("export_data",)]),
        ("exchange the chair", ["variant"]),
        ("return the lamp", ["payment"]),
        ("return the chair, and the money to bitcoin", ["payment"]),
        ("cancel #W1000001", ["reason"]),
        ("What is your return policy?", []),
        ("hello", []),
    ],
)  # fmt: skip
def test_what_is_asked_for(account: Account, message: str, actions: list[Any]) -> None:
    found = asked(account, message)
    assert [tuple(sorted(map(str, one))) if isinstance(one, tuple) else one for one in found] == [
        tuple(sorted(map(str, one))) if isinstance(one, tuple) else one for one in actions
    ]


OAK, SHANGHAI = "9 Oak Avenue, Denver, CO 80279", "上海市浦东新区世纪大道100号"


@pytest.mark.parametrize(
    "said",
    [
        "send #W1000001 to 9 Oak Avenue", f"Please send order #W1000001 to {OAK}", f"can you send w1000001 over to {OAK}?",
        f"forward #W1000001 to {OAK}", f"#W1000001 should go to {OAK} instead", f"I want #W1000001 at {OAK}",
        f"I'd like to have #W1000001 sent to {OAK}", f"use {OAK} for #W1000001", f"please mail #W1000001 to {OAK}",
        f"the address of #W1000001 is wrong, it should be {OAK}", f"I put in the wrong address for #W1000001: {OAK}",
        f"My address is wrong. Please send #W1000001 to {OAK}.", f"I typed the wrong street. #W1000001 goes to {OAK}.",
        f"I have moved to {OAK}, #W1000001 must go there", f"my new address for #W1000001 is {OAK}",
        f"The address on #W1000001 has a typo and is wrong. Send it to {OAK} please.", f"#W1000001: ship to {OAK}",
        f"could #W1000001 come to {OAK}?", f"dispatch #W1000001 to {OAK}, not to my home",
    ],
)  # fmt: skip
def test_where_an_order_is_to_go_is_understood_however_it_is_put(account: Account, said: str) -> None:
    [(name, *about)] = asked(account, said)
    assert name == "change_address"
    assert {PENDING, "9 Oak Avenue"} <= set(about)


@pytest.mark.parametrize(
    "said",
    [
        f"把 #W1000001 寄到{SHANGHAI}", f"订单 #W1000001 请送到{SHANGHAI}", f"#W1000001 发往{SHANGHAI}", f"请将订单#W1000001寄{SHANGHAI}",
        f"#W1000001 的地址写错了，应该是{SHANGHAI}", f"我搬家了，#W1000001 的新地址是{SHANGHAI}", f"订单 #W1000001 地址：{SHANGHAI}",
        f"#W1000001 快递给{SHANGHAI}", f"#W1000001 邮寄至{SHANGHAI}", f"收货地址填错了。请把 #W1000001 寄去{SHANGHAI}。",
        f"把 #W1000001 的收货地址改成{SHANGHAI}", f"#W1000001 派送到{SHANGHAI}",
    ],
)  # fmt: skip
def test_where_an_order_is_to_go_is_understood_in_chinese(account: Account, said: str) -> None:
    [(name, *about)] = asked(account, said)
    assert name == "change_address"
    assert {PENDING, "上海市", "浦东新区世纪大道100号"} <= set(about)


@pytest.mark.parametrize(
    ("said", "actions"),
    [
        (f"cancel #W1000001, no longer needed. My address is {OAK}.", ["cancel"]),
        (f"cancel #W1000004, ordered by mistake, and send #W1000001 to {OAK}", ["cancel", "change_address"]),
        ("send me the invoice", []), ("send the refund for the chair to my paypal", ["return"]),
        ("do you send to Norway?", []), ("the lamp is wrong", []), ("send the chair back to you, paypal", ["return"]),
        ("what is your address?", []), ("地址在哪里", []), ("把发票发给我", []),
    ],
)  # fmt: skip
def test_what_is_sent_elsewhere_is_no_change_of_an_address(account: Account, said: str, actions: list[str]) -> None:
    assert [one[0] for one in asked(account, said)] == actions


@pytest.mark.parametrize(
    "said",
    ["I want to talk to a human", "a human please", "agent", "Human please!", "get me a real person", "can I speak to someone",
     "I need a person", "转人工", "我要找经理", "叫你们主管来", "找客服", "talk to a supervisor"],
)  # fmt: skip
def test_who_asks_for_a_person_does(said: str) -> None:
    assert mood(said) == "person"


@pytest.mark.parametrize(
    "said",
    ["a gift for a person who likes tea", "I want a gift for a real person who likes lamps", "is it for human hair?",
     "我想退掉经理椅", "有人工草坪吗", "do you have something for a person of 80?"],
)  # fmt: skip
def test_who_speaks_of_people_asks_for_none(said: str) -> None:
    assert mood(said) is None


@pytest.mark.parametrize(
    "said",
    [
        "I'm fed up, this is awful",
        "you are a scam",
        "this is so stupid",
        "I will call my lawyer",
        "你们都是骗子",
        "太过分了",
        "垃圾客服",
    ],
)
def test_who_is_angry_is_so_everywhere(said: str) -> None:
    assert (mood(said), temper(said)) == ("angry", "angry")


@pytest.mark.parametrize(
    "said",
    [
        "我想退掉垃圾桶",
        "I made a stupid mistake, cancel #W1000001",
        "Sue Miller, 78762",
        "a gift for a lawyer",
        "恶心是什么副作用",
    ],
)
def test_a_word_of_anger_about_something_else_is_none(said: str) -> None:
    assert (mood(said), temper(said) == "angry") == (None, False)
