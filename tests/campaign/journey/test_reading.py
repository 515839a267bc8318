"""Journeys from their files: what cannot be read or walked is named with file, line and step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.campaign.copy import Messages
from regulars.campaign.journey import JourneyError, Surroundings, problems, read, ready
from regulars.campaign.journey.reading import read_duration
from regulars.events.schema import TYPES

HEAD = '[trigger]\nevent = "signed_up"\n'


@pytest.fixture
def around(tmp_path: Path, everyone: Callable[..., Any]) -> Surroundings:
    segments = {"lapsing": "orders > 1"}
    return Surroundings(everyone(segments=segments), Messages(tmp_path), frozenset({"spring"}), frozenset(TYPES))


@pytest.mark.parametrize("name", sorted(ready()))
def test_ready_ones_can_be_walked(name: str, around: Surroundings) -> None:
    assert problems(read(ready()[name], name), around) == []


def test_the_ready_ones_are_the_nine() -> None:
    assert set(ready()) == {
        "welcome", "abandoned_cart", "browse_abandonment", "after_purchase", "replenishment", "win_back", "birthday",
        "price_drop", "back_in_stock",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[trigger", 1, "this is no TOML"),
        ('[[step]]\nname = "a"\nwait = "1 day"', 1, "who enters is not said"),
        (HEAD, 2, "there are no steps"),
        (HEAD + '[[step]]\nname = "a"\nwait = "soon"', 5, "how long is expected"),
        (HEAD + '[[step]]\nname = "a"\nwait = "1 second"', 5, "from a minute on"),
        (HEAD + '[[step]]\nname = "a"\nwait = "1 day"\nsent = "x"', 6, 'there is no key "sent"'),
        (HEAD + '[[step]]\nname = "a"', 3, "needs one of wait, wait_until"),
        (HEAD + '[[step]]\nname = "a"\nwait = "1 day"\nsend = "x"', 3, "found wait and send"),
        (HEAD + '[[step]]\nwait = "1 day"', 3, "a name of 1 to 60"),
        (HEAD + '[[step]]\nname = "exit"\nwait = "1 day"', 3, "a name of 1 to 60"),
        (HEAD + '[[step]]\nname = "a"\nwait = "1 day"\n[[step]]\nname = "a"\nexit = true', 6, "of this name already"),
        (HEAD + '[[step]]\nname = "a"\nsend = "m"\nchannel = "mail"', 6, 'no channel "mail".*Did you mean "email"'),
        (HEAD + '[[step]]\nname = "a"\nsend = "m"\nat = "noon"', 6, "best hour"),
        (HEAD + '[[step]]\nname = "a"\nsplit = [{ name = "x", share = 0.7, next = "exit" }]', 5, "come to 0.7"),
        (HEAD + '[[step]]\nname = "a"\nsplit = [{ name = "x" }]', 5, "needs a name and a share"),
        (HEAD + '[[step]]\nname = "a"\nbranch = { rule = "orders > 0" }', 3, "leads nowhere"),
        (HEAD + '[[step]]\nname = "a"\nbranch = { if = "x" }\nthen = "exit"', 5, "a rule or a segment"),
        (HEAD + '[[step]]\nname = "a"\nwait_until = { event = "order_completed" }\nthen = "exit"', 5, "how long at most"),
        (HEAD + '[[step]]\nname = "a"\nwait_until = { time = "25:00" }', 5, "a time of day"),
        ('[trigger]\nevent = "a"\nrule = "b"\n[[step]]\nname = "a"\nexit = true', 1, "needs one of.*found event and rule"),
        ('[trigger]\nprice_drop = 10\n[[step]]\nname = "a"\nexit = true', 2, "For 10 %, write 0.1"),
        (HEAD + '[gaol]\nevent = "order_completed"\n[[step]]\nname = "a"\nexit = true', 1, 'Did you mean "goal"'),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(text: str, line: int, said: str) -> None:
    with pytest.raises(JourneyError, match=said) as error:
        read(text, "j", "j.toml")
    assert line in [problem.line for problem in error.value.problems]
    assert str(error.value).startswith("j.toml, line ")


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(JourneyError) as error:
        read(HEAD + '[[step]]\nname = "a"\nwait = "soon"\n[[step]]\nname = "b"\nsend = "m"\nchannel = "fax"', "j")
    assert [(problem.line, problem.step) for problem in error.value.problems] == [(5, "a"), (9, "b")]


@pytest.mark.parametrize(
    ("text", "line", "step", "said"),
    [
        ('[[step]]\nname = "a"\nwait = "1 day"\nnext = "b"\n[[step]]\nname = "c"\nexit = true', 3, "a", 'no step "b"'),
        ('[[step]]\nname = "a"\nwait = "1 day"\nnext = "exit"\n[[step]]\nname = "b"\nexit = true', 7, "b", "no way leads"),
        (
            '[[step]]\nname = "a"\nbranch = { rule = "orders > 0" }\nthen = "b"\notherwise = "exit"\n'
            '[[step]]\nname = "b"\nsend = "welcome"\nnext = "a"',
            3, "a", "a loop without a wait: a → b → a",
        ),
        ('[[step]]\nname = "a"\nwait_until = { event = "order_complete", most = "1 day" }\nthen = "exit"', 5, "a", 'Did you mean "order_completed"'),
        ('[[step]]\nname = "a"\nbranch = { rule = "ordrs > 0" }\nthen = "exit"', 3, "a", "line 1, column 1 of the rule"),
        ('[[step]]\nname = "a"\nbranch = { segment = "lapsin" }\nthen = "exit"', 3, "a", 'Did you mean "lapsing"'),
        ('[[step]]\nname = "a"\nsend = "welcom"', 3, "a", 'no message "welcom"'),
        ('[[step]]\nname = "a"\nsend = "welcome"\noffer = "sprin"', 3, "a", 'no offer "sprin"'),
        ('[[step]]\nname = "a"\nsend = "price_drop"', 3, "a", "price_before is known only"),
    ],
)  # fmt: skip
def test_what_cannot_be_walked_is_named(text: str, line: int, step: str, said: str, around: Surroundings) -> None:
    found = problems(read(HEAD + text, "j"), around)
    assert [(problem.line, problem.step) for problem in found] == [(line, step)]
    assert said in found[0].said


def test_a_loop_with_a_wait_may_go_round(around: Surroundings) -> None:
    text = '[[step]]\nname = "a"\nwait = "1 day"\n[[step]]\nname = "b"\nsend = "welcome"\nnext = "a"'
    assert problems(read(HEAD + text, "j"), around) == []


def test_a_field_that_there_is_not_in_a_message_is_named(around: Surroundings, tmp_path: Path) -> None:
    folder = tmp_path / "campaigns" / "messages"
    folder.mkdir(parents=True)
    (folder / "m.toml").write_text(
        '[[variant]]\nname = "v"\nlanguage = "en"\nsubject = "x"\nbody = """\n\n{{ custmer.name }}"""\n'
    )
    (said,) = problems(read(HEAD + '[[step]]\nname = "a"\nsend = "m"', "j"), around)
    assert 'm.toml, line 1, body of variant "v": line 2 of the text: there is no field "custmer.name"' in said.said
    (folder / "m.toml").write_text('[[variant]]\nname = "v"\nlanguage = "en"\nbody = "{{ coupon.code }}"\n')
    found = [problem.said for problem in problems(read(HEAD + '[[step]]\nname = "a"\nsend = "m"', "j"), around)]
    assert len(found) == 3  # no subject, no link, no offer


@given(st.text(alphabet='[]{}="abce \n#0.:天', max_size=80))
@settings(deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(JourneyError):
        read(HEAD + text, "j")


@given(st.integers(1, 500), st.sampled_from(["minutes", "hours", "days", "weeks", "天", "小时"]))
def test_durations_are_read_in_both_languages(count: int, unit: str) -> None:
    assert read_duration(f"{count} {unit}") == read_duration(f" {count}{unit} ")
