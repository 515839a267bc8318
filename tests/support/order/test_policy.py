"""What the policy allows, by its own lines, on orders known by heart."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.support.order import STATES, Order, Policy, RefusedError, inverse, outcome, parse
from regulars.support.order.policy import Change
from tests.support.conftest import AWAY, CHAIR, CHAIRS, GIFT, HOME, LAMP, LAMPS, PAYPAL, VISA, customer, order, product

ADA = customer("ada", "Ada", "Lovelace", VISA, GIFT, PAYPAL)
PRODUCTS = {"lamps": product("lamps", "Desk Lamp", LAMPS), "chairs": product("chairs", "Office Chair", CHAIRS)}
PENDING, DELIVERED = order("#1", "ada", "pending", LAMP, CHAIR), order("#1", "ada", "delivered", LAMP, CHAIR)
SWAP = {"order_id": "#1", "item_ids": ["lamp-low"], "new_item_ids": ["lamp-high"], "payment_method_id": "gift_card_2"}


def tried(name: str, arguments: dict[str, object], of: object = PENDING, policy: Policy | None = None) -> Change:
    return outcome(parse(name, arguments), ADA, of, PRODUCTS.get, policy or Policy())  # type: ignore[arg-type]


def refused(name: str, arguments: dict[str, object], of: object = PENDING, policy: Policy | None = None) -> str:
    with pytest.raises(RefusedError) as caught:
        tried(name, arguments, of, policy)
    assert "{" not in str(caught.value)
    return caught.value.reason


def balance(change: Change) -> Decimal | None:
    return change.customer.payment_methods["gift_card_2"].balance


def test_a_cancellation_pays_back_what_was_paid_to_where_it_came_from() -> None:
    change = tried("cancel", {"order_id": "#1", "reason": "no longer needed"})
    assert change.after is not None
    assert (change.after.status, change.moved) == ("cancelled", {"credit_card_1": Decimal(120)})
    assert change.after.paid() == {}


def test_a_gift_card_has_its_money_at_once() -> None:
    paid = order("#1", "ada", "pending", LAMP, way="gift_card_2")
    assert balance(tried("cancel", {"order_id": "#1", "reason": "ordered by mistake"}, paid)) == 45


def halves(status: str) -> Order:
    paid = [{"kind": "payment", "amount": 60, "payment_method_id": way} for way in ("credit_card_1", "gift_card_2")]
    return Order.model_validate({**PENDING.model_dump(), "status": status, "payments": paid})


def test_money_that_goes_back_two_ways_is_one_sum_for_the_bound() -> None:
    bound = Policy(hand_over_above=Decimal(100))
    assert (
        refused("cancel", {"order_id": "#1", "reason": "no longer needed"}, halves("pending"), bound) == "needs_person"
    )
    other = Policy(hand_over_above=Decimal(120))
    assert tried("change_payment", {"order_id": "#1", "payment_method_id": "paypal_3"}, halves("pending"), other).after


def test_a_return_after_a_refund_gives_back_what_is_left() -> None:
    policy = Policy(refund_limit=Decimal(10))
    ten = {"order_id": "#1", "amount": "10", "payment_method_id": "credit_card_1"}
    once = tried("refund", ten, DELIVERED, policy).after
    assert refused("refund", {**ten, "amount": "1"}, once, policy) == "not_offered"
    back = {"order_id": "#1", "item_ids": ["lamp-low", "chair-oak"], "payment_method_id": "credit_card_1"}
    assert tried("return", back, once, policy).moved == {"credit_card_1": Decimal(110)}


def test_another_way_to_pay_uses_up_no_refund() -> None:
    changed = tried("change_payment", {"order_id": "#1", "payment_method_id": "paypal_3"}).after
    assert changed is not None
    delivered = changed.model_copy(update={"status": "delivered"})
    ten = {"order_id": "#1", "amount": "10", "payment_method_id": "paypal_3"}
    assert tried("refund", ten, delivered, Policy(refund_limit=Decimal(10))).moved == {"paypal_3": Decimal(10)}


def test_what_was_paid_in_two_ways_is_not_put_back_on_one() -> None:
    assert (
        inverse(tried("change_payment", {"order_id": "#1", "payment_method_id": "paypal_3"}, halves("pending"))) is None
    )


def test_a_cancellation_needs_a_reason_of_the_shop() -> None:
    assert refused("cancel", {"order_id": "#1", "reason": "too expensive"}) == "unknown_reason"


@pytest.mark.parametrize(
    "status", ["processed", "delivered", "cancelled", "pending (items modified)", "return requested"]
)
@pytest.mark.parametrize("name", [name for name, steps in STATES.items() if "pending" in steps])
def test_only_a_pending_order_is_cancelled_or_changed(name: str, status: str) -> None:
    arguments: dict[str, dict[str, object]] = {
        "cancel": {"order_id": "#1", "reason": "no longer needed"},
        "change_address": {"order_id": "#1", **AWAY},
        "change_payment": {"order_id": "#1", "payment_method_id": "paypal_3"},
        "change_items": dict(SWAP),
    }
    assert refused(name, arguments[name], order("#1", "ada", status, LAMP, CHAIR)) == "wrong_state"


def test_another_customers_order_is_refused_with_the_words_of_one_that_does_not_exist() -> None:
    for of in (order("#1", "bob", "pending", LAMP), None):
        assert refused("cancel", {"order_id": "#1", "reason": "no longer needed"}, of) == "unknown_order"


def test_items_are_changed_once_and_the_difference_is_paid() -> None:
    change = tried("change_items", SWAP)
    assert change.after is not None
    assert [line.item_id for line in change.after.lines] == ["lamp-high", "chair-oak"]
    assert (change.after.status, balance(change)) == ("pending (items modified)", Decimal(15))
    assert refused("change_items", SWAP, change.after) == "wrong_state"


def test_money_comes_back_for_a_cheaper_item() -> None:
    cheaper = {**SWAP, "item_ids": ["chair-oak"], "new_item_ids": ["chair-ash"]}
    assert balance(tried("change_items", cheaper)) == 35


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"new_item_ids": ["lamp-white"]}, "balance_too_low"),
        ({"new_item_ids": ["lamp-red"]}, "not_available"),
        ({"new_item_ids": ["chair-oak"]}, "unknown_item"),
        ({"new_item_ids": ["lamp-high", "lamp-high"]}, "unequal_lists"),
        ({"item_ids": ["lamp-low", "lamp-low"], "new_item_ids": ["lamp-high", "lamp-high"]}, "not_in_order"),
        ({"item_ids": ["chair-ash"], "new_item_ids": ["chair-oak"]}, "not_in_order"),
        ({"payment_method_id": "bobs_card"}, "unknown_payment"),
    ],
)
def test_what_may_not_come_in_place_of_an_item(changed: dict[str, object], reason: str) -> None:
    assert refused("change_items", {**SWAP, **changed}) == reason
    assert refused("exchange", {**SWAP, **changed}, DELIVERED) == reason


def test_a_shop_may_forbid_an_item_for_the_same_one() -> None:
    same = {**SWAP, "new_item_ids": ["lamp-low"]}
    assert tried("exchange", same, DELIVERED).moved == {}
    assert refused("exchange", same, DELIVERED, Policy(may_keep_item=False)) == "same_item"


def test_a_return_goes_to_the_original_payment_method_or_a_gift_card() -> None:
    back: dict[str, object] = {"order_id": "#1", "item_ids": ["lamp-low"]}
    for way in ("credit_card_1", "gift_card_2"):
        change = tried("return", {**back, "payment_method_id": way}, DELIVERED)
        assert change.after is not None
        assert (change.after.status, change.moved, balance(change)) == ("return requested", {way: Decimal(20)}, 25)
    assert refused("return", {**back, "payment_method_id": "paypal_3"}, DELIVERED) == "refund_elsewhere"


def test_another_payment_method_pays_all_and_the_first_gets_it_back() -> None:
    change = tried("change_payment", {"order_id": "#1", "payment_method_id": "paypal_3"})
    assert change.after is not None
    assert change.after.paid() == {"paypal_3": Decimal(120)}
    assert refused("change_payment", {"order_id": "#1", "payment_method_id": "credit_card_1"}) == "same_payment"
    assert refused("change_payment", {"order_id": "#1", "payment_method_id": "gift_card_2"}) == "balance_too_low"


def test_refunds_and_coupons_are_given_within_the_limit_alone_however_often_they_are_asked_for() -> None:
    some = Policy(refund_limit=Decimal(10), coupon_limit=Decimal(5))
    asked: dict[str, object] = {"order_id": "#1", "amount": "8", "payment_method_id": "credit_card_1"}
    assert refused("refund", asked, DELIVERED) == "not_offered"
    once = tried("refund", asked, DELIVERED, some)
    assert refused("refund", asked, once.after, some) == "over_limit"
    assert refused("coupon", {"amount": "6"}, None, some) == "over_limit"
    assert refused("coupon", {"amount": "-1"}, None, some) == "over_limit"


def test_above_a_bound_a_person_decides() -> None:
    cancel: dict[str, object] = {"order_id": "#1", "reason": "no longer needed"}
    assert refused("cancel", cancel, PENDING, Policy(hand_over_above=Decimal(100))) == "needs_person"
    assert tried("cancel", cancel, PENDING, Policy(hand_over_above=Decimal(120))).after is not None


def test_what_can_be_taken_back_is_taken_back_by_an_action_of_its_own() -> None:
    moved = tried("change_address", {"order_id": "#1", **AWAY})
    back = inverse(moved)
    assert back is not None
    assert outcome(back, ADA, moved.after, PRODUCTS.get, Policy()).after == PENDING
    assert inverse(tried("cancel", {"order_id": "#1", "reason": "no longer needed"})) is None


def test_no_address_for_the_same_one() -> None:
    assert refused("change_address", {"order_id": "#1", **HOME}) == "same_address"


LOOSE = st.one_of(st.none(), st.integers(), st.text(max_size=5), st.lists(st.text(max_size=3), max_size=3))


@given(
    name=st.sampled_from(sorted(STATES)),
    status=st.sampled_from(["pending", "delivered", "processed", "cancelled"]),
    items=st.lists(st.sampled_from(["lamp-low", "chair-oak", "lamp-red", "x"]), max_size=3),
    new=st.lists(st.sampled_from(["lamp-low", "lamp-high", "lamp-white", "lamp-red", "chair-ash"]), max_size=3),
    way=st.sampled_from(["credit_card_1", "gift_card_2", "paypal_3", "bobs_card"]),
)
def test_whatever_is_proposed_no_gift_card_goes_below_nothing_and_no_money_appears(
    name: str, status: str, items: list[str], new: list[str], way: str
) -> None:
    about: dict[str, dict[str, object]] = {
        "cancel": {"reason": "no longer needed"},
        "change_address": dict(AWAY),
        "change_payment": {"payment_method_id": way},
        "return": {"item_ids": items, "payment_method_id": way},
        "refund": {"amount": "3", "payment_method_id": way},
    }
    arguments = about.get(name, {"item_ids": items, "new_item_ids": new, "payment_method_id": way})
    of = order("#1", "ada", status, LAMP, CHAIR)
    try:
        change = tried(name, {"order_id": "#1", **arguments}, of, Policy(refund_limit=Decimal(5)))
    except Exception as error:
        assert str(error)  # noqa: PT017 whatever the reason, it is said
        return
    assert change.after is not None
    assert (balance(change) or 0) >= 0
    assert STATES[name][status] == change.after.status
    # What the order cost and what is paid for it stay equal, but for what was cancelled or refunded.
    if name in ("change_items", "change_payment", "change_address", "exchange", "return"):
        assert sum(change.after.paid().values()) == change.after.total
