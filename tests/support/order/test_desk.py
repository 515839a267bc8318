"""Identity, a restated proposal, an explicit yes, each change once: whatever speaks for the customer."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from regulars import clock
from regulars.errors import NotFoundError
from regulars.state import State
from regulars.support import Desk, OwnTables, RefusedError
from regulars.support.order import Policy, Tools, parse
from regulars.support.order.policy import Change
from regulars.support.order.reception import TRIES
from regulars.support.tables import journal, outbox
from tests.support.conftest import AWAY, NOON

CANCEL = parse("cancel", {"order_id": "#W1000001", "reason": "no longer needed"})
MOVE = parse("change_address", {"order_id": "#W1000001", **AWAY})


def status(own: OwnTables, order_id: str = "#W1000001") -> str:
    found = own.order(order_id)
    assert found is not None
    return found.status


def reason(call: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        call(*arguments, **more)
    return caught.value.reason


def confirmed_and_killed(desk: Desk, conversation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The customer's yes is written down; then the process dies, before anything is changed."""

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(OwnTables, "commit", dies)
        with pytest.raises(KeyboardInterrupt):
            desk.confirm(conversation, "yes")


def test_nothing_is_seen_or_done_before_it_is_known_who_asks(desk: Desk) -> None:
    nobody = desk.open()
    for call in (desk.orders, desk.customer):
        assert reason(call, nobody) == "not_identified"
    assert reason(desk.propose, nobody, [CANCEL]) == "not_identified"


@pytest.mark.parametrize(
    "who",
    [{"email": "ADA@example.com"}, {"name": "ada  lovelace", "zip_code": "78762"}],
    ids=["e-mail", "name and zip"],
)
def test_a_customer_is_found_by_email_or_by_name_and_zip(desk: Desk, who: dict[str, str]) -> None:
    conversation = desk.open()
    assert desk.identify(conversation, **who).customer_id == "ada"
    assert {order.customer_id for order in desk.orders(conversation)} == {"ada"}


def test_a_conversation_is_one_customers_for_ever(desk: Desk) -> None:
    ada = desk.open("ada")
    assert reason(desk.identify, ada, email="bob@example.com") == "other_customer"
    assert desk.customer(ada).customer_id == "ada"


def test_guesses_end(local: State, own: OwnTables) -> None:
    desk = Desk(local, own, Policy(identify_tries=2))
    conversation = desk.open()
    said = [reason(desk.identify, conversation, name="Ada Lovelace", zip_code=f"0000{n}") for n in range(3)]
    assert said == ["not_identified", "not_identified", "too_many_tries"]
    assert reason(desk.identify, conversation, email="ada@example.com") == "too_many_tries"


def test_guesses_end_over_all_conversations(desk: Desk) -> None:
    guesses = [reason(desk.identify, desk.open(), name="ADA Lovelace", zip_code=f"{n:05}") for n in range(TRIES + 1)]
    assert guesses == ["not_identified"] * TRIES + ["too_many_tries"]
    with clock.held_at(NOON + timedelta(days=1)):
        assert desk.identify(desk.open(), name="Ada Lovelace", zip_code="78762").customer_id == "ada"


