"""What an offer takes off a basket."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.campaign.offer import KINDS, Discount, Line, Terms
from regulars.errors import InputError

BASKET = [Line("tea", 2, Decimal("4.50")), Line("pot", 1, Decimal("30.00"))]


@pytest.mark.parametrize(
    ("terms", "discount"),
    [
        (Terms("percentage", Decimal(10)), Discount(Decimal("3.90"))),
        (Terms("amount", Decimal(5)), Discount(Decimal("5.00"))),
        (Terms("free_shipping"), Discount(Decimal(0), Decimal("4.00"))),
        (Terms("gift", products=("cup",)), Discount(Decimal(0), gifts=("cup",))),
        (Terms("bundle", Decimal(20), products=("tea", "pot")), Discount(Decimal("6.90"))),
    ],
)
def test_each_kind(terms: Terms, discount: Discount) -> None:
    assert terms.check().discount(BASKET, Decimal(4)) == discount
    assert Terms.from_dict(terms.to_dict()) == terms


@pytest.mark.parametrize(
    "terms",
    [
        Terms("percentage", Decimal(0)),
        Terms("percentage", Decimal(101)),
        Terms("amount", Decimal(-1)),
        Terms("free_shipping", Decimal(1)),
        Terms("gift"),
        Terms("bundle", Decimal(10), products=("tea", "tea")),
        Terms("percentage", Decimal(10), products=("tea",)),
        Terms("percentage", Decimal(10), days=0),
        Terms("half", Decimal(10)),  # type: ignore[arg-type]
    ],
)
def test_terms_that_cannot_be_are_refused(terms: Terms) -> None:
    with pytest.raises(InputError):
        terms.check()


def test_a_basket_below_the_minimum_or_without_the_bundle_is_refused() -> None:
    with pytest.raises(InputError, match=r"comes to 39.00; 40.00 at least"):
        Terms("percentage", Decimal(10), Decimal(40)).discount(BASKET)
    with pytest.raises(InputError, match="cup is not in the basket"):
        Terms("bundle", Decimal(10), products=("tea", "cup")).discount(BASKET)
    with pytest.raises(InputError):
        Terms("percentage", Decimal(10)).discount([])


@given(
    kind=st.sampled_from([kind for kind in KINDS if kind in ("percentage", "amount")]),
    value=st.decimals("0.01", "100", places=2),
    lines=st.lists(st.tuples(st.integers(1, 99), st.decimals("0", "9999", places=2)), min_size=1, max_size=5),
)
def test_never_more_than_the_basket_is_worth(kind: str, value: Decimal, lines: list[tuple[int, Decimal]]) -> None:
    basket = [Line(str(k), *line) for k, line in enumerate(lines)]
    total = sum(line.quantity * line.price for line in basket)
    if total:
        assert 0 <= Terms(kind, value).discount(basket).amount <= total  # type: ignore[arg-type]
