"""What the console keeps in the shop's state, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

import pytest

from regulars import clock
from regulars.console import audit
from regulars.console.approvals import Approvals
from regulars.console.jobs import Jobs
from regulars.console.people import People
from regulars.console.sessions import Sessions
from regulars.console.tables import prepare
from regulars.errors import InputError, NotFoundError

PASSWORD = "tea for two at five"  # noqa: S105


@pytest.fixture
def ada(state):
    people = People(prepare(state))
    return people.join(people.invite("risk", by="tests"), "ada@shop.example", "Ada", PASSWORD, "zh")


def test_a_person_signs_in_until_blocked_and_a_link_opens_once(state, ada):
    people = People(state)
    assert people.signing_in("ada@shop.example", PASSWORD) == ada
    assert people.signing_in("ada@shop.example", "another") is None
    link = people.invite("admin", by="tests")
    bob = people.join(link, "bob@shop.example", "Bob", PASSWORD, "en")
    with pytest.raises(NotFoundError):
        people.join(link, "eve@shop.example", "Eve", PASSWORD, "en")
    before, after = people.change(ada.id, role="pricing")
    assert (before.role, after.role) == ("risk", "pricing")
    people.change(ada.id, blocked_at=clock.now())
    assert people.signing_in("ada@shop.example", PASSWORD) is None
    with pytest.raises(InputError):
        people.change(bob.id, blocked_at=clock.now())  # nobody could change roles any more
    assert [person.email for person in people.all()] == ["ada@shop.example", "bob@shop.example"]


def test_a_session_knows_its_person_and_what_to_say_until_it_ends(state, ada):
    sessions = Sessions(state)
    token = sessions.begin(ada)
    sessions.say(token, [{"text": "已保存", "undo": None}])
    assert sessions.person(token) == (ada, [{"text": "已保存", "undo": None}])
    sessions.end(token)
    assert sessions.person(token) == (None, [])


def test_an_approval_waits_until_it_is_decided(state, ada):
    approvals = Approvals(state)
    asked = approvals.ask("price", "tea", {"price": "3.90"}, by="ada")
    assert approvals.waiting("price") == [asked]
    assert approvals.decide(asked.id, "approved", by="bob").decided_by == "bob"
    assert approvals.waiting() == []


def test_work_tells_how_it_ended(state, ada):
    jobs = Jobs(state)
    made = jobs.begin("data.job_import", lambda progress: "3 rows", by="ada")
    jobs.close()
    assert (jobs.one(made.id).status, jobs.one(made.id).said) == ("done", "3 rows")


def test_what_was_changed_is_noted_with_its_values(state, ada):
    audit.note(state, "ada", "pricing.set", "tea", {"price": "4.50"}, {"price": "3.90"})
    (row,) = audit.all_of(state)
    assert (row["who"], row["about"], row["before"], row["after"]) == (
        "ada", "tea", {"price": "4.50"}, {"price": "3.90"},
    )  # fmt: skip
