"""From decisions to cases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyarrow as pa
import pytest
import sqlalchemy as sa

from regulars.config import FraudSettings
from regulars.errors import InputError
from regulars.fraud.review import Opened, case, claim, give_verdict, open_cases, queue, release, tables
from regulars.state import State
from tests.fraud.review.conftest import ALONE, AS_OF, held


def attempts_of(state: State) -> dict[int, list[str]]:
    return {one.id: sorted(each.attempt_id for each in case(state, one.id).attempts) for one in queue(state)}


def test_a_ring_is_one_case_else_a_customer_is(state: State) -> None:
    rows = [
        {"attempt_id": "a1"},
        {"attempt_id": "a2"},
        {"attempt_id": "b1", "customer_id": "bob", "ring": 7},
        {"attempt_id": "c1", "customer_id": "茶", "ring": 7},
        {"attempt_id": "n1", "customer_id": None},
        {"attempt_id": "n2", "customer_id": None},
        {"attempt_id": "x1", "action": "allow"},
        {"attempt_id": "x2", "action": "block"},
    ]
    assert open_cases(state, held(*rows), AS_OF, ALONE) == Opened(cases=4, attempts=6, merged=0)
    assert sorted(attempts_of(state).values()) == [["a1", "a2"], ["b1", "c1"], ["n1"], ["n2"]]
    of = {one.customer_id: one for one in queue(state)}
    assert of["ada"].ring is None
    ring = next(one for one in queue(state) if one.ring == 7)
    assert (ring.customer_id, ring.attempts, ring.amount, ring.expected_loss) == (None, 2, 40.0, 20.0)


def test_the_case_that_saves_most_a_minute_is_first(state: State) -> None:
    """Four attempts of 10 take 6 minutes: 6.67 a minute. One of 15 takes 3: 5. One of 30: 10."""
    rows = [{"attempt_id": f"a{k}", "customer_id": "ada"} for k in range(4)]
    rows += [{"attempt_id": "b", "customer_id": "bob", "expected_loss": 15.0}]
    rows += [{"attempt_id": "c", "customer_id": "cyd", "expected_loss": 30.0}]
    open_cases(state, held(*rows), AS_OF, ALONE)
    assert [one.customer_id for one in queue(state)] == ["cyd", "ada", "bob"]
    assert [round(one.loss_per_minute, 2) for one in queue(state)] == [10.0, 6.67, 5.0]


def test_the_same_decisions_again_change_the_scores_alone(state: State) -> None:
    open_cases(state, held({"attempt_id": "a1"}), AS_OF, ALONE)
    again = held({"attempt_id": "a1", "risk": 0.9, "expected_loss": 50.0, "reasons": ["a ring", "一环"]})
    assert open_cases(state, again, AS_OF + timedelta(days=1), ALONE) == Opened(0, 0, 0)
    (one,) = queue(state)
    assert (one.attempts, one.expected_loss) == (1, 50.0)
    (attempt,) = case(state, one.id).attempts
    assert (attempt.risk, attempt.reasons) == (0.9, ["a ring", "一环"])


def test_decisions_whose_loss_is_not_known_come_again_as_well(state: State) -> None:
    """A model that no label taught says how unusual an attempt is, not what it may cost."""
    unusual = held({"attempt_id": "a1", "expected_loss": None})
    assert open_cases(state, unusual, AS_OF, ALONE) == Opened(1, 1, 0)
    assert open_cases(state, unusual, AS_OF + timedelta(days=1), ALONE) == Opened(0, 0, 0)
    assert queue(state)[0].expected_loss == 0


def test_new_attempts_join_the_case_that_waits_but_none_that_is_held_or_decided(state: State) -> None:
    open_cases(state, held({"attempt_id": "a1"}), AS_OF, ALONE)
    assert open_cases(state, held({"attempt_id": "a2"}), AS_OF, ALONE) == Opened(0, 1, 0)
    first = claim(state, "mei")
    assert first is not None
    assert open_cases(state, held({"attempt_id": "a3"}), AS_OF, ALONE) == Opened(1, 1, 0)
    assert len(case(state, first).attempts) == 2
    assert give_verdict(state, first, "mei", "fraud") == "decided"
    assert open_cases(state, held({"attempt_id": "a1"}, {"attempt_id": "a4"}), AS_OF, ALONE) == Opened(0, 1, 0)
    assert list(attempts_of(state).values()) == [["a3", "a4"]]


def test_cases_that_turn_out_to_be_one_ring_become_one(state: State) -> None:
    apart = [{"attempt_id": "a1", "customer_id": "ada"}, {"attempt_id": "b1", "customer_id": "bob"}]
    open_cases(state, held(*apart), AS_OF, ALONE)
    found = held(*[{**row, "ring": 3} for row in apart], {"attempt_id": "c1", "customer_id": "cyd", "ring": 3})
    assert open_cases(state, found, AS_OF, ALONE) == Opened(cases=0, attempts=1, merged=1)
    assert list(attempts_of(state).values()) == [["a1", "b1", "c1"]]
    assert queue(state)[0].ring == 3
    (kept,) = queue(state)
    gone = ({1, 2} - {kept.id}).pop()
    assert case(state, gone).summary.status == "merged"
    assert [change.about for change in case(state, gone).history if change.what == "merged into"] == [{"case": kept.id}]


def test_what_was_judged_before_two_cases_became_one_still_stands(state: State) -> None:
    open_cases(state, held({"attempt_id": "b1", "customer_id": "bob"}), AS_OF, ALONE)
    rows = [{"attempt_id": "a1", "expected_loss": 99.0}, {"attempt_id": "a2"}]
    open_cases(state, held(*rows), AS_OF, ALONE)
    held_case = claim(state, "mei")
    assert held_case is not None
    give_verdict(state, held_case, "mei", {"a1": "fraud"})
    release(state, held_case, "mei")
    both = [
        {"attempt_id": name, "customer_id": who, "ring": 1}
        for name, who in (("a1", "ada"), ("a2", "ada"), ("b1", "bob"))
    ]
    open_cases(state, held(*both), AS_OF, ALONE)
    merged = claim(state, "mei")
    assert merged is not None
    assert give_verdict(state, merged, "mei", "honest") == "decided"
    assert {one.attempt_id: one.outcome for one in case(state, merged).attempts} == {
        "a1": "fraud",
        "a2": "honest",
        "b1": "honest",
    }


def test_two_at_once_put_each_attempt_into_one_case(state: State) -> None:
    rows = [{"attempt_id": f"a{k}", "customer_id": f"c{k % 10}"} for k in range(40)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: open_cases(state, held(*rows), AS_OF, ALONE), range(4)))
    assert sum(one.attempts for one in done) == 40
    assert len(queue(state)) == 10


def test_a_share_of_the_cases_has_a_second_look(local: State) -> None:
    rows = [{"attempt_id": f"a{k}", "customer_id": f"c{k}"} for k in range(400)]
    open_cases(local, held(*rows), AS_OF, FraudSettings(second_look_share=0.2))
    with local.read() as view:
        blind = view.exec_driver_sql("SELECT count(*) FROM review_cases WHERE is_blind").scalar()
    assert 50 < blind < 112  # 80 are expected, four standard deviations are 32


def test_what_is_not_known_of_an_attempt_stays_unknown(state: State) -> None:
    open_cases(state, held({"attempt_id": "a1", "amount": None, "customer_id": None}), AS_OF, ALONE)
    (attempt,) = case(state, queue(state)[0].id).attempts
    assert (attempt.amount, attempt.customer_id) == (None, None)


def test_no_decisions_open_nothing_and_a_missing_column_is_named(local: State) -> None:
    assert open_cases(local, held(), AS_OF) == Opened(0, 0, 0)
    with pytest.raises(InputError, match="lack risk, expected_loss"):
        open_cases(local, held().drop_columns(["risk", "expected_loss"]), AS_OF)
    assert isinstance(held(), pa.Table)


def test_the_tables_are_what_the_queries_think(state: State) -> None:
    open_cases(state, held(), AS_OF)
    with state.read() as view:
        there = sa.inspect(view)
        for table in (tables.cases, tables.attempts, tables.verdicts, tables.outbox, tables.audit):
            assert [column["name"] for column in there.get_columns(table.name)] == table.columns.keys()