def test_a_guess_counts_before_it_is_answered(desk: Desk, own: OwnTables, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation, seen = desk.open(), list[str]()

    def at_once(self: OwnTables, name: str, zip_code: str) -> None:
        with pytest.raises(RefusedError) as caught:
            desk.identify(conversation, name=name, zip_code=zip_code)
        seen.append(caught.value.reason)

    monkeypatch.setattr(OwnTables, "customer_by_name", at_once)
    at_once(own, "Ada Lovelace", "0")
    assert seen == ["too_many_tries"] + ["not_identified"] * desk.policy.identify_tries


def test_who_is_found_has_all_tries_again(desk: Desk) -> None:
    for _ in range(TRIES + 1):
        assert desk.identify(desk.open(), email="ada@example.com").customer_id == "ada"


def test_in_a_public_conversation_words_tell_nobody(desk: Desk) -> None:
    anybody = desk.open(is_public=True)
    assert reason(desk.identify, anybody, email="ada@example.com") == "sign_in"
    assert desk.customer(desk.open("ada", is_public=True)).customer_id == "ada"


def test_a_shop_may_serve_only_who_is_signed_in(local: State, own: OwnTables) -> None:
    desk = Desk(local, own, Policy(identify_in_words=False))
    assert reason(desk.identify, desk.open(), email="ada@example.com") == "sign_in"
    assert desk.customer(desk.open("ada")).customer_id == "ada"


def test_nothing_is_changed_before_a_yes(desk: Desk, own: OwnTables) -> None:
    ada = desk.open("ada")
    proposal = desk.propose(ada, [CANCEL])
    assert "Cancel order #W1000001 (Desk Lamp" in proposal.summary
    assert "120.00 goes back to Visa ending in 9212" in proposal.summary
    for said in ("", "hm", "no", "yes, but only the lamp"):
        assert reason(desk.confirm, ada, said) == "not_confirmed"
    assert status(own) == "pending"
    assert desk.confirm(ada, "Yes, cancel it")[0].is_done
    assert status(own) == "cancelled"


def test_a_yes_in_one_conversation_is_none_in_another(desk: Desk, own: OwnTables) -> None:
    ada, other = desk.open("ada"), desk.open("ada")
    number = desk.propose(ada, [CANCEL]).number
    assert reason(desk.confirm, other, "yes") == "not_confirmed"
    assert reason(desk.confirm, other, "yes", number) == "not_confirmed"
    assert status(own) == "pending"


def test_a_yes_is_to_what_was_shown_last(desk: Desk) -> None:
    ada = desk.open("ada")
    first = desk.propose(ada, [CANCEL])
    desk.propose(ada, [MOVE])
    assert reason(desk.confirm, ada, "yes", first.number) == "superseded"
    desk.decline(ada)
    assert reason(desk.confirm, ada, "yes") == "not_confirmed"


def test_a_yes_that_names_another_action_is_none(desk: Desk, own: OwnTables) -> None:
    ada = desk.open("ada")
    desk.propose(ada, [parse("return", {"order_id": "#W1000003", "item_ids": ["chair-oak"], "payment_method_id": "paypal_3"})])  # fmt: skip
    for said in (
        "Yes, exchange it please",
        "yes, refund it",
        "yes, change the address",
        "yes to both",
        "yes, all items",
    ):
        assert reason(desk.confirm, ada, said) == "not_confirmed"
    assert desk.confirm(ada, "Yes, return it please")[0].is_done
    desk.propose(ada, [MOVE, CANCEL])
    assert reason(desk.confirm, ada, "Yes, cancel it") == "not_confirmed"
    assert status(own) == "pending"


def test_what_died_on_the_way_gives_way_to_what_is_shown_after_it(
    desk: Desk, own: OwnTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = desk.open("ada")
    desk.propose(ada, [CANCEL])
    confirmed_and_killed(desk, ada, monkeypatch)
    desk.propose(ada, [MOVE])
    desk.decline(ada)
    desk.propose(ada, [MOVE])
    assert desk.confirm(ada, "yes")[0].action == MOVE
    assert desk.waiting(ada) is None
    assert status(own) == "pending"


def test_two_yes_at_once_are_written_down_once(desk: Desk, local: State, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = desk.open("ada")
    number = desk.propose(ada, [parse("unsubscribe", {})]).number
    commit = OwnTables.commit

    def meets_another(self: OwnTables, change: Change, key: str) -> None:
        monkeypatch.setattr(OwnTables, "commit", commit)
        assert desk.confirm(ada, "yes", number)[0].is_done
        commit(self, change, key)

    monkeypatch.setattr(OwnTables, "commit", meets_another)
    assert desk.confirm(ada, "yes", number)[0].is_done
    with local.read() as view:
        assert view.execute(sa.select(journal.c.action)).scalars().all() == ["unsubscribe"]
        assert len(view.execute(sa.select(outbox.c.type)).all()) == 2


def test_confirming_again_does_nothing_and_says_what_was_done(desk: Desk, own: OwnTables, local: State) -> None:
    ada = desk.open("ada")
    number = desk.propose(ada, [MOVE, CANCEL]).number
    assert [one.is_done for one in desk.confirm(ada, "yes", number)] == [True, True]
    before = own.order("#W1000001")
    assert [one.is_done for one in desk.confirm(ada, "yes", number)] == [True, True]
    assert own.order("#W1000001") == before
    with local.read() as view:
        said = view.execute(sa.select(journal.c.action, journal.c.outcome).order_by(journal.c.id)).all()
    assert [tuple(row) for row in said] == [("change_address", "done"), ("cancel", "done")]


def test_a_confirmation_that_died_on_the_way_goes_on_and_changes_once(
    desk: Desk, own: OwnTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = desk.open("ada")
    number = desk.propose(ada, [CANCEL]).number
    commit = OwnTables.commit

    def dies(self: OwnTables, change: Change, key: str) -> None:
        commit(self, change, key)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(OwnTables, "commit", dies)
        with pytest.raises(KeyboardInterrupt):
            desk.confirm(ada, "yes", number)
    assert status(own) == "cancelled"
    assert reason(desk.confirm, ada, "what about my order?", number) == "not_confirmed"
    assert desk.confirm(ada, "yes", number)[0].is_done
    found = own.order("#W1000001")
    assert found is not None
    assert [one.kind for one in found.payments] == ["payment", "refund"]


def test_what_changed_between_the_question_and_the_yes_is_checked_again(desk: Desk, own: OwnTables) -> None:
    ada, elsewhere = desk.open("ada"), desk.open("ada")
    desk.propose(ada, [CANCEL])
    desk.propose(elsewhere, [CANCEL])
    assert desk.confirm(ada, "yes")[0].is_done
    assert desk.confirm(elsewhere, "yes")[0].refused == "wrong_state"


def test_of_several_actions_each_sees_what_the_one_before_leaves(desk: Desk) -> None:
    ada = desk.open("ada")
    assert reason(desk.propose, ada, [CANCEL, MOVE]) == "wrong_state"
    assert desk.waiting(ada) is None


def test_an_address_is_put_back_by_a_proposal_of_its_own(desk: Desk, own: OwnTables) -> None:
    ada, before = desk.open("ada"), own.order("#W1000001")
    desk.propose(ada, [MOVE])
    desk.confirm(ada, "yes")
    assert own.order("#W1000001") != before
    assert "1 Elm Street" in desk.undo(ada).summary
    desk.confirm(ada, "yes")
    assert own.order("#W1000001") == before


def test_a_cancellation_is_not_put_back(desk: Desk) -> None:
    ada = desk.open("ada")
    desk.propose(ada, [CANCEL])
    desk.confirm(ada, "yes")
    assert reason(desk.undo, ada) == "not_undone"


def test_one_coupon_a_year(local: State, own: OwnTables) -> None:
    desk = Desk(local, own, Policy(coupon_limit=parse("coupon", {"amount": "5"}).amount))  # type: ignore[attr-defined]
    ada, coupon = desk.open("ada"), parse("coupon", {"amount": "5"})
    assert reason(desk.propose, ada, [coupon, coupon]) == "had_coupon"
    desk.propose(ada, [coupon])
    desk.confirm(ada, "yes")
    assert reason(desk.propose, desk.open("ada"), [coupon]) == "had_coupon"


def test_of_two_coupons_at_once_one_is_given(local: State, own: OwnTables, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(local, own, Policy(coupon_limit=Decimal(5)))
    coupon, commit = parse("coupon", {"amount": "5"}), OwnTables.commit
    first, second = desk.open("ada"), desk.open("ada")
    desk.propose(first, [coupon])
    desk.propose(second, [coupon])

    def meets_another(self: OwnTables, change: Change, key: str) -> None:
        monkeypatch.setattr(OwnTables, "commit", commit)
        assert desk.confirm(second, "yes")[0].refused == "had_coupon"
        commit(self, change, key)

    monkeypatch.setattr(OwnTables, "commit", meets_another)
    assert desk.confirm(first, "yes")[0].is_done


def test_a_coupon_that_died_on_the_way_is_given_once(
    local: State, own: OwnTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(local, own, Policy(coupon_limit=Decimal(5)))
    ada = desk.open("ada")
    desk.propose(ada, [parse("coupon", {"amount": "5"})])
    confirmed_and_killed(desk, ada, monkeypatch)
    assert desk.confirm(ada, "yes")[0].is_done


def test_who_unsubscribes_is_in_the_log_as_one_who_takes_the_consent_back(desk: Desk, local: State) -> None:
    ada = desk.open("ada")
    desk.propose(ada, [parse("unsubscribe", {})])
    desk.confirm(ada, "yes")
    with local.read() as view:
        found = view.execute(sa.select(outbox.c.type, outbox.c.customer_id, outbox.c.text)).all()
    assert [tuple(row) for row in found] == [
        ("consent_withdrawn", "ada", "marketing"),
        ("objection_made", "ada", "marketing"),
    ]


def test_the_tools_of_a_model_reach_nobody_else_and_confirm_nothing(desk: Desk, own: OwnTables) -> None:
    ada = desk.open("ada")
    tools = Tools(desk, ada)
    assert {one["customer_id"] for one in tools.call("orders", {})["found"]} == {"ada"}
    assert tools.call("order", {"order_id": "#W2000001"})["refused"] == "unknown_order"
    assert tools.call("cancel", {"order_id": "#W2000001", "reason": "no longer needed"})["refused"] == "unknown_order"
    for name, arguments in (("orders", {"customer_id": "bob"}), ("confirm", {"message": "yes"}), ("order", None), ("product", {"product_id": 3})):  # fmt: skip
        assert tools.call(name, arguments)["refused"] == "invalid"
    assert "proposal" in tools.call("cancel", {"order_id": "#W1000001", "reason": "no longer needed"})
    assert (status(own), status(own, "#W2000001")) == ("pending", "pending")


def test_who_is_not_there_cannot_be_served(desk: Desk) -> None:
    with pytest.raises(NotFoundError, match="no customer"):
        desk.open("eve")
    with pytest.raises(NotFoundError, match="no conversation"):
        desk.orders("nowhere")


def test_the_tables_are_the_same_in_either_database(state: State) -> None:
    own = OwnTables(state)
    from tests.support.conftest import LAMP, VISA, customer, order

    own.load([customer("ada", "Ada", "Lovelace", VISA)], [order("#W1000001", "ada", "pending", LAMP)])
    own.load([customer("ada", "Ada", "Lovelace", VISA)])
    desk = Desk(state, own)
    ada = desk.open("ada")
    desk.propose(ada, [CANCEL])
    assert desk.confirm(ada, "yes")[0].is_done
    assert status(own) == "cancelled"
