"""Support as a capability: labels as of a moment, what is told of customers, and the figures of its conversations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from regulars import Shop
from regulars.errors import InputError
from regulars.evaluation import Split
from regulars.support import deliver, evaluate, table
from regulars.support.dataset import labelled
from regulars.support.quality import quality
from regulars.support.questions import label, unlabelled
from regulars.support.record import LABELLED, write_event

T = datetime(2024, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
TIME = pa.timestamp("us", tz="UTC")
Record = Callable[..., object]


def said(kind: str, at: datetime, *, who: str = "ada", session: str = "s1", **about: object) -> dict[str, object]:
    return {"type": f"support_{kind}", "time": at.isoformat(), "customer_id": who, "session_id": session, **about}


def by_ai(intent: str | None = None, citations: str | None = None) -> dict[str, object]:
    about = {"made_by": "ai", "intent": intent, "citations": citations}
    return {f"properties.{name}": value for name, value in about.items() if value is not None}


def pairs(*customers: str, as_of: datetime = T) -> pa.Table:
    return pa.table({"customer_id": list(customers), "as_of": pa.array([as_of] * len(customers), TIME)})


@pytest.fixture
def talked(shop: Shop, record: Record) -> Shop:
    """Ada was helped twice and then fell silent on an angry word; bob waits for a person; cem never asked."""
    record(
        shop,
        said("asked", T - 60 * 24 * HOUR, session="s0", text="thank you, where is it?"),
        said("answered", T - 60 * 24 * HOUR + HOUR / 60, session="s0", outcome="answer",
             **by_ai("track_order", "#W1")),
        said("rated", T - 60 * 24 * HOUR + HOUR, session="s0", outcome="4"),
        said("asked", T - 2 * HOUR, text="cancel it"),
        said("answered", T - 2 * HOUR + HOUR / 60, outcome="done",
             **by_ai("cancel_order")),
        said("asked", T - HOUR, text="this is ridiculous, it came all the same"),
        said("asked", T - 3 * HOUR, who="bob", session="s2", text="a person"),
        said("answered", T - 3 * HOUR, who="bob", session="s2", outcome="hand_over", **by_ai()),
        said("answered", T + HOUR, who="bob", session="s2", **{"properties.made_by": "person"}),
        said("rated", T + HOUR, who="bob", session="s2", outcome="1"),
    )  # fmt: skip
    return shop


def test_what_is_told_of_a_customer_is_as_of_the_moment(talked: Shop) -> None:
    ada, bob, cem = table(talked, pairs("ada", "bob", "cem")).to_pylist()
    assert (ada["open_conversations"], ada["conversations_90d"], ada["complaints_90d"]) == (1, 2, 1)
    assert (ada["contact_days"], ada["mood"], ada["satisfaction"]) == (pytest.approx(1 / 24, abs=1e-3), "angry", 4)
    assert (bob["open_conversations"], bob["mood"], bob["satisfaction"]) == (1, "neutral", None)
    assert (cem["open_conversations"], cem["contact_days"], cem["mood"]) == (0, None, None)
    later = table(talked, pairs("bob", as_of=T + 2 * HOUR)).to_pylist()[0]
    assert (later["open_conversations"], later["satisfaction"]) == (0, 1)


def test_every_column_says_what_it_is(talked: Shop) -> None:
    for field in list(table(talked, pairs("ada")).schema)[2:]:
        assert field.metadata[b"meaning"]
        assert field.metadata[b"unit"]


def test_no_customers_no_rows(talked: Shop) -> None:
    assert table(talked, pairs()).num_rows == 0


def test_a_question_has_the_label_that_it_was_given_last_before_the_moment(shop: Shop, record: Record) -> None:
    record(
        shop,
        said("labelled", T - 3 * HOUR, text="engrave?", outcome="invoice"),
        said("labelled", T - 2 * HOUR, text="engrave?", outcome="engraving"),
        said("labelled", T - HOUR, text="how is the weather", outcome="no_intent"),
        said("labelled", T, text="late", outcome="engraving"),
    )
    found = labelled(shop, T)
    assert dict(zip(found.texts, found.labels, strict=True)) == {"engrave?": "engraving", "how is the weather": None}
    assert labelled(shop, T + HOUR, since=T).texts == ["late"]


def test_what_a_customer_picked_gives_way_to_what_the_shop_says(talked: Shop) -> None:
    label(talked.state, "engrave?", "engraving")
    with talked.state.write() as change:
        for text in ("engrave?", "my parcel"):
            write_event(change, "c1", "ada", LABELLED, text=text, outcome="invoice")
    deliver(talked.state, talked)
    found = labelled(talked, talked.now + HOUR)
    assert dict(zip(found.texts, found.labels, strict=True)) == {"engrave?": "engraving", "my parcel": "invoice"}


def test_figures_of_conversations(talked: Shop) -> None:
    found = {one.intent: one for one in quality(talked, T + 10 * 24 * HOUR, days=30)}
    every = found["all"]
    assert every.conversations == 2
    assert (every.containment.value, every.containment.of) == (0.5, 2)
    assert every.resolution.value == 0.5
    assert (every.satisfaction, every.rated) == (1, 1)
    assert found["cancel_order"].containment.value == 1
    assert found["cancel_order"].answer_seconds == 60
    assert found["other"].conversations == 1


def test_a_question_that_comes_again_within_a_week_was_not_solved(shop: Shop, record: Record) -> None:
    for days, session in ((0, "a"), (3, "b")):
        at = T + timedelta(days=days)
        record(
            shop, said("asked", at, session=session, text="where is it"),
            said("answered", at + HOUR / 60, session=session, outcome="answer", **by_ai(None, "returns.md")),
        )  # fmt: skip
    every = quality(shop, T + timedelta(days=20))[0]
    assert (every.first_contact.value, every.resolution.value, every.grounded.value) == (0.5, 0.5, 1)


def test_nothing_was_asked_and_the_figures_say_so(shop: Shop, record: Record) -> None:
    record(shop, {"type": "page_viewed", "time": T.isoformat(), "customer_id": "ada"})
    (every,) = quality(shop, T + HOUR)
    assert (every.conversations, every.containment.of, every.satisfaction, every.answer_seconds) == (0, 0, None, None)


def test_a_question_that_was_labelled_waits_for_no_label(talked: Shop) -> None:
    assert unlabelled(talked, T) == ["thank you, where is it?", "a person", "cancel it"]
    label(talked.state, "cancel it", "cancel_order")
    deliver(talked.state, talked)
    assert unlabelled(talked, talked.now) == ["thank you, where is it?", "a person"]


@pytest.mark.parametrize(
    ("question", "intent"), [("", "invoice"), ("x" * 1001, "invoice"), ("hm", "an intent"), ("hm", "")]
)
def test_what_is_no_label_is_refused(talked: Shop, question: str, intent: str) -> None:
    with pytest.raises(InputError):
        label(talked.state, question, intent)


def test_own_labels_are_learned_and_judge_by_time(shop: Shop, record: Record) -> None:
    """Two intents of the shop's own, which the starter set does not know."""
    asks = {
        "engraving": "can you engrave {} on it", "tasting": "may we taste the {} tea in your shop",
    }  # fmt: skip
    names = [
        f"{first} {last}"
        for first in ("Ada", "Bob", "Cem", "Dora", "Eve")
        for last in ("Ash", "Bay", "Cox", "Day", "Elm")
    ]
    rows = [
        said("labelled", T + timedelta(days=day, minutes=place), who=f"c{place}", text=f"{text.format(name)} {when}", outcome=intent)
        for day, when in ((-20, "please"), (-10, "today"), (5, "for my mother"), (6, "next week"))
        for intent, text in asks.items()
        for place, name in enumerate(names)
    ]  # fmt: skip
    orders = [
        {"type": "order_completed", "time": (T - timedelta(days=30)).isoformat(), "customer_id": f"c{k}", "product_id": "tea",
         "quantity": 1, "unit_price": 4.0, "order_id": f"o{k}"}
        for k in range(60)
    ]  # fmt: skip
    record(shop, *orders)
    record(shop, *rows)
    report = evaluate(shop, Split(T, 30))
    assert report.customers == 25
    assert report.metrics[0].value > 0.9
    assert not report.failed_checks
    assert "100 questions that were labelled" in report.notes[0]
