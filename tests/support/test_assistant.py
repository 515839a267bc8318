"""The chat of a shop by its settings: questions, choices, ratings; and a customer who always gets an answer in time."""

from __future__ import annotations

import shutil
import threading
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from regulars import Shop, clock, config
from regulars.events.schema import CATALOGUE
from regulars.support import OwnTables, assistant, deliver
from regulars.support.answer import earlier
from regulars.support.assistant import intents_of
from regulars.support.at_risk import at_risk_of
from regulars.support.handover import close, send, take
from regulars.support.intent import Intents
from regulars.support.intent.kept import starter_kept
from regulars.support.shelf import recommended_of
from tests.language.conftest import Asking, Behaviour, Server, says, sends, server
from tests.support.conftest import CHAIR, LAMP, VISA, customer, order

__all__ = ["server"]

RETURNS = "# Return period\nYou may send back unused goods within thirty days.\n"


def replaced(shop: Shop, *pairs: tuple[str, str]) -> Shop:
    path = shop.folder / config.FILE
    text = path.read_text("utf-8")
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")
    return Shop.open(shop.folder)


def catalogue_of(*products: tuple[str, str, float]) -> pa.Table:
    rows = [
        {
            "product_id": one,
            "title": title,
            "list_price": Decimal(str(price)),
            "valid_from": datetime(2024, 1, 1, tzinfo=UTC),
        }
        for one, title, price in products
    ]
    return pa.Table.from_pylist(rows, CATALOGUE)


@pytest.fixture
def tea(shop: Shop, intents: Path) -> Shop:
    """Ada's shop, which has written down how long goods may be sent back."""
    shutil.copytree(intents, shop.folder / "cache" / "intents")
    (shop.folder / "knowledge").mkdir()
    (shop.folder / "knowledge" / "returns.md").write_text(RETURNS, encoding="utf-8")
    OwnTables(shop.state).load(
        [customer("ada", "Ada", "Lovelace", VISA)], [order("#W1000001", "ada", "pending", LAMP, CHAIR)]
    )
    return shop


def test_a_question_is_answered_from_the_shops_texts_and_cites_them(tea: Shop) -> None:
    chat = assistant(tea)
    reply = chat.say(chat.open("ada"), "how many days do I have to send goods back?")
    assert (reply.action, reply.citations) == ("answer", ("returns.md, Return period",))
    assert "thirty days" in reply.text


@pytest.mark.parametrize(
    ("said", "shown"),
    [("my order, the whole thing, I do not want it to come any more", "cancel"), ("我的包裹怎么还没有消息", "订单")],
)
def test_what_no_word_of_ours_tells_is_told_by_its_meaning(tea: Shop, said: str, shown: str) -> None:
    chat = assistant(tea)
    reply = chat.say(chat.open("ada"), said)
    assert shown in reply.text
    assert reply.intent is not None or len(reply.choices) == 3


def test_between_sure_and_unsure_three_choices_are_offered_and_what_is_chosen_is_learned(tea: Shop) -> None:
    chat = assistant(tea)
    for question in ("invoice or a receipt thing", "the code for a lower price", "my points and the card"):
        conversation = chat.open("ada")
        reply = chat.say(conversation, question)
        if len(reply.choices) == 3:
            break
    assert (reply.action, len(reply.choices)) == ("ask", 3)
    second = chat.say(conversation, "2")
    assert second.intent == reply.choices[1]
    stranger = chat.open()
    assert chat.say(stranger, question).choices == reply.choices
    chat.say(stranger, "1")  # teaches nothing
    deliver(tea.state, tea)
    rows = tea.events.to_pyarrow().to_pylist()
    labelled = [row for row in rows if row["type"] == "support_labelled"]
    assert [(row["text"], row["outcome"]) for row in labelled] == [(question, reply.choices[1])]


def test_what_is_known_to_be_asked_and_no_text_answers_goes_to_a_person(tea: Shop) -> None:
    chat = assistant(tea)
    reply = chat.say(chat.open("ada"), "please send me the invoice for my purchase")
    assert reply.hand_over is not None
    assert (reply.hand_over.reason, reply.intent) == ("unanswered", "invoice")


