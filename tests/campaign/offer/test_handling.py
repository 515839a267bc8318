"""Codes: issued once, redeemed once, whoever tries and however often."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.campaign.offer import (
    CouponError,
    Line,
    Terms,
    add_offer,
    close_offer,
    codes,
    issue,
    redeem,
    standing,
)
from regulars.errors import NotFoundError, ShopError
from regulars.state import State

NOW = datetime(2024, 5, 15, tzinfo=UTC)
TEN = Terms("percentage", Decimal(10))
BASKET = [Line("tea", 1, Decimal(10))]


def test_a_code_is_issued_once_for_one_reason(state: State) -> None:
    add_offer(state, "spring", TEN)
    first = issue(state, "spring", "ada", "cart/1", NOW)
    assert issue(state, "spring", "ada", "cart/1", NOW + timedelta(days=3)) == first
    assert issue(state, "spring", "ada", "cart/2", NOW).code != first.code
    assert first.expires_at == NOW + timedelta(days=14)


def test_a_code_takes_off_what_its_terms_say_once(state: State) -> None:
    add_offer(state, "spring", TEN)
    code = issue(state, "spring", "ada", "cart/1", NOW).code
    typed = f" {code.lower().replace('-', ' ')} "
    done = redeem(state, typed, "ada", "o1", BASKET, moment=NOW)
    assert (done.discount.amount, done.is_repeated) == (Decimal("1.00"), False)
    again = redeem(state, code, "ada", "o1", BASKET, moment=NOW)
    assert (again.discount, again.is_repeated) == (done.discount, True)
    with pytest.raises(CouponError, match="redeemed on 2024-05-15 already"):
        redeem(state, code, "ada", "o2", BASKET, moment=NOW)
    assert [(each.issued, each.redeemed) for each in standing(state)] == [(1, 1)]


def test_what_does_not_hold_is_refused_and_stays_good(local: State) -> None:
    add_offer(local, "spring", TEN)
    coupon = issue(local, "spring", "ada", "cart/1", NOW)
    for who, when, said in (
        ("bob", NOW, "another customer"),
        ("ada", coupon.expires_at, "expired on 2024-05-29"),
    ):
        with pytest.raises(CouponError, match=said):
            redeem(local, coupon.code, who, "o1", BASKET, moment=when)
    with pytest.raises(CouponError, match="no code of this shop"):
        redeem(local, "AAAA-AAAA-AAAA-AAAA", "ada", "o1", BASKET, moment=NOW)
    with pytest.raises(CouponError, match="never issued"):
        redeem(local, codes.make(local.secret("campaign coupons")), "ada", "o1", BASKET, moment=NOW)
    assert not redeem(local, coupon.code, "ada", "o1", BASKET, moment=NOW).is_repeated


def test_terms_do_not_change_under_customers(local: State) -> None:
    add_offer(local, "spring", TEN)
    add_offer(local, "spring", TEN)
    with pytest.raises(ShopError, match="other terms"):
        add_offer(local, "spring", Terms("amount", Decimal(5)))
    close_offer(local, "spring")
    with pytest.raises(CouponError, match="closed"):
        issue(local, "spring", "ada", "cart/1", NOW)
    with pytest.raises(NotFoundError, match='Did you mean "spring"'):
        close_offer(local, "sprin")


def test_no_more_codes_than_allowed_are_issued(state: State) -> None:
    add_offer(state, "few", Terms("percentage", Decimal(10), most=5))

    def tried(number: int) -> bool:
        try:
            issue(state, "few", "ada", f"cart/{number}", NOW)
        except CouponError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(tried, range(20))) == 5


def won(state: State, code: str, number: int) -> bool:
    try:
        return not redeem(state, code, "ada", f"o{number}", BASKET, moment=NOW).is_repeated
    except CouponError:
        return False


def won_elsewhere(folder: Path, url: str, code: str, numbers: list[int]) -> int:
    state = State.open(folder, url)
    with ThreadPoolExecutor(len(numbers)) as pool:
        return sum(pool.map(partial(won, state, code), numbers))


def test_of_a_hundred_tries_at_once_one_wins(state: State, tmp_path: Path, url: str) -> None:
    add_offer(state, "spring", TEN)
    code = issue(state, "spring", "ada", "cart/1", NOW).code
    with ProcessPoolExecutor(1, get_context("spawn")) as process, ThreadPoolExecutor(50) as pool:
        there = process.submit(won_elsewhere, tmp_path, url, code, list(range(50, 100)))
        here = sum(pool.map(partial(won, state, code), range(50)))
        assert here + there.result() == 1


@given(st.text(max_size=30))
def test_no_text_passes_for_a_code(typed: str) -> None:
    assert codes.normal(typed, "secret") is None


def test_a_code_with_one_letter_changed_does_not_pass() -> None:
    code = codes.make("secret")
    for place in range(len(code)):
        if code[place] != "-":
            other = codes.LETTERS[(codes.LETTERS.index(code[place]) + 1) % 32]
            assert codes.normal(code[:place] + other + code[place + 1 :], "secret") is None
