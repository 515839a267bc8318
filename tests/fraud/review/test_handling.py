"""What reviewers do with cases."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars import clock
from regulars.errors import InputError, NotFoundError
from regulars.fraud.review import HeldError, add_note, case, claim, give_verdict, open_cases, queue, release, undo
from regulars.fraud.review.tables import LONGEST_NAME, LONGEST_NOTE, audit, name_of_reviewer, outbox, plain_text
from regulars.state import State
from tests.fraud.review.conftest import ALONE, AS_OF, BLIND, held

NOON = datetime(2024, 5, 2, 12, tzinfo=UTC)


def one_case(state: State, *names: str, blind: bool = False) -> int:
    open_cases(state, held(*({"attempt_id": name} for name in names or ("a1", "a2"))), AS_OF, BLIND if blind else ALONE)
    return queue(state)[0].id


def outcomes(state: State, case_id: int) -> dict[str, str | None]:
    return {one.attempt_id: one.outcome for one in case(state, case_id).attempts}


def told(state: State) -> list[tuple[str, str]]:
    """What the log will be told, in order."""
    with state.read() as view:
        rows = view.execute(outbox.select().order_by(outbox.c.id)).all()
    return [(row.properties["attempt_id"], row.outcome) for row in rows]


def test_a_case_is_handed_out_once_and_again_when_its_time_is_over(state: State) -> None:
    number = one_case(state)
    with clock.held_at(NOON):
        assert claim(state, "mei", minutes=30) == number
        assert claim(state, "bob") is None
        with pytest.raises(HeldError, match="is held by mei until 12:30 UTC"):
            claim(state, "bob", number)
    with clock.held_at(NOON + timedelta(minutes=20)):
        assert claim(state, "mei", minutes=30) == number  # goes on
    with clock.held_at(NOON + timedelta(minutes=49)):
        assert claim(state, "bob") is None
        assert queue(state)[0].holder == "mei"
    with clock.held_at(NOON + timedelta(minutes=50)):
        assert (queue(state)[0].status, queue(state)[0].holder) == ("open", None)
        assert claim(state, "bob") == number
        with pytest.raises(HeldError, match="is held by bob until 13:20 UTC, not by mei"):
            give_verdict(state, number, "mei", "fraud")


def test_a_case_given_back_can_be_claimed_by_another(state: State) -> None:
    number = one_case(state)
    claim(state, "mei")
    with pytest.raises(HeldError, match="not by bob"):
        release(state, number, "bob")
    release(state, number, "mei")
    assert claim(state, "bob", number) == number


def claimed_by_many(state: State, cases: int, reviewers: int) -> Counter[int]:
    """How often each case was claimed by reviewers who start together and give none back."""
    gate = threading.Barrier(reviewers)

    def work(number: int) -> list[int]:
        gate.wait()
        got = []
        for turn in range(cases):
            found = claim(state, f"r{number}-{turn}")
            if found is None:
                return got
            got.append(found)
        return got

    with ThreadPoolExecutor(reviewers) as pool:
        return Counter(one for got in pool.map(work, range(reviewers)) for one in got)


def test_no_two_of_many_threads_hold_one_case(state: State) -> None:
    open_cases(state, held(*({"attempt_id": f"a{k}", "customer_id": f"c{k}"} for k in range(40))), AS_OF, ALONE)
    found = claimed_by_many(state, 40, 8)
    assert len(found) == 40
    assert set(found.values()) == {1}


CLAIMS = """
import json, multiprocessing, sys
from pathlib import Path
from regulars.fraud.review import claim
from regulars.state import State

# Forked before anything is opened: to import all of it anew for each takes seconds.
fork = multiprocessing.get_context("fork")
both = fork.Barrier(2)

def work(name):
    state = State.open(Path(sys.argv[1]), sys.argv[2])
    both.wait(60)
    got = []
    while (found := claim(state, f"{name}-{len(got)}")) is not None:
        got.append(found)
    return got

with fork.Pool(2) as pool:
    print(json.dumps(pool.map(work, "pq", chunksize=1)))
