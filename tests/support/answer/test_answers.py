"""What a customer is told stands in the shop's texts or in the customer's own orders; what does not is not said."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.language import LanguageModel
from regulars.language.recording import Scripted
from regulars.support import Chat, Desk, OwnTables
from regulars.support.answer import Answers, Item, Products, Source
from regulars.support.answer.claims import claims, unsupported
from regulars.support.answer.generated import generated
from regulars.support.answer.own import of_own_orders
from regulars.support.answer.sentences import sentences
from regulars.support.knowledge import Knowledge

TEXTS = """# Return period
You may send back unused goods within thirty days of the day you got them, without giving a reason.
# Standard delivery times
Parcels arrive two to four working days after dispatch.
# Washing wool
Wash wool at 30 degrees, never tumble dry, and lay it flat to dry.
# 签到奖励
连续签到七天可得五十金币，一百金币抵一元。
"""
RETURNS = Source("returns.md", "You may send back unused goods within thirty days. Opened food cannot be returned.")


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    folder = tmp_path_factory.mktemp("texts")
    (folder / "help.md").write_text(TEXTS, "utf-8")
    return Knowledge(folder)


@pytest.fixture
def answers(knowledge: Knowledge, own: OwnTables) -> Answers:
    return Answers(knowledge, own)


def test_an_answer_is_the_text_s_own_words_with_its_place(answers: Answers) -> None:
    found = answers.answer("how many days do I have to send goods back?")
    assert found.text.startswith("You may send back unused goods within thirty days")
    assert found.text.endswith("[1]")
    assert found.citations == ("help.md, Return period",)


def test_how_the_last_order_is_returned_is_no_question_of_what_it_was(answers: Answers, own: OwnTables) -> None:
    ada = own.customer("ada")
    assert ada is not None
    assert answers.answer("what was in my last order?", ada).citations[0].startswith("order #W")
    for asked in ("How do I return my last order?", "怎么退我以前的订单？"):
        assert not any(one.startswith("order") for one in answers.answer(asked, ada).citations)


def test_of_two_questions_in_one_message_both_are_answered(answers: Answers) -> None:
    found = answers.answer("How many days do I have to send goods back? And how do I wash wool?")
    assert found.citations == ("help.md, Return period", "help.md, Washing wool")
    assert "thirty days" in found.text
    assert "30 degrees, never tumble dry, and lay it flat to dry. [2]" in found.text


def test_what_is_asked_beside_what_is_to_be_done_is_answered_too(desk: Desk, answers: Answers) -> None:
    chat = Chat(desk, answer=answers)
    reply = chat.say(chat.open("ada"), "Cancel #W1000001, ordered by mistake. And how do I wash wool?")
    assert (reply.action, reply.citations) == ("confirm", ("help.md, Washing wool", "#W1000001"))
    assert reply.text.index("30 degrees") < reply.text.index("Cancel order #W1000001")


def test_a_text_in_another_language_is_told_as_that(answers: Answers) -> None:
    found = answers.answer("连续签到七天能得多少金币", language="zh")
    assert (found.text, found.lead) == ("连续签到七天可得五十金币，一百金币抵一元。 [1]", "")
    assert answers.answer("我可以在几天之内把没用过的商品退回去？", language="zh").lead == "本店的原文（英文）："


@pytest.mark.parametrize(
    "question", ["who won the football match last night", "你们公司上市了吗", "Is the red shelf made of oak?"]
)
def test_what_no_text_answers_goes_to_a_person_with_the_nearest_texts(answers: Answers, question: str) -> None:
    found = answers.answer(question)
    assert not found.is_sure
    assert found.said == ()
    assert len(found.sources) == 4
    assert answers(question, None, "en") is None


@pytest.mark.parametrize(
    "question",
    [
        "",
        "   ",
        "🫖" * 200,
        "\x00\x00",
        "\u200b\u200d",
        "x" * 100_000,
        "退" * 100_000,
        "كيف يمكنني إرجاع البضائع؟",
        "\ud800",
        "?!",
    ],
    ids=range(10),
)
def test_whatever_is_asked_is_answered_or_handed_over(answers: Answers, question: str) -> None:
    found = answers.answer(question)
    assert found.is_sure == bool(found.said)


def test_a_dialogue_answers_from_the_texts(desk: Desk, answers: Answers) -> None:
    chat = Chat(desk, answer=answers)
    reply = chat.say(chat.open("ada"), "how many days do I have to send unused goods back?")
    assert "thirty days" in reply.text
    assert (reply.action, reply.citations) == ("answer", ("help.md, Return period",))


def test_own_orders_are_told_by_name_with_the_order_cited(own: OwnTables, answers: Answers) -> None:
    ada = own.customer("ada")
    paid = answers.answer("how much did I pay for the lamp in #W1000001?", ada)
    assert paid.text.startswith("Ada, here it is: You paid 20.00 for Desk Lamp")
    assert paid.citations == ("order #W1000001",)
    how = answers.answer("我订单 #W1000003 是用什么付的款？", ada, "zh")
    assert (how.citations, "PayPal" in how.text) == (("order #W1000003",), True)


def test_another_s_order_is_not_known(own: OwnTables, answers: Answers) -> None:
    for question in ("what did I buy in #W2000001?", "how much did I pay for #W2000001?"):
        found = answers.answer(question, own.customer("ada"))
        assert "W2000001" not in "".join(found.citations)
        assert found.way != "orders"
    assert answers.answer("what did I buy last time?").way != "orders"


def test_a_question_of_something_else_is_not_answered_from_orders(own: OwnTables) -> None:
    ada = own.customer("ada")
    assert ada is not None
    assert of_own_orders("what is your address?", ada, own.orders_of("ada"), "en", date(2024, 5, 1)) is None
    assert of_own_orders("what did I buy?", ada, [], "en", date(2024, 5, 1)) is None


ITEMS = [
    Item("1", "Desk lamp", Decimal("19.90"), "A small lamp for a desk."),
    Item("2", "Floor lamp", Decimal("59"), "A tall lamp."),
    Item("3", "Tea kettle", Decimal("15"), "Boils water."),
    Item("4", "Night lamp", Decimal("9"), "A lamp for children.", is_available=False),
]


def test_a_gift_is_of_the_kind_and_the_price_that_was_asked_for() -> None:
    found = Products(ITEMS).suggested("a gift under 20 for someone who likes lamps", "en")
    assert found is not None
    assert found.text.startswith("Desk lamp, 19.90. [1]")
    assert not {"product 2", "product 4"} & set(found.citations)
    zh = Products(ITEMS).suggested("想买个台灯，20元以内", "zh")
    assert zh is not None
    assert zh.text.startswith("Desk lamp, 19.90。")


def test_nothing_under_the_price_is_no_answer_and_neither_is_another_question() -> None:
    assert Products(ITEMS).suggested("a gift under 5 for someone who likes lamps", "en") is None
    assert Products(ITEMS).suggested("when does my lamp arrive", "en") is None


def test_do_you_have_is_answered_from_texts_before_products(knowledge: Knowledge) -> None:
    answers = Answers(knowledge, products=Products([Item("1", "Standard delivery times clock", Decimal(9)), *ITEMS]))
    assert answers.answer("do you have standard delivery times?").way == "text"
    assert answers.answer("do you have a floor lamp?").citations[0] == "product 2"


def test_what_is_recommended_comes_first_where_nothing_else_is_said() -> None:
    found = Products(ITEMS).suggested("any gift ideas for under 20?", "en", ["2", "3"])
    assert found is not None
    assert found.citations == ("product 3",)


def says(*told: tuple[str, list[int]], action: str = "answer") -> LanguageModel:
    said = {"action": action, "sentences": [{"text": text, "sources": numbers} for text, numbers in told]}
    return LanguageModel(Scripted([json.dumps(said)]), "test")


def test_a_model_s_sentences_are_said_with_their_sources_in_order() -> None:
    sources = [Source("a.md", "Postage is 4.90."), RETURNS]
    found = generated(
        says(("Unused goods go back within 30 days.", [2]), ("Postage is 4.90.", [1])), "?", sources, "en"
    )
    assert found is not None
    assert found.text == "Unused goods go back within 30 days. [1] Postage is 4.90. [2]"
    assert found.citations == ("returns.md", "a.md")


@pytest.mark.parametrize(
    "said",
    [
        "You may send back unused goods within 60 days.",
        "You may send back unused goods within thirty weeks.",
        "You may send back unused goods within thirty days for free.",
        "We guarantee that unused goods may be sent back within thirty days.",
        "You may not send back unused goods.",
        "Unused goods may be sent back until 5 May.",
        "Write to boss@example.com to send back unused goods.",
        "Our founder likes sailing in the evening.",
        "您可以在六十天内退回未使用的商品。",
        "您可以在三十天内免费退回商品。",
    ],
)
def test_what_its_source_does_not_say_is_not_said(said: str) -> None:
    assert generated(says((said, [1])), "how long?", [RETURNS], "en") is None


@pytest.mark.parametrize("numbers", [[], [0], [2], [-1], [1, 9]])
def test_a_source_that_there_is_not_is_none(numbers: list[int]) -> None:
    assert generated(says((RETURNS.text[:51], numbers)), "how long?", [RETURNS], "en") is None


def test_a_model_that_cannot_be_reached_or_makes_things_up_leaves_the_text_s_own_words(knowledge: Knowledge) -> None:
    question = "how many days do I have to send goods back?"
    for model in (says(("Within 99 days.", [1])), LanguageModel(Scripted(["no JSON", "no JSON"]), "test")):
        found = Answers(knowledge, model=model).answer(question)
        assert (found.way, "thirty days" in found.text) == ("text", True)


def test_a_model_that_finds_no_answer_hands_over(knowledge: Knowledge) -> None:
    found = Answers(knowledge, model=says(action="hand_over")).answer("how many days do I have to send goods back?")
    assert not found.is_sure


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ("您可以在三十天内退回未使用的商品。", RETURNS.text),
        ("Check in on seven days in a row for fifty coins.", "连续签到七天可得五十金币。"),
        ("It takes 2 to 4 working days after dispatch.", "Parcels arrive two to four working days after dispatch."),
        ("Opened food can't be returned.", RETURNS.text),
    ],
)
def test_other_words_and_other_languages_are_borne(said: str, source: str) -> None:
    assert unsupported(said, [source]) is None


@given(st.integers(2, 9_999), st.integers(2, 9_999), st.sampled_from(["days", "hours", "euros", "%", "months"]))
@settings(max_examples=50, deadline=None)
def test_another_number_is_never_borne(told: int, said: int, unit: str) -> None:
    source = f"You may send back unused goods within {told} {unit}."
    assert (unsupported(f"You may send back unused goods within {said} {unit}.", [source]) is None) == (told == said)


@given(st.text(max_size=300))
@settings(max_examples=50, deadline=None)
def test_any_text_has_its_sentences_and_claims(text: str) -> None:
    assert "".join("".join(sentences(text)).split()).startswith("".join(text.split())[:1])
    assert all(claim.value >= 0 for claim in claims(text))
