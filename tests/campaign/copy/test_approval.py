"""Nothing is used that no person has approved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regulars.campaign.copy import Message, Variant, approve, approved
from regulars.errors import InputError
from regulars.state import State

HELLO = Variant("a", "en", "Hello", "Hello {{ unsubscribe_url }}")


def test_only_the_text_that_was_read_is_approved(state: State) -> None:
    assert approved(state, (HELLO,)) == ()
    approve(state, Message("hello", "hello.toml", (HELLO,)), "mei")
    changed = replace(HELLO, body=HELLO.body + "!")
    assert approved(state, (HELLO, changed)) == (HELLO,)
    approve(state, Message("hello", "hello.toml", (HELLO,)), "mei", withdraw=True)
    assert approved(state, (HELLO,)) == ()


def test_a_text_with_a_fault_is_not_approved(local: State) -> None:
    wrong = Message("hello", "hello.toml", (replace(HELLO, body="{{ customer.nme }}"),))
    with pytest.raises(InputError, match=r'hello.toml, line 1, body of variant "a".*customer.nme.*Did you mean "name"'):
        approve(local, wrong, "mei")
    with pytest.raises(InputError, match="who approves"):
        approve(local, Message("hello", "hello.toml", (HELLO,)), " ")
