"""Whole conversations without a language model: what customers rely on, in English and Chinese."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars import clock
from regulars.errors import NotFoundError
from regulars.state import State
from regulars.support import Chat, Desk, OwnTables, Policy
from regulars.support.answer import Answers
from regulars.support.dialogue.languages import NOTICES, language_of
from regulars.support.handover import close, give_back, send, take, transcript, waiting
from tests.support.conftest import NOON


def status(own: OwnTables, order_id: str) -> str:
    found = own.order(order_id)
    assert found is not None
    return found.status


def test_the_first_answer_says_in_the_customers_language_that_an_ai_answers(chat: Chat) -> None:
    for said, language in (("hi", "en"), ("你好", "zh"), ("Wo ist meine Bestellung?", "de"), ("أين طلبي؟", "ar")):
        conversation = chat.open("ada")
        first = chat.say(conversation, said)
        assert first.text.startswith(NOTICES[language]["ai"])
        assert (first.is_first, first.mark["made_by"]) == (True, "ai")
    assert NOTICES["en"]["ai"] not in chat.say(chat.open("ada"), "你好").text


def test_it_is_said_once(chat: Chat) -> None:
    ada = chat.open("ada")
    assert chat.say(ada, "hi").is_first
    assert not chat.say(ada, "where is order #W1000001?").is_first


def test_two_things_in_one_message_are_done_each_by_its_own_yes(chat: Chat, own: OwnTables) -> None:
    ada = chat.open()
    said = chat.say(
        ada, "exchange one desk lamp in #W1000002 for the brighter one, and return the chair, refund to the gift card"
    )
    assert (said.action, "e-mail" in said.text) == ("ask", True)
    said = chat.say(ada, "Ada Lovelace, 78762")
    assert said.action == "confirm", said.text
    assert (
        "Exchange items of order #W1000002: Desk Lamp (color black, brightness low) to Desk Lamp (color black, brightness high)"
        in said.text
    )
    assert "Return from order" not in said.text
    assert status(own, "#W1000002") == "delivered"
    said = chat.say(ada, "yes")
    assert [one.is_done for one in said.results] == [True]
    assert "Return from order #W1000003" in said.text
    assert (status(own, "#W1000002"), status(own, "#W1000003")) == ("exchange requested", "delivered")
    said = chat.say(ada, "yes")
    assert [one.is_done for one in said.results] == [True]
    assert (status(own, "#W1000002"), status(own, "#W1000003")) == ("exchange requested", "return requested")


def test_a_whole_conversation_in_chinese(chat: Chat, own: OwnTables) -> None:
    ada = chat.open()
    assert "邮箱" in chat.say(ada, "我想取消订单 W1000001").text
    said = chat.say(ada, "我的邮箱是 ada@example.com")
    assert "为什么取消" in said.text
    said = chat.say(ada, "不小心下错单了")
    assert (said.action, "误下单" in said.text) == ("confirm", True)
    assert chat.say(ada, "是的，确认").action == "done"
    assert status(own, "#W1000001") == "cancelled"
    assert chat.say(ada, "没有了，谢谢").action == "end"


def test_what_is_missing_is_asked_for_and_no_answer_is_taken_for_another(chat: Chat, own: OwnTables) -> None:
    ada = chat.open("ada")
    assert "Which order" in chat.say(ada, "I want to return something").text
    assert "Which items" in chat.say(ada, "#W1000002").text
    assert "payment method" in chat.say(ada, "both lamps").text
    said = chat.say(ada, "to the original payment method")
    assert said.action == "confirm"
    assert said.text.count("Desk Lamp") == 2
    assert "40.00" in said.text
    chat.say(ada, "yes please")
    assert status(own, "#W1000002") == "return requested"


def test_a_no_changes_nothing_and_another_payment_method_is_taken_up(chat: Chat, own: OwnTables) -> None:
    ada = chat.open("ada")
    first = chat.say(ada, "return one lamp of #W1000002 to my visa")
    assert "Visa" in first.text
    second = chat.say(ada, "no, to the gift card")
    assert (second.action, "gift card" in second.text) == ("confirm", True)
    assert second.proposal != first.proposal
    assert chat.say(ada, "no").action == "ask"
    assert chat.desk.waiting(ada) is None
    assert status(own, "#W1000002") == "delivered"


def test_an_answer_that_is_no_plain_yes_is_asked_again_and_then_a_person_goes_on(chat: Chat, own: OwnTables) -> None:
    ada = chat.open("ada")
    chat.say(ada, "cancel #W1000001, ordered by mistake")
    assert "no plain yes" in chat.say(ada, "hmm, perhaps").text
    assert chat.say(ada, "well, you know").action == "hand_over"
    assert status(own, "#W1000001") == "pending"


def test_what_the_policy_forbids_is_said_with_why_and_the_rest_is_done(chat: Chat, own: OwnTables) -> None:
    ada = chat.open("ada")
    said = chat.say(ada, "cancel #W1000004 because I ordered it by mistake, and cancel #W1000001, no longer needed")
    assert "Order #W1000004 is cancelled; that can only be done while it is pending" in said.text
    assert said.action == "confirm"
    chat.say(ada, "yes")
    assert status(own, "#W1000001") == "cancelled"


def test_a_status_is_told_from_the_order_and_cites_it(chat: Chat) -> None:
    said = chat.say(chat.open("ada"), "Where is my order W1000003?")
    assert (said.action, said.citations) == ("answer", ("#W1000003",))
    assert "is delivered: Office Chair (material oak); 100.00 in all" in said.text


@pytest.mark.parametrize(
    ("said", "order_id"),
    [
        ("where is the order from 3 May 2024?", "#W1000001"),
        ("我2024年5月9日的订单到哪里了？", "#W1000003"),
    ],
)
def test_an_order_is_told_by_the_day_on_which_it_was_placed(
    chat: Chat, own: OwnTables, said: str, order_id: str
) -> None:
    placed = {"#W1000001": date(2024, 5, 3), "#W1000003": date(2024, 5, 9)}
    orders = [own.order(one) for one in placed]
    own.load([], [one.model_copy(update={"ordered_on": placed[one.order_id]}) for one in orders if one], [])
    reply = chat.say(chat.open("ada"), said)
    assert (reply.action, reply.citations) == ("answer", (order_id,))


@pytest.mark.parametrize(
    "said", ["What is the status of my last order?", "我最近的一个订单状态是什么？", "where is my latest order?"]
)
def test_the_last_order_is_the_one_that_was_placed_last(local: State, own: OwnTables, said: str) -> None:
    placed = {"#W1000001": 3, "#W1000002": 4, "#W1000003": 9, "#W1000004": 5}
    orders = [own.order(one) for one in placed]
    own.load(
        [], [one.model_copy(update={"ordered_on": date(2024, 4, placed[one.order_id])}) for one in orders if one], []
    )
    reply = Chat(Desk(local, own), answer=Answers(None, own)).say(Desk(local, own).open("ada"), said)
    assert (reply.action, reply.citations) == ("answer", ("#W1000003",))
    assert "delivered" in reply.text or "已送达" in reply.text


def test_anothers_order_is_as_if_there_were_none(chat: Chat) -> None:
    for said in ("where is #W2000001?", "cancel #W2000001, ordered by mistake", "where is #W9999999?"):
        reply = chat.say(chat.open("ada"), said)
        assert "no order #W" in reply.text
        assert "Bob" not in reply.text


def test_a_shop_may_ask_to_sign_in(local: State, own: OwnTables) -> None:
    chat = Chat(Desk(local, own, Policy(identify_in_words=False)))
    reply = chat.say(chat.open(), "cancel #W1000001, I am ada@example.com")
    assert (reply.action, "sign in" in reply.text) == ("ask", True)


def test_to_claim_to_be_another_changes_nothing_for_who_is_signed_in(chat: Chat) -> None:
    ada = chat.open("ada")
    said = chat.say(
        ada, "My name is Bob Stone and my zip code is 78762, my e-mail is bob@example.com. Where is #W2000001?"
    )
    assert "no order #W2000001" in said.text


def test_what_was_done_is_undone_where_it_can_be(chat: Chat, own: OwnTables) -> None:
    ada, before = chat.open("ada"), own.order("#W1000001")
    chat.say(ada, "ship #W1000001 to 9 Oak Avenue, Denver, CO 80279, USA")
    chat.say(ada, "yes")
    assert own.order("#W1000001") != before
    assert "1 Elm Street" in chat.say(ada, "please undo that").text
    chat.say(ada, "yes")
    assert own.order("#W1000001") == before


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("I want to talk to a human", "asked"), ("转人工", "asked"), ("this is a scam, I will sue you", "angry"),
        ("你们都是骗子", "angry"), ("give me a coupon of 50 dollars", "not_offered"),
    ],
)  # fmt: skip
def test_a_person_goes_on_where_one_is_needed(chat: Chat, local: State, said: str, reason: str) -> None:
    ada = chat.open("ada")
    reply = chat.say(ada, said)
    assert reply.action == "hand_over"
    assert reply.hand_over is not None
    assert (reply.hand_over.reason, reply.hand_over.wait_minutes) == (reason, 8)
    assert NOTICES[reply.language]["person"] in reply.text
    found = waiting(local)[0]
    assert (found.reason, found.summary, found.facts["customer"]) == (reason, said, "ada")
    assert found.facts["next_actions"]["#W1000001"] == ["cancel", "change_address", "change_payment", "change_items"]
    assert "Ada" in found.proposed
    assert chat.say(ada, "are you there?").action == "with_person"


@pytest.mark.parametrize(
    ("said", "sorry"),
    [("the lamp of #W1000001 arrived broken, where is my order?", "I am sorry about that."),
     ("订单 #W1000001 怎么还没到，很失望", "很抱歉给您带来不便。")],
)  # fmt: skip
def test_who_is_unhappy_hears_regret_and_who_is_not_does_not(chat: Chat, said: str, sorry: str) -> None:
    assert sorry in chat.say(chat.open("ada"), said).text
    assert "sorry" not in chat.say(chat.open("ada"), "where is order #W1000001?").text


def test_with_whom_much_value_would_leave_a_person_goes_on_once_unhappy(local: State, own: OwnTables) -> None:
    chat = Chat(Desk(local, own), at_risk=lambda customer: customer == "ada")
    assert chat.say(chat.open("ada"), "where is order #W1000001?").action == "answer"
    said = "I am disappointed, where is my order?"
    handed = chat.say(chat.open("ada"), said).hand_over
    assert handed is not None
    assert handed.reason == "at_risk"
    assert handed.proposed.startswith("Hello Ada, I am sorry")
    assert chat.say(chat.open("bob"), said).hand_over is None


def test_twice_not_understood_is_a_persons(chat: Chat) -> None:
    ada = chat.open("ada")
    assert chat.say(ada, "my cat is called Fritz").action == "ask"
    reply = chat.say(ada, "he is grey")
    assert reply.hand_over is not None
    assert reply.hand_over.reason == "not_understood"


def test_above_the_shops_bound_a_person_decides(local: State, own: OwnTables) -> None:
    from decimal import Decimal

    chat = Chat(Desk(local, own, Policy(hand_over_above=Decimal(50))))
    reply = chat.say(chat.open("ada"), "cancel #W1000001, no longer needed")
    assert reply.hand_over is not None
    assert reply.hand_over.reason == "needs_person"


def test_out_of_hours_it_is_said_when_people_are_back(chat: Chat) -> None:
    with clock.held_at(NOON + timedelta(days=2, hours=8)):  # Friday evening
        reply = chat.say(chat.open("ada"), "I want a person")
    assert "people are back on 2024-05-06 09:00 UTC" in reply.text


def test_a_person_takes_over_answers_and_gives_back(chat: Chat, local: State) -> None:
    ada = chat.open("ada")
    chat.say(ada, "I want a person")
    taken = take(local, "mei")
    assert taken is not None
    send(local, "mei", taken.id, "Hello, Mei here.")
    give_back(local, "mei", taken.id)
    assert waiting(local) == []
    reply = chat.say(ada, "where is #W1000001?")
    assert (reply.action, reply.is_first) == ("answer", False)
    assert [who for _, who, _ in transcript(local, ada)] == ["customer", "ai", "mei", "customer", "ai"]


def test_a_conversation_that_ended_begins_afresh(chat: Chat, local: State, own: OwnTables) -> None:
    ada = chat.open("ada")
    chat.say(ada, "cancel #W1000001, no longer needed")
    chat.say(ada, "I want a person")
    taken = take(local, "mei")
    assert taken is not None
    close(local, "mei", taken.id)
    reply = chat.say(ada, "yes")
    assert (reply.action, reply.is_first) == ("ask", True)
    assert status(own, "#W1000001") == "pending"


def test_an_answer_from_the_shops_texts_is_asked_for_what_is_no_action(desk: Desk) -> None:
    chat = Chat(
        desk, answer=lambda text, customer, language: ("Within 30 days.", ("returns.md",)) if "policy" in text else None
    )
    reply = chat.say(chat.open(), "What is your return policy?")
    assert (reply.action, reply.citations) == ("answer", ("returns.md",))
    assert "Within 30 days." in reply.text


HOSTILE = (
    "", " ", "\x00", "\u200b\u200d\ufeff", "👍", "🎁" * 500, "a" * 100_000, "取消" * 50_000, "\u202eecnel", "\ud800",
    "{'a': " * 2000, "#W" * 2000, "'; DROP TABLE support_orders; --", "cancel " * 3000, "1" * 5000, "yes" * 2000,
    "😀 مرحبا \u202b 你好", "%s %n {0} {order_id}", "[bold]x[/]", "\n" * 4000, "((((((((((" * 400, "return the " * 1500,
)  # fmt: skip


@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_is_sent_the_customer_has_an_answer_or_a_person_and_nothing_changes(
    chat: Chat, own: OwnTables, said: str
) -> None:
    before = own.orders_of("ada")
    for conversation in (chat.open(), chat.open("ada")):
        replies = [chat.say(conversation, said) for _ in range(2)]
        assert all(reply.text for reply in replies)
        json.dumps([reply.mark for reply in replies]).encode()
    assert own.orders_of("ada") == before


GREETINGS = {
    "de": "Ich möchte meine Bestellung zurückgeben", "fr": "Je voudrais annuler ma commande", "es": "Quiero devolver mi pedido",
    "it": "Vorrei restituire il mio ordine", "pt": "Quero devolver o meu pedido", "nl": "Ik wil mijn bestelling terugsturen",
    "sv": "Jag vill returnera min beställning", "da": "Jeg vil gerne returnere min ordre", "fi": "Haluan palauttaa tilaukseni",
    "pl": "Chcę zwrócić moje zamówienie", "cs": "Chci vrátit moje zboží, prosím", "hu": "Szeretném visszaküldeni a rendelésem",
    "ro": "Vreau să returnez comanda mea", "tr": "Siparişimi iade etmek istiyorum", "el": "Θέλω να επιστρέψω την παραγγελία",
    "ru": "Хочу вернуть заказ", "uk": "Хочу повернути замовлення, дякую їм", "bg": "Искам да върна поръчката си",
    "ar": "أريد إرجاع طلبي", "he": "אני רוצה להחזיר את ההזמנה", "fa": "می‌خواهم سفارشم را برگردانم", "hi": "मैं अपना ऑर्डर लौटाना चाहता हूँ",
    "bn": "আমি আমার অর্ডার ফেরত দিতে চাই", "th": "ฉันต้องการคืนสินค้า", "vi": "Tôi muốn trả lại đơn hàng của tôi",
    "id": "Saya ingin mengembalikan pesanan saya", "ja": "注文を返品したいです", "ko": "주문을 반품하고 싶어요", "no": "Jeg ønsker å returnere bestillingen min",
}  # fmt: skip


@pytest.mark.parametrize("language", sorted(GREETINGS))
def test_in_every_language_there_is_an_answer_in_it_and_then_a_person(chat: Chat, language: str) -> None:
    reply = chat.say(chat.open("ada"), GREETINGS[language])
    assert reply.language == language
    assert reply.text.startswith(NOTICES[language]["ai"])
    assert reply.action == "hand_over"
    assert NOTICES[language]["person"] in reply.text


@pytest.mark.parametrize("said", ["what about a kayak", "do you accept a cheque or a wire", "a code", "no", "o"])
def test_english_is_not_taken_for_a_language_that_shares_a_short_word(said: str) -> None:
    assert language_of(said) == "en"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.lists(
        st.one_of(
            st.text(max_size=60),
            st.sampled_from(
                ["cancel", "return the lamp", "exchange", "#W1000001", "no", "the second", "visa", "换货", "where", "both",
                 "bob@example.com", "Bob Stone 78762", "undo", "to my gift card", "#W2000001", "refund 5 dollars"]
            ),
        ),
        max_size=6,
    )
)  # fmt: skip
def test_without_a_yes_no_conversation_changes_anything(chat: Chat, own: OwnTables, said: list[str]) -> None:
    before = [own.orders_of(who) for who in ("ada", "bob")]
    ada = chat.open("ada")
    for message in said:
        if message.strip().casefold() not in ("y", "ok", "ya", "ja", "да"):
            chat.say(ada, message)
    assert [own.orders_of(who) for who in ("ada", "bob")] == before


@pytest.mark.parametrize(
    ("between", "then"),
    [
        ("where is order #W1000003?", "confirm"),
        ("cancel #W1000004, no longer needed", "confirm"),
        ("return something of #W1000002", "ask"),
    ],
    ids=["a status", "a refusal", "a question"],
)
def test_a_yes_is_to_what_was_said_last_and_to_nothing_else(
    chat: Chat, own: OwnTables, between: str, then: str
) -> None:
    ada = chat.open("ada")
    first = chat.say(ada, "cancel #W1000001, no longer needed")
    second = chat.say(ada, between)
    assert second.action == then
    is_said_again = "Cancel order #W1000001" in second.text
    assert is_said_again == (then == "confirm")
    assert (second.proposal != first.proposal, "anything else" in second.text) == (True, False)
    chat.say(ada, "yes")
    assert status(own, "#W1000001") == ("cancelled" if is_said_again else "pending")


def test_another_way_to_pay_is_taken_up_after_a_question_between(chat: Chat) -> None:
    ada = chat.open("ada")
    chat.say(ada, "return one lamp of #W1000002 to my visa")
    assert "Visa" in chat.say(ada, "where is order #W1000003?").text
    said = chat.say(ada, "no, to the gift card")
    assert (said.action, "gift card" in said.text) == ("confirm", True)


def test_a_question_while_something_waits_for_a_yes_is_answered_and_that_is_said_again(
    desk: Desk, own: OwnTables
) -> None:
    def answer(question: str, *_: object) -> tuple[str, tuple[str, ...]] | None:
        return ("Money is back in a week.", ("returns.md",)) if "money" in question else None

    chat = Chat(desk, answer=answer)
    ada = chat.open("ada")
    chat.say(ada, "cancel #W1000001, no longer needed")
    said = chat.say(ada, "is money lost?")
    assert said.text.startswith("Money is back in a week.\nCancel order #W1000001")
    assert (said.action, said.citations) == ("confirm", ("returns.md",))
    assert chat.say(ada, "yes").action == "done"
    assert status(own, "#W1000001") == "cancelled"


def test_a_yes_to_a_choice_of_texts_does_nothing(desk: Desk, own: OwnTables) -> None:
    class Near:
        def offered(self, *_: object) -> list[tuple[str, str]]:
            return [("1", "Return period")]

        def told(self, *_: object) -> tuple[str, tuple[str, ...]]:
            return "Thirty days.", ("returns.md",)

    chat = Chat(desk, offers=Near())
    ada = chat.open("ada")
    chat.say(ada, "cancel #W1000001, no longer needed")
    said = chat.say(ada, "what about the period?")
    assert "Return period" not in said.text
    assert "Cancel order #W1000001" in said.text
    assert status(own, "#W1000001") == "pending"


def test_a_proposal_lapses_after_a_day(chat: Chat, own: OwnTables) -> None:
    ada = chat.open("ada")
    chat.say(ada, "cancel #W1000001, no longer needed")
    with clock.held_at(NOON + timedelta(days=1)):
        assert chat.desk.waiting(ada) is None
        assert chat.say(ada, "yes").action != "done"
    assert status(own, "#W1000001") == "pending"


@pytest.mark.parametrize("said", ["hi", "cancel #W1000001, no longer needed", "it's ada@example.com"])
def test_who_writes_in_a_page_is_asked_to_sign_in_and_not_believed(chat: Chat, said: str) -> None:
    anybody = chat.open(is_public=True)
    assert "please sign in first" in chat.say(anybody, said).text
    assert "#W1000001" not in chat.say(anybody, "where is my order?").text
    assert chat.say(anybody, "I want to talk to a person").action == "hand_over"


@pytest.mark.parametrize(
    "said", ["address1: " + "x" * 201, "address1: , city: Denver", "address1: 9 Oak\n\nAvenue, city: Denver"]
)
def test_what_is_no_address_is_asked_for_again(chat: Chat, own: OwnTables, said: str) -> None:
    ada, before = chat.open("ada"), own.order("#W1000001")
    for asked in (f"change the address of #W1000001 to {said}", f"change my default address to {said}"):
        assert chat.say(ada, asked).action in ("ask", "confirm")
        chat.say(ada, "no")
    assert own.order("#W1000001") == before


def test_an_order_whose_address_could_not_be_asked_for_gets_another(chat: Chat, own: OwnTables) -> None:
    found = own.order("#W1000001")
    assert found is not None
    own.load(
        orders=[found.model_copy(update={"address": found.address.model_copy(update={"address1": "1 Elm\nStreet"})})]
    )
    ada = chat.open("ada")
    chat.say(ada, "change the address of #W1000001 to 9 Oak Avenue, Denver, CO 80279")
    said = chat.say(ada, "yes")
    assert (said.action, [one.inverse for one in said.results]) == ("done", [None])


def test_whatever_fails_a_person_goes_on_and_the_log_says_why(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    def answer(*_: object) -> None:
        raise ZeroDivisionError

    handed = Chat(desk, answer=answer).say(desk.open("ada"), "how long may I keep it?").hand_over
    assert handed is not None
    assert handed.reason == "fault"
    assert "ZeroDivisionError" in caplog.text


def test_a_conversation_that_is_not_there_is_said_alike_everywhere(chat: Chat) -> None:
    said = set()
    for ask in (chat.status, lambda name: chat.say(name, "hi"), chat.desk.customer):
        with pytest.raises(NotFoundError) as caught:
            ask("nowhere")
        said.add(str(caught.value))
    assert said == {'There is no conversation "nowhere". Begin a new one.'}
