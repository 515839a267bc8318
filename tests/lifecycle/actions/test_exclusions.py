"""What must not be done for whom: every rule, by kind of action."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.lifecycle.actions import RULES, Action, Candidates, Facts, excluded, joined
from regulars.lifecycle.actions.candidates import AD, CALL, DISCOUNT, KINDS, LIST, MESSAGE, OFFER, RECOVERY, REVIEW

ALL = [Action(kind, kind, "", "test") for kind in KINDS]


def allowed(*facts: str) -> set[str]:
    """The kinds that are open to a customer of whom these facts are true."""
    said = Facts.none(1)
    for fact in facts:
        getattr(said, fact)[0] = True
    found = excluded(said, ALL)[0]
    return {action.kind for action, rule in zip(ALL, found, strict=True) if rule == -1}


@pytest.mark.parametrize(
    ("facts", "kinds"),
    [
        ((), {MESSAGE, OFFER, DISCOUNT, LIST, AD, CALL}),
        (("farmer",), {MESSAGE, LIST, AD, CALL}),
        (("buys_anyway",), {MESSAGE, LIST, AD, CALL}),
        (("no_ads",), {MESSAGE, OFFER, DISCOUNT, LIST, CALL}),
        (("trouble",), {LIST, RECOVERY}),
        (("suspect",), {LIST, CALL, REVIEW}),
        (("victim",), {LIST}),
        (("objects",), set()),
        (("objects", "trouble"), {RECOVERY}),
        (("objects", "suspect"), {REVIEW}),
        (("held_out", "trouble", "suspect"), set()),
    ],
)
def test_what_is_true_of_a_customer_closes_what_must_not_be_done(facts: tuple[str, ...], kinds: set[str]) -> None:
    assert allowed(*facts) == kinds


def test_a_rule_tells_its_reason_in_both_languages() -> None:
    facts = Facts.none(1)
    facts.farmer[0] = True
    rule = RULES[excluded(facts, [Action("spring", OFFER, "email", "campaign")])[0, 0]]
    assert "coupon" in rule.en
    assert "优惠券" in rule.zh


def test_service_presupposes_that_something_went_wrong() -> None:
    assert excluded(Facts.none(1), [Action("recovery", RECOVERY, "", "support")])[0, 0] == -2


def test_candidates_of_several_sources_stand_side_by_side() -> None:
    one = Candidates.of(Action("call", CALL, "phone", "x"), [1.0, np.nan], [0.1, 0.1], 4.0)
    both = joined([one, Candidates.nothing(2, "ads: stale"), one])
    assert both.gain.tolist() == [[1.0, 1.0], [-np.inf, -np.inf]]
    assert both.cost.shape == (2, 2)
    assert both.notes == ("ads: stale",)


def test_what_nobody_notices_is_no_contact() -> None:
    assert {action.kind for action in ALL if not action.is_contact} == {DISCOUNT, LIST, REVIEW}
