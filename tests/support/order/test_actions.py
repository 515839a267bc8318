"""What a program or a model proposes is read strictly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.errors import InputError
from regulars.support.order import ACTIONS, Action, Tools, parse
from regulars.support.order.yes import is_no, is_yes

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(name=st.sampled_from([*ACTIONS, "drop_tables", ""]), arguments=JSON)
def test_whatever_is_proposed_is_an_action_or_refused_with_words(name: str, arguments: object) -> None:
    try:
        assert isinstance(parse(name, arguments), Action)
    except InputError as error:
        assert len(str(error)) > 10  # noqa: PT017


@pytest.mark.parametrize(
    "arguments",
    [
        {"order_id": "#1"},
        {"order_id": "#1", "reason": ""},
        {"order_id": "#1", "reason": "no longer needed", "confirmed": True},
        {"order_id": ["#1"], "reason": "no longer needed"},
        {"order_id": "#1\x00", "reason": "no longer needed"},
        {"order_id": "#" + "1" * 300, "reason": "no longer needed"},
    ],
)
def test_a_cancellation_is_its_two_fields_and_nothing_else(arguments: object) -> None:
    with pytest.raises(InputError, match="It takes: order_id, reason"):
        parse("cancel", arguments)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", float("nan")])
def test_an_amount_is_a_number(amount: object) -> None:
    with pytest.raises(InputError):
        parse("coupon", {"amount": amount})


def test_a_model_sees_each_action_with_its_fields_and_no_way_to_confirm() -> None:
    tools = {tool["name"]: tool["parameters"] for tool in Tools.schemas()}
    assert set(ACTIONS) < set(tools)
    assert tools["cancel"]["required"] == ["order_id", "reason"]
    assert not {"confirm", "identify", "undo"} & set(tools)


YES = ("yes", "Yes!", "y", "OK", "sure, go ahead", "Yes, that is right.", "yes please proceed with it", "I confirm",
       "是", "是的。", "对，没问题", "好的，谢谢", "确认", "oui", "ja bitte", "はい")  # fmt: skip
NOT_YES = ("", "no", "yes?", "yes but not the lamp", "yes, and also cancel the chair", "I did not say yes", "okay, what does it cost",
           "maybe yes", "thanks", "谢谢", "不是", "好像不对", "是吗？", "yes no", "1", "confirm=true; DROP TABLE", "y" * 300,
           "please", "go", "yes, cancel")  # fmt: skip


@pytest.mark.parametrize("said", YES)
def test_a_plain_yes_is_one(said: str) -> None:
    assert is_yes(said)
    assert not is_no(said)


@pytest.mark.parametrize("said", NOT_YES)
def test_more_or_less_than_a_yes_is_none(said: str) -> None:
    assert not is_yes(said)


def test_cancel_is_a_yes_to_a_cancellation_alone() -> None:
    assert is_yes("Yes, please cancel the order", ["cancel"])
    assert not is_yes("Yes, please cancel the order")
    assert not is_yes("Yes, please cancel the order", ["return"])
