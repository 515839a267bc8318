"""What a message asks for, of Ada's orders, as actions that could be proposed."""

from __future__ import annotations

from typing import Any

import pytest

from regulars.support import OwnTables, Policy
from regulars.support.dialogue.resolve import Account, Missing, joined, resolve, spread
from regulars.support.dialogue.understand import understand
from regulars.support.entities import cleaned


@pytest.fixture
def account(own: OwnTables) -> Account:
    ada = own.customer("ada")
    assert ada is not None
    return Account(ada, tuple(own.orders_of("ada")), own.product, Policy())


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