def test_a_task_told_by_its_meaning_waits_until_it_is_known_who_asks(tea: Shop) -> None:
    chat = assistant(tea)
    conversation = chat.open()
    first = chat.say(conversation, "where is my parcel?")
    assert (first.action, "e-mail" in first.text) == ("ask", True)
    assert "#W1000001" in chat.say(conversation, "ada@example.com").text


def test_how_satisfied_is_asked_at_the_end_and_kept(tea: Shop) -> None:
    chat = assistant(tea)
    conversation = chat.open("ada")
    chat.say(conversation, "where is #W1000001?")
    assert "from 1" in chat.say(conversation, "thanks, bye").text
    assert chat.say(conversation, "4").action == "end"
    deliver(tea.state, tea)
    rated = [row for row in tea.events.to_pyarrow().to_pylist() if row["type"] == "support_rated"]
    assert [(row["outcome"], row["customer_id"]) for row in rated] == [("4", "ada")]


def test_the_shops_settings_are_its_policy_and_its_hours(tea: Shop) -> None:
    shop = replaced(
        tea, ("# hand_over_above = 0.0", "hand_over_above = 50.0"), ('# opens = "09:00"', 'opens = "13:00"'),
    )  # fmt: skip
    chat = assistant(shop)
    reply = chat.say(chat.open("ada"), "cancel #W1000001, no longer needed")
    assert reply.hand_over is not None
    assert reply.hand_over.reason == "needs_person"
    assert "people are back on 2024-05-01 13:00" in reply.text


def test_a_shop_that_answers_in_chinese_greets_so_where_nothing_tells(tea: Shop) -> None:
    chat = assistant(replaced(tea, ("[support]\n", '[support]\nlanguage = "zh"\n')))
    assert "人工智能" in chat.say(chat.open("ada"), "👍").text


def endless(asking: Asking) -> None:
    asking.send_response(200)
    asking.end_headers()
    while not asking.server.stopping.is_set():
        asking.wfile.write(b" " * 1000)
        time.sleep(0.01)


def silent(asking: Asking) -> None:
    asking.server.stopping.wait(20)


