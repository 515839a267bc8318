"""A language model with tools: it proposes, code decides, and nothing is said that no tool has told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regulars.language import LanguageModel, Limits
from regulars.language.recording import Recorded, Replayed, Scripted
from regulars.language.text import clean
from regulars.language.wire import Call, Reply
from regulars.support import Chat, Desk, OwnTables
from regulars.support.dialogue.agent import NEEDED, Agent
from regulars.support.order import ACTIONS

LIMITS = Limits(send=NEEDED, tries=1)


def calls(*asked: tuple[str, object]) -> Reply:
    return Reply("", tuple(Call(name, json.dumps(arguments)) for name, arguments in asked), finish="tool_calls")


def says(action: str, text: str = "") -> str:
    return json.dumps({"action": action, "text": text})


def chat_of(desk: Desk, *replies: str | Reply) -> Chat:
    return Chat(desk, agent=Agent(LanguageModel(Scripted(replies), "test", LIMITS)))


def test_what_it_reads_it_may_say(desk: Desk) -> None:
    chat = chat_of(
        desk,
        calls(("order", {"order_id": "#W1000001"})),
        says("say", "Order #W1000001 is pending, 120.00 for 2 items."),
    )
    reply = chat.say(chat.open("ada"), "what about the lamp and the chair?")
    assert "Order #W1000001 is pending, 120.00 for 2 items." in reply.text
    assert (reply.action, reply.citations) == ("answer", ("#W1000001",))


@pytest.mark.parametrize(
    "lie",
    [
        "You get 500.00 back.", "It arrives on 2024-06-01.", "It arrives tomorrow.", "You get a refund of it.",
        "I have cancelled it.", "已为您取消订单。", "We send it for free.", "Write to boss@evil.example.",
        "See https://evil.example/pay", "Order #W2000001 is pending.", "保证三天内退款。",
        "We will send you a replacement.", "You get a discount on the Desk Lamp.", "All done, your order is stopped.",
        "I have cancelled order #W1000001.", "Order #W1000001 is cancelled.", "Order #W1000004 is cancelled, and #W1000001 too.",
        "#W1000004 is delivered.", "Order #W1000001 isn't pending.", "You get 120.00 back for order #W1000001.",
        "Please confirm your card at evil-pay.example first.", "Which evil-pay.example do you mean?", "What is your card number?",
        "Please tell me the code of order #W1000001.", "I have can\u200bcelled it.", "Write to boss@\u200bevil.example.",
        "We have put an end to it, all right?", "The Desk Lamp goes out soon.", "Your credit_card_1 is used for #W1000001.",
        "78762 for the Desk Lamp.", "订单#W1000001已取消。", "订单#W1000001我会马上处理。", "请提供您的银行卡号？",
        "Storniert: #W1000001.", "Die Bestellung #W1000001 wurde storniert.", "Wie lautet Ihre Kartennummer?",
        "#W1000001 goes up in smoke.", "订单#W1000001作废。", "All shops are closing.", "This shop sells stolen goods.",
    ],
)  # fmt: skip
def test_what_no_tool_has_told_is_not_said(desk: Desk, lie: str) -> None:
    chat = chat_of(desk, calls(("orders", {})), says("say", lie))
    reply = chat.say(chat.open("ada"), "what about the lamp?")
    assert clean(lie) not in reply.text
    assert reply.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Order #W1000004 is cancelled.", "Order #W1000004 is cancelled."),
        ("Hello Ada! You have 4 orders: #W1000001 (pending), #W1000002 (delivered). Which one?",
         "You have 4 orders: #W1000001 (pending), #W1000002 (delivered). Which one?"),
        ("You have four orders.", "You have four orders."),
        ("The Office Chair costs 100.00.", "The Office Chair costs 100.00."),
        ("订单#W1000003已送达。您要哪一个？", "订单#W1000003已送达。 您要哪一个？"),
        ("Which payment method do you want, the gift card?", "Which payment method do you want, the gift card?"),
    ],
)  # fmt: skip
def test_what_tools_told_and_questions_are_said_and_what_names_nothing_is_left_out(
    desk: Desk, text: str, said: str
) -> None:
    chat = chat_of(desk, calls(("orders", {})), says("say", text))
    reply = chat.say(chat.open("ada"), "what about it?")
    assert reply.text.endswith(f"\n{said}")


def test_what_it_proposes_is_restated_by_code_and_done_after_the_customers_own_yes(desk: Desk, own: OwnTables) -> None:
    cancel = ("cancel", {"order_id": "#W1000001", "reason": "no longer needed"})
    chat = chat_of(desk, calls(cancel))
    ada = chat.open("ada")
    reply = chat.say(ada, "get rid of the pending one, I have enough lamps")
    assert (reply.action, "Cancel order #W1000001" in reply.text) == ("confirm", True)
    found = own.order("#W1000001")
    assert found is not None
    assert found.status == "pending"
    assert chat.say(ada, "yes").action == "done"
    found = own.order("#W1000001")
    assert found is not None
    assert found.status == "cancelled"


PLACE = {"address1": "9 Oak Avenue", "city": "Denver", "state": "CO", "zip": "80279", "country": "USA"}
MOVE = ("change_address", {"order_id": "#W1000001", **PLACE})
PAY = ("change_payment", {"order_id": "#W1000001", "payment_method_id": "paypal_3"})
CANCEL = ("cancel", {"order_id": "#W1000001", "reason": "no longer needed"})
RETURN = ("return", {"order_id": "#W1000003", "item_ids": ["chair-oak"], "payment_method_id": "paypal_3"})


def test_of_several_things_each_is_restated_alone_and_done_by_its_own_yes(desk: Desk, own: OwnTables) -> None:
    chat = chat_of(desk, calls(MOVE, PAY, RETURN))
    ada = chat.open("ada")
    first = chat.say(ada, "all of that please")
    assert ("9 Oak Avenue" in first.text, "PayPal" in first.text) == (True, False)
    assert "This one first" in first.text
    second = chat.say(ada, "yes", first.proposal)
    assert [one.action.name for one in second.results] == ["change_address"]
    assert (second.action, "#W1000001" in second.text, "PayPal" in second.text) == ("confirm", True, True)
    repeated = chat.say(ada, "yes", first.proposal)  # the same yes, sent twice
    assert (repeated.action, repeated.results) == ("confirm", ())
    third = chat.say(ada, "no", repeated.proposal)
    assert (third.action, "Nothing was changed." in third.text, "Return from order #W1000003" in third.text) == (
        "confirm", True, True,
    )  # fmt: skip
    assert [one.action.name for one in chat.say(ada, "yes").results] == ["return"]
    pending, returned = own.order("#W1000001"), own.order("#W1000003")
    assert pending is not None
    assert returned is not None
    assert (pending.address.city, list(pending.paid()), returned.status) == (
        "Denver", ["credit_card_1"], "return requested",
    )  # fmt: skip


def test_what_can_no_longer_be_done_when_its_turn_comes_is_refused_by_itself(desk: Desk, own: OwnTables) -> None:
    chat = chat_of(desk, calls(MOVE, RETURN))
    ada = chat.open("ada")
    chat.say(ada, "both please")
    chair = own.order("#W1000003")
    assert chair is not None
    own.load(orders=[chair.model_copy(update={"status": "cancelled"})])
    reply = chat.say(ada, "yes")
    assert [(one.action.name, one.is_done) for one in reply.results] == [("change_address", True)]
    assert "This cannot be done" in reply.text
    assert desk.waiting(ada) is None


def test_what_is_asked_otherwise_takes_the_place_of_all_that_it_would_do(desk: Desk) -> None:
    chat = chat_of(desk, calls(MOVE, RETURN), calls(CANCEL))
    ada = chat.open("ada")
    chat.say(ada, "both please")
    assert "Cancel order #W1000001" in chat.say(ada, "rather get rid of the first").text
    last = chat.say(ada, "yes")
    assert (last.action, [one.action.name for one in last.results]) == ("done", ["cancel"])


def test_nothing_is_proposed_where_one_of_several_is_forbidden_and_it_is_told_why(desk: Desk) -> None:
    wrong = ("cancel", {"order_id": "#W2000001", "reason": "no longer needed"})
    scripted = Scripted([calls(MOVE, wrong), says("say", "Which order do you mean?")])
    chat = Chat(desk, agent=Agent(LanguageModel(scripted, "test", LIMITS)))
    ada = chat.open("ada")
    assert "Which order do you mean?" in chat.say(ada, "move it").text
    assert "unknown_order" in json.dumps(scripted.requests[1]["messages"])
    assert desk.waiting(ada) is None


def test_a_correction_of_what_it_proposed_goes_back_to_it(desk: Desk) -> None:
    first = calls(("return", {"order_id": "#W1000003", "item_ids": ["chair-oak"], "payment_method_id": "paypal_3"}))
    second = calls(("return", {"order_id": "#W1000003", "item_ids": ["chair-oak"], "payment_method_id": "gift_card_2"}))
    chat = chat_of(desk, first, second)
    ada = chat.open("ada")
    assert "PayPal" in chat.say(ada, "the chair goes back").text
    reply = chat.say(ada, "rather onto my gift card")
    assert (reply.action, "gift card" in reply.text) == ("confirm", True)


def test_where_it_fails_forms_are_filled_as_without_it(desk: Desk) -> None:
    chat = chat_of(desk)  # the script has no answer: the endpoint is down
    reply = chat.say(chat.open("ada"), "where is #W1000003?")
    assert (reply.action, reply.citations) == ("answer", ("#W1000003",))


def test_a_person_goes_on_when_it_says_so_and_when_the_customer_does(desk: Desk) -> None:
    chat = chat_of(desk, says("hand_over"))
    reply = chat.say(chat.open("ada"), "my lamp hums")
    assert reply.hand_over is not None
    assert reply.hand_over.reason == "unanswered"
    scripted = Scripted([])
    chat = Chat(desk, agent=Agent(LanguageModel(scripted, "test", LIMITS)))
    assert chat.say(chat.open("ada"), "a human please").action == "hand_over"
    assert scripted.requests == []


def test_it_is_not_asked_before_it_is_known_who_the_customer_is(desk: Desk) -> None:
    scripted = Scripted([])
    chat = Chat(desk, agent=Agent(LanguageModel(scripted, "test", LIMITS)))
    assert chat.say(chat.open(), "where is my order?").action == "ask"
    assert scripted.requests == []


def test_names_and_numbers_leave_as_pseudonyms_and_come_back(desk: Desk) -> None:
    scripted = Scripted([calls(("orders", {})), says("say", "Which one do you mean, [ID_1]?")])
    chat = Chat(desk, agent=Agent(LanguageModel(scripted, "test", LIMITS)))
    reply = chat.say(chat.open("ada"), "Ada Lovelace here, about #W1000001")
    sent = json.dumps(scripted.requests, ensure_ascii=False)
    assert "Lovelace" not in sent
    assert "W1000001" not in sent
    assert "#W1000001" in reply.text


def sent_of(desk: Desk, send: frozenset[str]) -> Scripted:
    scripted = Scripted([calls(("profile", {})), calls(("orders", {})), says("say", "Which one?")])
    chat = Chat(desk, agent=Agent(LanguageModel(scripted, "test", Limits(send=send, tries=1))))
    chat.say(chat.open("ada"), "about card credit_card_1, to 1 elm street")
    return scripted


def test_addresses_and_ways_to_pay_leave_only_as_pseudonyms_and_the_profile_only_where_it_may(desk: Desk) -> None:
    scripted = sent_of(desk, NEEDED)
    for request in scripted.requests:
        assert not {"profile", "product"} & {tool["function"]["name"] for tool in request["tools"]}
        assert "payment_methods" not in json.dumps(request["messages"])
    scripted = sent_of(desk, NEEDED | {"profile", "products"})
    assert len(scripted.requests) == 3
    told = json.loads(scripted.requests[2]["messages"][1]["content"])
    assert [next(iter(part)) for part in told] == ["question", "orders", "profile"]
    sent = json.dumps(told)
    for secret in ("credit_card_1", "gift_card_2", "Elm", "elm", "Austin", "78762", "9212", '"ada"', "ada@"):
        assert secret not in sent, secret
    assert "[ADDRESS_1]" in sent


def test_a_conversation_that_was_recorded_is_the_same_when_it_is_replayed(desk: Desk, tmp_path: Path) -> None:
    script = Scripted([calls(("orders", {})), says("say", "Order #W1000003 is delivered.")])
    file = tmp_path / "calls.jsonl"
    said = "what came already?"

    def reply_of(wire: object) -> str:
        chat = Chat(desk, agent=Agent(LanguageModel(wire, "test", LIMITS)))  # type: ignore[arg-type]
        return chat.say(chat.open("ada"), said).text

    first = reply_of(Recorded(script, file))
    assert "Order #W1000003 is delivered." in first
    assert reply_of(Replayed(file)) == first


def test_no_tool_confirms() -> None:
    assert "confirm" not in ACTIONS
