"""The ledger of consents and objections, and whom it forbids to act on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from regulars import Shop
from regulars.customers import consents_as_of, ledger, objections_as_of, withheld, withheld_from
from regulars.customers.consent import PURPOSES

Record = Callable[..., Any]


@pytest.fixture
def told(shop: Shop, record: Record, tell: Any) -> Shop:
    """Ada gave consent, objected as a visitor; bob took his consent back; cat objected and took it back."""
    record(
        shop,
        tell.said("consent_given", 0, "ada", text="Marketing ", channel="web", **{"properties.text_version": "v7"}),
        tell.said("objection_made", 1, None, "v1", text="marketing"),
        tell.said("consent_given", 1, "bob", text="marketing"),
        tell.identified(2, "ada", "v1"),
        tell.said("consent_withdrawn", 2, "bob", text="marketing"),
        tell.said("objection_made", 1, "cat", text="profiling"),
        tell.said("objection_withdrawn", 3, "cat", text="profiling"),
        tell.said("objection_made", 1, "dan"),
    )
    return shop


def test_an_objection_under_any_id_counts_once_the_ids_are_joined(told: Shop, tell: Any) -> None:
    def forbidden(purpose: str, at: float) -> set[str]:
        return set(withheld(told, purpose, tell.day(at)).to_pylist())

    assert forbidden("marketing", 1) == set()
    assert forbidden("marketing", 2) == {"v1", "dan"}
    assert forbidden("marketing", 2.1) == {"ada", "bob", "dan"}
    assert forbidden("profiling", 3) == {"cat", "dan"}
    # Dan named no purpose: that is every one.
    assert forbidden("profiling", 3.1) == forbidden("ads", 9) == {"dan"}


@pytest.mark.parametrize("at", [1.0, 2.0, 2.1, 3.1])
def test_one_customer_is_told_the_same_by_any_id_as_of_all(told: Shop, tell: Any, at: float) -> None:
    moment = tell.day(at)
    for own, ids in {"ada": ("ada", "v1") if at > 2 else ("ada",), "bob": ("bob",), "dan": ("dan",)}.items():
        forbidden = [each for each in PURPOSES if own in withheld(told, each, moment).to_pylist()]
        said = [row for row in ledger(told, moment).to_pylist() if row["customer_id"] == own]
        for name in ids:
            assert withheld_from(told, name, moment) == forbidden
            assert ledger(told, moment, name).to_pylist() == said


def test_consents_are_what_was_said_last(told: Shop, tell: Any) -> None:
    rows = consents_as_of(told, tell.day(9)).to_pylist()
    assert [(row["customer_id"], row["purpose"], row["granted"], row["time"]) for row in rows] == [
        ("ada", "marketing", True, tell.day(0)),
        ("bob", "marketing", False, tell.day(2)),
    ]
    assert (rows[0]["source"], rows[0]["text_version"], rows[0]["proof"]) == ("web", "v7", None)


def test_objections_are_those_that_stand(told: Shop, tell: Any) -> None:
    rows = objections_as_of(told, tell.day(9)).to_pylist()
    assert [(row["customer_id"], row["purpose"]) for row in rows] == [("ada", "marketing"), ("dan", None)]


def test_the_ledger_keeps_all_that_was_said_under_the_id_it_was_said_under(told: Shop, tell: Any) -> None:
    rows = ledger(told, tell.day(9)).to_pylist()
    assert len(rows) == 7
    assert {(row["customer_id"], row["id"]) for row in rows if row["customer_id"] == "ada"} == {
        ("ada", "ada"),
        ("ada", "v1"),
    }
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)


def test_of_yes_and_no_at_one_moment_no_holds(shop: Shop, record: Record, tell: Any) -> None:
    kinds = ("objection_withdrawn", "objection_made")
    record(shop, *(tell.said(kind, 0, "ada", text="ads", order_id=who) for who in "ab" for kind in kinds))
    assert withheld(shop, "ads", tell.day(1)).to_pylist() == ["ada"]


def test_who_said_nothing_is_not_withheld(shop: Shop, record: Record, tell: Any) -> None:
    record(shop, tell.bought(0, "ada"))
    assert withheld(shop, "marketing", tell.day(1)).to_pylist() == []
