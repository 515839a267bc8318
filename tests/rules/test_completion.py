"""What is offered behind the cursor fits there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.rules import Column, Events, Rule, RuleError, Vocabulary
from regulars.rules.completion import complete
from regulars.rules.tree import Kind

VOCABULARY = Vocabulary(
    {
        "orders": Column(Kind.NUMBER),
        "gap_days": Column(Kind.NUMBER, "", "days"),
        "last_order": Column(Kind.TIME),
        "国家": Column(Kind.TEXT),
        "categories": Column(Kind.LIST),
    },
    Events(
        {"order_completed": "bought", "message_sent": "was sent a message"},
        {"messaged": "message_sent"},
        {"category": Column(Kind.TEXT), "value": Column(Kind.NUMBER)},
        {"spend": ("value", "order_completed")},
    ),
    {"loyal": "orders > 2"},
)


def offered(text: str) -> set[str]:
    return {offer.text for offer in complete(text, VOCABULARY).offers}


@pytest.mark.parametrize(
    ("text", "fits", "not_fitting"),
    [
        ("", {"orders", "not", "did", "messaged", "in segment", "count("}, {"and", ">", "loyal"}),
        ("ord", {"orders", "order_completed"}, {"last_order", "messaged"}),
        ("orders ", {">", "between", "is null"}, {"contains", "within", "and"}),
        ("国家 ", {"=", "contains", "starts with"}, {">", "within"}),
        ("last_order ", {">", "within", "since"}, {"contains", "+", "="}),
        ("'lamps' ", {"in categories"}, {"in 国家"}),
        ("'lamps' in ", {"categories", "("}, {"国家"}),
        ("orders > ", {"gap_days", "sum("}, {"国家", "messaged", "last_order"}),
        ("国家 = ", {"国家"}, {"orders"}),
        ("last_order > ", {"30 days"}, {"orders"}),
        ("last_order > 60 ", {"days", "weeks"}, set()),
        ("orders > 60 ", {"and", "or"}, {"days", "within"}),
        ("did ", {"messaged", "order_completed"}, {"orders"}),
        ("did messaged ", {"where", "within", "and"}, {"="}),
        ("messaged within ", {"7 days"}, {"last_order"}),
        ("messaged within 7 ", {"days"}, {"and"}),
        ("messaged within 7 days ", {"and", "or"}, {"days"}),
        ("count(messaged where ", {"category", "value"}, {"orders", "messaged", "国家"}),
        ("count(messaged) > 2 ", {"within", "and"}, {"where"}),
        ("sum(", {"spend", "value"}, {"category", "orders"}),
        ("sum(value ", {"of"}, set()),
        ("in segment ", {"loyal"}, {"orders"}),
        ("(orders > 2 ", {")", "and"}, set()),
        ("ordrs > 2 and ", set(), {"orders"}),
    ],
)
def test_what_is_offered_fits(text: str, fits: set[str], not_fitting: set[str]) -> None:
    found = offered(text)
    assert fits <= found
    assert not found & not_fitting


def test_of_a_word_or_text_that_is_begun_it_says_where() -> None:
    begun = complete("orders > 2 and las", VOCABULARY)
    assert (begun.start, begun.typed) == (15, "las")
    in_quotes = complete("国家 = '中", VOCABULARY)
    assert (in_quotes.start, in_quotes.typed) == (5, "中")
    assert [(offer.sort, offer.text) for offer in in_quotes.offers] == [("value", "国家")]
    of_event = complete('did messaged where category = "', VOCABULARY)
    assert [(offer.sort, offer.text) for offer in of_event.offers] == [("field value", "category")]


@given(st.text("orders >2'and\"did messaged within 7 days count() 国家", max_size=30))
def test_any_text_can_be_completed_and_with_what_is_offered_it_is_not_wrong_before_its_end(text: str) -> None:
    found = complete(text, VOCABULARY)
    for offer in found.offers:
        if offer.sort in ("value", "field value", "segment"):
            continue
        longer = text[: found.start] + offer.text
        error = _error_of(longer)
        # A rule that ends here may be none yet: then it is a value, or something is missing behind it.
        assert error is None or error.at == len(longer) or " needs " in error.problem


def _error_of(text: str) -> RuleError | None:
    try:
        Rule.of(text, VOCABULARY)
    except RuleError as error:
        return error
    return None