BROKEN: dict[str, Behaviour] = {
    "HTML": sends(b"<html><body>Bad gateway</body></html>"),
    "nothing": sends(b""),
    "10 MB": sends(b"x" * 10_000_000),
    "invalid JSON": sends(b'{"choices": [{"message": {"content": "'),
    "an error": sends(b"{}", 500),
    "endless": endless,
    "no answer": silent,
    "no text": says(None),
    "another tool": says(None, [("identify", '{"email": "bob@example.com"}')]),
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("said", ["where is #W1000001?", "how many days do I have to send goods back?", ""])
def test_whatever_an_endpoint_does_the_customer_has_an_answer_or_a_person_in_time(
    tea: Shop, server: Server, monkeypatch: pytest.MonkeyPatch, kind: str, said: str
) -> None:
    monkeypatch.setenv("REGULARS_LANGUAGE_URL", server.url)
    monkeypatch.setenv("REGULARS_LANGUAGE_MODEL", "test")
    server.behaviours = [BROKEN[kind]]
    shop = replaced(
        tea, ('# send = ["question", "passages", "products", "facts"]', 'send = ["question", "passages", "orders"]'),
        ("# seconds = 20.0", "seconds = 2.0"), ("# tries = 3", "tries = 1"),
    )  # fmt: skip
    chat = assistant(shop)
    conversation = chat.open("ada")
    start = time.monotonic()
    reply = chat.say(conversation, said)
    assert time.monotonic() - start < 15  # a server that says nothing says it for 20
    assert reply.text
    assert reply.action in ("answer", "ask", "hand_over")
    assert server.requests


def test_a_silent_endpoint_is_waited_for_once_however_often_a_message_asks_it(
    tea: Shop, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_LANGUAGE_URL", server.url)
    monkeypatch.setenv("REGULARS_LANGUAGE_MODEL", "test")
    server.behaviours = [silent]
    chat = assistant(replaced(tea, ("# seconds = 20.0", "seconds = 2.0"), ("# tries = 3", "tries = 1")))
    reply = chat.say(chat.open("ada"), "what is your policy, how do I get an invoice?")
    assert reply.text
    assert len(server.requests) <= 2  # half of the time each


@pytest.mark.parametrize("kind", ["HTML", "no answer"])
def test_an_encoder_that_is_away_takes_no_answer_away(
    tea: Shop, server: Server, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("REGULARS_LANGUAGE_URL", server.url)
    monkeypatch.setenv("REGULARS_LANGUAGE_MODEL", "test")
    server.behaviours = [BROKEN[kind]]
    with tea.log.transaction("a catalogue") as transaction:
        transaction.add("catalogue", catalogue_of(("1", "Desk lamp", 19.9)))
        transaction.commit()
    shop = replaced(
        tea,
        ('# embeddings = "offline"', 'embeddings = "theirs"'),
        ("# timeout_seconds = 20.0", "timeout_seconds = 0.5"),
    )
    chat = assistant(shop)
    assert "#W1000001" in chat.say(chat.open("ada"), "where is #W1000001?").text
    assert "Desk lamp" in chat.say(chat.open("ada"), "a gift under 20 for someone who likes lamps").text
    assert chat.say(chat.open("ada"), "how many days do I have to send goods back?").text


def test_a_question_about_the_rules_is_none_to_do_something(tea: Shop) -> None:
    chat = assistant(tea)
    reply = chat.say(chat.open("ada"), "how many days do I have before sending it back?")
    assert reply.citations == ("returns.md, Return period",)


def test_who_answers_a_question_with_nothing_it_can_use_is_not_asked_for_ever(tea: Shop) -> None:
    chat = assistant(tea)
    conversation = chat.open("ada")
    chat.say(conversation, "cancel #W1000001")
    replies = [chat.say(conversation, said) for said in ("well", "hm")]
    assert replies[-1].hand_over is not None


def test_a_gift_is_found_among_the_products_by_its_price_and_those_recommended_come_first(tea: Shop) -> None:
    with tea.log.transaction("a catalogue") as transaction:
        transaction.add(
            "catalogue", catalogue_of(("1", "Desk lamp", 19.9), ("2", "Bed lamp", 18), ("3", "Gold lamp", 90))
        )
        transaction.commit()
    names = ["customer_id", "products"]
    tea.tables.write(
        "recommend", "decisions", pa.table([["ada"], [["2", "3"]]], names=names), datetime(2024, 1, 2, tzinfo=UTC)
    )
    chat = assistant(Shop.open(tea.folder))
    reply = chat.say(chat.open("ada"), "a gift under 20 for someone who likes lamps")
    assert reply.action == "answer"
    assert reply.text.index("Bed lamp") < reply.text.index("Desk lamp")
    assert "Gold lamp" not in reply.text


def test_what_the_starter_set_teaches_is_learned_once_for_a_shop(
    shop: Shop, intents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught, learned = starter_kept(intents), []
    monkeypatch.setattr(Intents, "starter", lambda: learned.append(1) or taught)
    first, again = intents_of(shop), intents_of(Shop.open(shop.folder))
    assert again.of(["where is my parcel?"]) == first.of(["where is my parcel?"])
    assert learned == [1]


def test_whose_leaving_would_cost_most_is_told_by_churns_newest_decisions(tea: Shop) -> None:
    is_at_risk = at_risk_of(tea)
    assert not is_at_risk("ada")
    for day, ada in ((1, 900.0), (2, 1.0)):
        decided = pa.table({"customer_id": ["ada", "bob", "eve"], "value_at_risk": [ada, 5.0, 0.0]})
        tea.tables.write("churn", "decisions", decided, datetime(2024, 5, day, tzinfo=UTC))
        assert is_at_risk("ada") == (day == 1)
        assert is_at_risk("bob") == (day == 2)


def test_what_is_recommended_is_what_was_decided_last(tea: Shop) -> None:
    recommended = recommended_of(tea)
    assert list(recommended("ada")) == []
    for day, products in ((1, ["lamp"]), (2, ["kettle", "lamp"])):
        decided = pa.table({"customer_id": ["ada"], "products": [products]})
        tea.tables.write("recommend", "decisions", decided, datetime(2024, 5, day, tzinfo=UTC))
        assert list(recommended("ada")) == products
    assert list(recommended("bob")) == []


def test_a_text_is_told_to_its_audience_alone(tea: Shop) -> None:
    folder = tea.folder / "knowledge"
    for audience, text in (("customers", "Repairs cost nine euros"), ("vip", "Engraving costs four euros")):
        page = f"---\naudience: {audience}\n---\n# {text.split()[0]}\n{text} for each lamp.\n"
        (folder / f"{audience}.md").write_text(page, encoding="utf-8")
    chat = assistant(tea)

    def told(customer: str | None) -> list[bool]:
        asked = ("how much do repairs cost for a lamp?", "how much does engraving cost for a lamp?")
        texts = [chat.say(chat.open(customer), question).text for question in asked]
        return ["nine euros" in texts[0], "four euros" in texts[1]]

    assert told(None) == [False, False]
    assert told("ada") == [True, False]
    members = pa.table({"customer_id": ["ada"]})
    tea.tables.write("segment", "members of vip", members, datetime(2024, 5, 1, tzinfo=UTC))
    assert told("ada") == [True, True]
    tea.tables.write("segment", "members of vip", members.slice(0, 0), datetime(2024, 5, 2, tzinfo=UTC))
    assert told("ada") == [True, False]


@pytest.mark.parametrize("has_texts", [True, False])
@pytest.mark.parametrize(("stars", "is_told"), [(None, True), ("5", True), ("2", False)])
def test_what_a_person_answered_one_customer_is_told_to_the_next_unless_it_did_not_help(
    tea: Shop, monkeypatch: pytest.MonkeyPatch, has_texts: bool, stars: str | None, is_told: bool
) -> None:
    monkeypatch.setattr(earlier, "LOOK_SECONDS", 0.0)
    if not has_texts:
        shutil.rmtree(tea.folder / "knowledge")
    chat = assistant(tea)
    said, ada = "How do I wash a wool jumper?", chat.open("ada")
    assert chat.say(ada, f"{said} I want a person").hand_over is not None
    taken = take(tea.state, "mei")
    assert taken is not None
    send(tea.state, "mei", taken.id, "Wool jumpers are washed by hand at thirty degrees.")
    close(tea.state, "mei", taken.id)
    if stars is not None:
        assert "Thank you for telling us." in chat.say(ada, stars).text
    chat.say(chat.open(), said)  # looks aside
    for thread in threading.enumerate():
        if thread.name == "earlier answers":
            thread.join()
    reply = chat.say(chat.open(), said)
    assert ("a person answered: Wool jumpers are washed by hand" in reply.text) == is_told
    if is_told:
        assert (reply.action, reply.citations[0][:21]) == ("answer", "answer of our support")


def test_own_orders_answer_in_a_shop_that_has_written_nothing(tea: Shop) -> None:
    shutil.rmtree(tea.folder / "knowledge")
    chat = assistant(tea)
    reply = chat.say(chat.open("ada"), "what did I buy last time?")
    assert (reply.action, reply.citations) == ("answer", ("order #W1000001",))


def in_shanghai(tea: Shop) -> Shop:
    return replaced(tea, ('timezone = "UTC"', 'timezone = "Asia/Shanghai"'))


def test_a_text_holds_until_the_end_of_its_day_where_the_shop_is(tea: Shop) -> None:
    sale = "---\nvalid_to: 2024-11-30\n---\n# Winter sale\nIn the winter sale boots are a third off.\n"
    (tea.folder / "knowledge" / "sale.md").write_text(sale, encoding="utf-8")
    chat = assistant(in_shanghai(tea))
    told = {}
    for hour in (15, 17):
        with clock.held_at(datetime(2024, 11, 30, hour, tzinfo=UTC)):
            told[hour] = "a third off" in chat.say(chat.open("ada"), "what is off in the winter sale of boots?").text
    assert told == {15: True, 17: False}


@pytest.mark.parametrize("said", ["where is the order from yesterday?", "我昨天的订单到哪里了？"])
def test_yesterday_is_the_day_before_where_the_shop_is(tea: Shop, said: str) -> None:
    orders = [
        order("#W1000001", "ada", "pending", LAMP).model_copy(update={"ordered_on": date(2024, 4, 30)}),
        order("#W1000002", "ada", "delivered", CHAIR).model_copy(update={"ordered_on": date(2024, 4, 29)}),
    ]
    OwnTables(tea.state).load(orders=orders)
    chat = assistant(in_shanghai(tea))
    with clock.held_at(datetime(2024, 4, 30, 20, tzinfo=UTC)):  # 1 May in Shanghai
        assert chat.say(chat.open("ada"), said).citations == ("#W1000001",)
        assert "Desk Lamp" in chat.say(chat.open("ada"), "what did I buy yesterday?").text
