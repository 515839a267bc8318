"""Texts about an offer say what its facts say, and nothing else."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.campaign.copy import Facts, Variant, by_model, by_template, faults, read_message, review, to_toml
from regulars.campaign.copy.template import problems
from regulars.language import LanguageError, LanguageModel
from regulars.language.recording import Scripted

FACTS = Facts(
    "percentage",
    {"%": frozenset({Decimal(15)}), "money": frozenset({Decimal("4.50")}), "days": frozenset({Decimal(14)})},
    frozenset({date(2024, 5, 31)}),
    ("Tea No 7", "7号茶"),
)


@pytest.mark.parametrize(
    "text",
    [
        "15 % off for 14 days, until 31 May 2024, from 4.50 EUR on: Tea No 7",
        "May 31st: 15% off",
        "8.5折，有效期14天，2024年5月31日前，满€4.50可用，7号茶",
        "{{ coupon.worth }} off with {{ coupon.code }}",
        "Thank you.",
    ],
)
def test_what_the_facts_carry_may_be_said(text: str) -> None:
    assert faults(text, FACTS) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("20 % off", "20"),
        ("15 EUR off", "15"),
        ("fifteen percent off", "fifteen"),
        ("七折优惠", "七折"),
        ("7折", "7折"),
        ("until 1 June", "1 June"),
        ("6月1日前", "6月1日"),
        ("until 31 May 2025", "31 May 2025"),
        ("only today", "today"),
        ("The best tea", "best"),
        ("最好的茶", "最"),
        ("Only 3 left", "3"),
        ("Hurry", "Hurry"),
        ("free delivery", "free delivery"),
        ("包邮", "包邮"),
        ("a free gift", "free gift"),
        ("clinically proven", "clinically"),
        ("１５％ and ２０％", "20"),
    ],
)
def test_what_they_do_not_carry_is_found(text: str, said: str) -> None:
    assert said in [fault.said for fault in faults(text, FACTS)]


@given(st.integers(0, 999))
def test_no_other_percentage_passes(number: int) -> None:
    assert (not faults(f"{number} % off", FACTS)) == (number == 15)


@pytest.mark.parametrize("kind", ["", "percentage", "amount", "free_shipping", "gift", "bundle"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_templates_pass_their_own_check(kind: str, language: str) -> None:
    for variant in by_template(kind, language):  # type: ignore[arg-type]
        assert review(variant, Facts(kind)) == ()
        assert not list(problems(variant.body))


def test_what_a_model_invents_is_dropped_with_why() -> None:
    answer = {
        "variants": [
            {"subject": "15 % off", "body": "Code {{ coupon.code }} {{ unsubscribe_url }}"},
            {"subject": "50 % off, only today", "body": "{{ customer.password }}"},
        ]
    }
    wire = Scripted([json.dumps(answer)])
    written = by_model(FACTS, "en", LanguageModel(wire, "m"), about=["15 % off"])
    assert [variant.subject for variant in written.variants] == ["15 % off"]
    (dropped, why), *_ = written.dropped
    assert dropped.subject == "50 % off, only today"
    assert {"50", "today", "{{ customer.password }}"} <= {fault.said for fault in why}
    assert "15 % off" in wire.requests[0]["messages"][1]["content"]


def test_a_model_that_answers_in_another_form_is_refused() -> None:
    wire = Scripted(['{"variants": ["no"]}', "no"])
    with pytest.raises(LanguageError):
        by_model(FACTS, "en", LanguageModel(wire, "m"))


def test_a_message_survives_its_file() -> None:
    variants = (*by_template("amount", "zh"), Variant("q", "en", 'a "quote" \\', "line\n\n'''x\"\"\" 茶"))
    found = read_message(to_toml(variants), "m", "m.toml").variants
    assert [variant.fingerprint for variant in found] == [variant.fingerprint for variant in variants]
