"""A text is believed only as far as the facts go: every number, date, hour and weekday is looked up."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.language.verify import Fact, checked, verify

FACTS = [
    Fact("orders", 12, "orders"),
    Fact("recency", 20.4, "days"),
    Fact("spend", 1234.5, "money"),
    Fact("share", 0.253, "share"),
    Fact("half", 0.5, "share"),
    Fact("pieces", 3, "pieces"),
    Fact("due", date(2024, 6, 10), "date"),
    Fact("begin", 18, "hour"),
    Fact("day", 4, "weekday"),
    Fact("name", "3D puzzles", "text"),
    Fact("odd", float("nan"), "days"),
]


@pytest.mark.parametrize(
    "text",
    [
        "12 orders, the last 20 days ago.",
        "Twelve orders; a dozen, in other words.",
        "Twelve orders, three pieces each.",
        "Spent 1,234.50 EUR.", "Spent €1,235.", "Spent about 1.2k.", "Spent 1234.5.",
        "25 % of choices.", "25.3% of choices", "25 percent", "a share of 0.25", "Half of the time.",
        "Due 2024-06-10.", "Due on 10 June 2024.", "Due on June 10.", "Due June 10th, 2024.", "Due in June 2024.", "In 2024.",
        "From 18:00 on Friday.", "At 6 pm on Fridays.",
        "Likes 3D puzzles.",
        "About 3 weeks ago.",
        "No one knows; each one of them is the first.",
        "12个订单，最近一次在20天前。", "十二个订单，平均每单三件。", "总共消费1,234.50元。", "占25%。", "百分之二十五。", "一半？五成。",
        "预计在6月10日前后。", "2024年6月10日，星期五，18点。", "周五18:00。", "一直很喜欢，十分满意。", "１２个订单。",
        "",
    ],
)  # fmt: skip
def test_what_the_facts_say_may_be_said(text: str) -> None:
    assert verify(text, FACTS) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("13 orders.", "13 orders"), ("Thirteen orders.", "Thirteen orders"), ("one hundred orders", "one hundred orders"),
        ("The last 21 days ago.", "21 days"), ("20 orders.", "20 orders"), ("12 days ago.", "12 days"),
        ("Spent 1,235.50.", "1,235.50"), ("Spent €12.", "12"), ("Spent 2.1k.", "2.1k"), ("-12 orders", "12 orders"),
        ("26 % of choices.", "26 %"), ("1.2.3 %", "2.3 %"), ("25.9%", "25.9%"), ("0.9 of choices", "0.9"), ("12 %", "12 %"), ("12 percent", "12 percent"),
        ("Due 2024-06-11.", "2024-06-11"), ("Due June 11.", "June 11"), ("Due 10 July 2024.", "10 July 2024"),
        ("2023-06-10", "2023-06-10"), ("2024-13-99", "2024-13-99"), ("In 2023.", "2023"),
        ("At 19:00.", "19:00"), ("At 18:30.", "18:30"), ("At 6 am.", "6 am."), ("On Mondays.", "Mondays"),
        ("Likes 4D puzzles.", "4"), ("3 orders of 3D puzzles", "3 orders"),
        ("十三个订单。", "十三个订单"), ("30天前。", "30天"), ("占26%。", "26%"), ("百分之三十。", "三十。"), ("八成。", "八成"),
        ("6月11日", "6月11日"), ("星期一", "星期一"), ("１３个订单", "13个订单"), ("1\u200b3 orders", "13 orders"), ("两天前", "两天"),
    ],
)  # fmt: skip
def test_what_they_do_not_say_is_refused(text: str, said: str) -> None:
    assert said in [fault.said for fault in verify(text, FACTS)]


@given(st.integers(0, 10**6))
def test_no_other_number_of_orders_is_let_through(number: int) -> None:
    assert (verify(f"{number:,} orders", FACTS) == ()) == (number == 12)


@given(st.text(max_size=80))
def test_any_text_is_judged_without_an_error(text: str) -> None:
    assert verify(text, []) == () or any(fault.said for fault in verify(text, []))


def test_a_writer_is_told_what_was_wrong_and_may_try_again() -> None:
    asked: list[str] = []

    def write(request: str) -> str:
        asked.append(request)
        return "13 orders." if len(asked) == 1 else "A dozen orders."

    assert checked(write, "12 orders.", FACTS) == "A dozen orders."
    assert '"13 orders": not in the facts' in asked[1]
    assert checked(lambda request: "13 orders.", "12 orders.", FACTS) is None
    assert checked(lambda request: "  ", "12 orders.", FACTS) is None
