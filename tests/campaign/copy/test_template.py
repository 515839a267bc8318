"""Templates: what they may say, and that nothing else can be reached."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.campaign.copy.template import (
    LONGEST_OUTPUT,
    TemplateProblem,
    UnknownValueError,
    fields,
    problems,
    render,
)

VALUES = {
    "customer": {"id": "ada", "name": "Ada", "language": None, "city": None, "country": None},
    "products": [{"title": "Tea"}, {"title": "茶"}],
    "unsubscribe_url": "https://tea.example/u",
}


def test_fields_and_lists_are_said() -> None:
    source = "{{ customer.name }}:{% for p in products %} {{ p.title }}{% endfor %}"
    assert not list(problems(source))
    assert render(source, VALUES) == "Ada: Tea 茶"
    assert fields(source) == {"customer.name", "product.title", "products"}


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ customer.__class__ }}",
        "{{ customer['name'] }}",
        "{{ customer|attr('__class__') }}",
        "{{ customer.name.upper() }}",
        "{{ customer.items() }}",
        "{{ range(10) }}",
        "{{ lipsum }}",
        "{{ self }}",
        "{{ 2 ** 999999999 }}",
        "{{ 'a' * 999999999 }}",
        "{% set x = 'a' %}{{ x }}",
        "{% macro m() %}{{ m() }}{% endmacro %}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% extends 'base' %}",
        "{% for a in products %}{% for b in products %}x{% endfor %}{% endfor %}",
        "{% for a in products if a.title %}x{% endfor %}",
        "{% for c in customer %}x{% endfor %}",
        "{{ 'x' ~ 'y' }}",
        "{{ customer.name|center(999999999) }}",
        "{{ customer.nme }}",
        "{{ nme }}",
        "{{ customer.name",
        "x" * 50_001,
    ],
)
def test_nothing_else_can_be_done(source: str) -> None:
    started = time.monotonic()
    assert list(problems(source))
    with pytest.raises(TemplateProblem):
        render(source, VALUES)
    assert time.monotonic() - started < 5


def test_what_is_not_known_is_no_gap() -> None:
    with pytest.raises(UnknownValueError, match=r"customer\.city is not known of this customer"):
        render("{{ customer.city }}", VALUES)
    assert render("{{ customer.city or 'there' }}", VALUES) == "there"


def test_a_value_is_text_and_no_template() -> None:
    assert render("{{ customer.name }}", {"customer": {"name": "{{ 7 }} <b>"}}) == "{{ 7 }} <b>"


def test_a_text_has_a_longest() -> None:
    with pytest.raises(TemplateProblem, match="longer"):
        render("{{ customer.name }}" * 3, {"customer": {"name": "x" * (LONGEST_OUTPUT // 2)}})


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_or_refused(source: str) -> None:
    found = list(problems("{{" + source + "}}"))
    if not found:
        with suppress(TemplateProblem, UnknownValueError):
            render("{{" + source + "}}", VALUES)