"""


def test_no_two_of_several_processes_hold_one_case(tmp_path: Path, url: str, state: State) -> None:
    open_cases(state, held(*({"attempt_id": f"a{k}", "customer_id": f"c{k}"} for k in range(60))), AS_OF, ALONE)
    words = [sys.executable, "-W", "ignore", "-c", CLAIMS, str(tmp_path), url]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert not done.returncode, done.stderr
    got = json.loads(done.stdout)
    assert len(got) == 2
    assert sorted(one for each in got for one in each) == sorted(one.id for one in queue(state, 100))


def test_a_verdict_on_the_whole_case_decides_it(state: State) -> None:
    number = one_case(state)
    claim(state, "mei")
    assert give_verdict(state, number, "mei", "fraud") == "decided"
    assert outcomes(state, number) == {"a1": "fraud", "a2": "fraud"}
    assert queue(state) == []
    assert claim(state, "bob") is None
    with pytest.raises(HeldError, match="is decided, and waits for nobody"):
        claim(state, "bob", number)


def test_verdicts_by_attempt_keep_the_case_until_all_are_judged(state: State) -> None:
    number = one_case(state)
    claim(state, "mei")
    assert give_verdict(state, number, "mei", {"a1": "fraud"}) == "claimed"
    assert outcomes(state, number) == {"a1": "fraud", "a2": None}
    with pytest.raises(InputError, match='"a1" is fraud already'):
        give_verdict(state, number, "mei", {"a1": "honest"})
    assert give_verdict(state, number, "mei", "honest") == "decided"
    assert told(state) == [("a1", "fraud"), ("a2", "honest")]


@pytest.mark.parametrize(
    ("verdict", "kind", "said"),
    [
        ("guilty", InputError, '"guilty" is no verdict; fraud or honest is expected'),
        ({"zz": "fraud"}, NotFoundError, 'has no attempt "zz". It has: a1, a2'),
        ({}, InputError, "no attempt is named"),
    ],
)
def test_a_verdict_that_cannot_be_changes_nothing(local: State, verdict: str, kind: type[Exception], said: str) -> None:
    number = one_case(local)
    claim(local, "mei")
    with pytest.raises(kind, match=said):
        give_verdict(local, number, "mei", verdict)
    assert (told(local), outcomes(local, number)) == ([], {"a1": None, "a2": None})


def test_an_undone_verdict_reopens_the_case_and_stays_on_record(state: State) -> None:
    number = one_case(state)
    claim(state, "mei")
    give_verdict(state, number, "mei", "fraud")
    assert undo(state, number, "mei") == {"a1": "fraud", "a2": "fraud"}
    assert (queue(state)[0].status, outcomes(state, number)) == ("reopened", {"a1": None, "a2": None})
    assert claim(state, "bob") == number
    assert give_verdict(state, number, "bob", "honest") == "decided"
    assert told(state) == [(name, said) for said in ("fraud", "withdrawn", "honest") for name in ("a1", "a2")]
    done = [(change.who, change.what) for change in case(state, number).history]
    assert done == [
        ("regulars", "opened"), ("regulars", "added"), ("mei", "claimed"), ("mei", "judged"), ("regulars", "decided"),
        ("mei", "undone"), ("regulars", "reopened"), ("bob", "claimed"), ("bob", "judged"), ("regulars", "decided"),
    ]  # fmt: skip


def test_the_event_of_an_undone_verdict_says_which_one_no_longer_holds(state: State) -> None:
    number = one_case(state, "a1")
    claim(state, "mei")
    give_verdict(state, number, "mei", "fraud")
    undo(state, number, "mei")
    with state.read() as view:
        first, second = view.execute(outbox.select().order_by(outbox.c.id)).all()
    assert second.properties == {"attempt_id": "a1", "reviewer": "mei", "case": number, "withdraws": first.event_id}
    assert first.event_id < second.event_id


def test_anothers_verdict_is_undone_by_name_only(state: State) -> None:
    number = one_case(state)
    claim(state, "mei")
    give_verdict(state, number, "mei", "fraud")
    with pytest.raises(NotFoundError, match=r"no verdict of bob that stands\. It was judged by mei: say whose"):
        undo(state, number, "bob")
    undo(state, number, "bob", of="mei")
    (undone,) = [change for change in case(state, number).history if change.what == "undone"]
    assert (undone.who, undone.about["of"]) == ("bob", "mei")


def test_a_case_that_another_holds_cannot_be_undone(state: State) -> None:
    number = one_case(state)
    claim(state, "mei")
    give_verdict(state, number, "mei", {"a1": "fraud"})
    with pytest.raises(HeldError, match="is held by mei until"):
        undo(state, number, "bob", of="mei")
    undo(state, number, "mei")
    assert give_verdict(state, number, "mei", "honest") == "decided"


def test_undoing_what_was_settled_since_leaves_the_case_decided(state: State) -> None:
    number = one_case(state, "a1")
    claim(state, "mei")
    give_verdict(state, number, "mei", "fraud")
    undo(state, number, "bob", of="mei")
    claim(state, "mei")
    give_verdict(state, number, "mei", "honest")
    with pytest.raises(NotFoundError):
        undo(state, number, "cyd", of="bob")
    assert (case(state, number).summary.status, outcomes(state, number)) == ("decided", {"a1": "honest"})


def test_a_second_look_is_anothers_and_blind(state: State) -> None:
    number = one_case(state, "a1", blind=True)
    claim(state, "mei")
    add_note(state, number, "mei", "same device as last week")
    assert give_verdict(state, number, "mei", "fraud") == "open"
    assert told(state) == [("a1", "fraud")]  # the label does not wait for the second look
    assert claim(state, "mei") is None
    with pytest.raises(HeldError, match="waits for a second look by somebody else"):
        claim(state, "mei", number)
    assert claim(state, "bob") == number
    seen = case(state, number, "bob")
    assert [one.outcome for one in seen.attempts] == [None]
    assert {change.who for change in seen.history} == {"regulars", "bob"}
    assert [one.outcome for one in case(state, number, "mei").attempts] == ["fraud"]
    assert give_verdict(state, number, "bob", "fraud") == "decided"
    assert told(state) == [("a1", "fraud")]
    assert "same device as last week" in str(case(state, number, "bob").history)


def test_where_two_disagree_a_third_look_settles(state: State) -> None:
    number = one_case(state, "a1", "a2", blind=True)
    claim(state, "mei")
    give_verdict(state, number, "mei", "fraud")
    claim(state, "bob")
    assert give_verdict(state, number, "bob", {"a1": "honest", "a2": "fraud"}) == "reopened"
    assert outcomes(state, number) == {"a1": "fraud", "a2": "fraud"}
    assert (claim(state, "mei"), claim(state, "bob")) == (None, None)
    assert claim(state, "cyd") == number
    assert give_verdict(state, number, "cyd", {"a1": "honest", "a2": "fraud"}) == "decided"
    assert outcomes(state, number) == {"a1": "honest", "a2": "fraud"}
    assert undo(state, number, "mei") == {"a1": "fraud", "a2": "fraud"}  # settled since: nothing changes
    assert case(state, number).summary.status == "decided"
    undo(state, number, "cyd")
    assert (case(state, number).summary.status, outcomes(state, number)) == ("reopened", {"a1": None, "a2": None})


def test_a_first_look_taken_back_before_the_second_is_first_again(state: State) -> None:
    number = one_case(state, "a1", blind=True)
    claim(state, "mei")
    give_verdict(state, number, "mei", "fraud")
    undo(state, number, "mei")
    assert queue(state)[0].waits_for == "first"
    assert claim(state, "mei") == number
    assert give_verdict(state, number, "mei", "honest") == "open"
    claim(state, "bob")
    assert give_verdict(state, number, "bob", "honest") == "decided"


def test_a_part_of_a_second_look_taken_back_leaves_the_first(state: State) -> None:
    number = one_case(state, "a1", "a2", blind=True)
    claim(state, "mei")
    give_verdict(state, number, "mei", "fraud")
    claim(state, "bob")
    give_verdict(state, number, "bob", {"a1": "honest"})
    release(state, number, "bob")
    undo(state, number, "bob")
    assert (queue(state)[0].waits_for, len(told(state))) == ("second", 2)
    claim(state, "bob")
    assert give_verdict(state, number, "bob", "fraud") == "decided"


def test_an_unknown_case_is_named(local: State) -> None:
    for ask in (lambda: claim(local, "mei", 99), lambda: case(local, 99), lambda: add_note(local, 99, "mei", "tea")):
        with pytest.raises(NotFoundError, match="There is no case 99"):
            ask()


def test_notes_stay_in_the_audit_in_any_language(state: State) -> None:
    number = one_case(state)
    add_note(state, number, " 美 ", "  同一台设备 'x'; DROP TABLE\nsecond line ")
    note = case(state, number).history[-1]
    assert (note.who, note.what, note.about) == ("美", "noted", {"text": "同一台设备 'x'; DROP TABLE\nsecond line"})


@pytest.mark.parametrize(
    "text",
    ["", "  ", "x" * (LONGEST_NOTE + 1), "a\x00b", "a\x1bb", "a\ud800"],
    ids=["", "spaces", "long", "nul", "esc", "half"],
)
def test_a_text_that_is_none_is_refused(local: State, text: str) -> None:
    number = one_case(local)
    with pytest.raises(InputError):
        add_note(local, number, "mei", text)
    with pytest.raises(InputError):
        claim(local, text)
    with local.read() as view:
        assert len(view.execute(audit.select()).all()) == 2


@given(st.text(max_size=LONGEST_NAME + 5))
def test_a_name_is_kept_as_it_is_or_refused(text: str) -> None:
    try:
        name = name_of_reviewer(text)
    except InputError:
        return
    assert name == text.strip()
    assert 0 < len(name) <= LONGEST_NAME
    assert name.encode("utf-8").decode("utf-8") == name
    assert plain_text("x", name, LONGEST_NAME) == name


@pytest.mark.parametrize("minutes", [0, -1, 24 * 60 + 1, float("nan")])
def test_a_lease_is_of_at_most_a_day(local: State, minutes: float) -> None:
    one_case(local)
    with pytest.raises(InputError, match="a case is held for"):
        claim(local, "mei", minutes=minutes)
