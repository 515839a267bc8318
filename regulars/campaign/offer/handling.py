"""Offers and their codes: made, issued, redeemed once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import sqlalchemy as sa

from regulars import clock
from regulars.campaign.offer import codes
from regulars.campaign.offer.tables import coupons, offers, prepare
from regulars.campaign.offer.terms import Discount, Line, Terms
from regulars.errors import InputError, NotFoundError, ShopError
from regulars.rules.vocabulary import instead
from regulars.state import State

SECRET = "campaign coupons"  # noqa: S105 the name of one
LONGEST_NAME = 60


class CouponError(ShopError):
    """A coupon cannot be redeemed; the message says why, for the customer too."""


class Coupon(NamedTuple):
    """A code that was issued."""

    code: str
    offer: str
    customer_id: str
    issued_at: datetime
    expires_at: datetime
    terms: Terms


class Redemption(NamedTuple):
    """A code that was redeemed, and what it takes off. `is_repeated`: the same order had redeemed it before."""

    coupon: Coupon
    order_id: str
    discount: Discount
    is_repeated: bool


class Standing(NamedTuple):
    """How an offer stands: codes issued, redeemed, and expired without."""

    name: str
    terms: Terms
    created_at: datetime
    closed_at: datetime | None
    issued: int
    redeemed: int
    expired: int


def add_offer(state: State, name: str, terms: Terms) -> None:
    """Make an offer. The same again changes nothing; other terms are another offer, under another name.

    Raises
    ------
    InputError
        If the terms or the name cannot be.
    ShopError
        If there is an offer of the name with other terms: what customers hold must not change.
    """
    terms.check()
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise InputError(f"The name of an offer is one line of 1 to {LONGEST_NAME} characters.")
    with prepare(state).write(alone="campaign offers") as change:
        found = change.execute(sa.select(offers).where(offers.c.name == name)).one_or_none()
        if found is None:
            row = {"name": name, "terms": terms.to_dict(), "created_at": clock.now()}
            change.execute(sa.insert(offers).values(row))
        elif Terms.from_dict(found.terms) != terms:
            raise ShopError(
                f'There is an offer "{name}" with other terms, and customers may hold its codes. Choose another name.'
            )


def close_offer(state: State, name: str) -> None:
    """Issue no more codes of it; those that are out stay good. NotFoundError if there is none."""
    with prepare(state).write() as change:
        _offer(change, name)
        change.execute(sa.update(offers).where(offers.c.name == name).values(closed_at=clock.now()))


def terms_of(state: State, name: str) -> Terms:
    """The terms of an offer; NotFoundError naming those that there are."""
    with prepare(state).read() as view:
        return Terms.from_dict(_offer(view, name).terms)


def issue(state: State, offer: str, customer_id: str, for_what: str, moment: datetime) -> Coupon:
    """A code of an offer for a customer.

    Parameters
    ----------
    for_what : a name for this issue: the same again gives the same code, whatever died in between.
    moment : when; the code expires the offer's days after it.

    Raises
    ------
    NotFoundError
        If there is no such offer.
    CouponError
        If it is closed, or all of its codes are out.
    """
    secret = state.secret(SECRET)
    issued = sa.select(coupons).where(coupons.c.issue == for_what)
    with prepare(state).read() as view:
        row = view.execute(issued).one_or_none()
        found = _offer(view, row.offer if row else offer)
    if row is not None:
        return _coupon(row, found)
    with state.write(alone=f"campaign offer {offer}") as change:
        row = change.execute(issued).one_or_none()
        found = _offer(change, row.offer if row else offer)
        if row is None:
            terms = Terms.from_dict(found.terms)
            if found.closed_at is not None:
                raise CouponError(f'The offer "{offer}" is closed.')
            out = change.execute(sa.select(sa.func.count()).where(coupons.c.offer == offer)).scalar_one()
            if terms.most and out >= terms.most:
                raise CouponError(f'All {terms.most:,} codes of the offer "{offer}" are out.')
            change.execute(
                sa.insert(coupons).values(
                    code=codes.make(secret),
                    offer=offer,
                    customer_id=customer_id,
                    issue=for_what,
                    issued_at=moment,
                    expires_at=moment + timedelta(days=terms.days),
                )
            )
            row = change.execute(issued).one()
    return _coupon(row, found)


def redeem(
    state: State,
    typed: str,
    customer_id: str,
    order_id: str,
    basket: Sequence[Line],
    *,
    shipping: Decimal = Decimal(0),
    moment: datetime | None = None,
) -> Redemption:
    """Redeem a code for an order: once, however many try at once.

    The same order may ask again, after a lost answer: it is told the same, and nothing is redeemed twice.

    Parameters
    ----------
    typed : the code, as the customer typed it.
    moment : default: the clock's present.

    Raises
    ------
    CouponError
        If it is none of this shop's codes, is another customer's, has expired, or was redeemed for another order.
    InputError
        If the basket does not meet the terms.
    """
    moment = moment or clock.now()
    code = codes.normal(typed, state.secret(SECRET))
    if code is None:
        raise CouponError(f'"{typed[:40]}" is no code of this shop. Look for a letter that was mistyped.')
    # A lock of its own: on PostgreSQL a hundred tries of one code wait for each other and for nobody else.
    with prepare(state).write(alone=f"campaign coupon {code}") as change:
        row = change.execute(sa.select(coupons).where(coupons.c.code == code)).one_or_none()
        if row is None:
            raise CouponError(f"{code} was never issued.")
        coupon = _coupon(row, _offer(change, row.offer))
        if row.customer_id != customer_id:
            raise CouponError(f"{code} was issued to another customer.")
        if row.redeemed_at is not None:
            if row.order_id != order_id:
                raise CouponError(f"{code} was redeemed on {row.redeemed_at:%Y-%m-%d} already.")
            return Redemption(coupon, order_id, _discount(row.discount), is_repeated=True)
        if moment >= row.expires_at:
            raise CouponError(f"{code} expired on {row.expires_at:%Y-%m-%d}.")
        discount = coupon.terms.discount(basket, shipping)
        said = [str(discount.amount), str(discount.shipping), list(discount.gifts)]
        values = {"redeemed_at": moment, "order_id": order_id, "discount": said}
        taken = sa.update(coupons).where(coupons.c.code == code, coupons.c.redeemed_at.is_(None)).values(values)
        if change.execute(taken).rowcount != 1:
            raise CouponError(f"{code} was redeemed just now.")
    return Redemption(coupon, order_id, discount, is_repeated=False)


def standing(state: State) -> list[Standing]:
    """All offers, each with how many codes are out, by name."""
    now = clock.now()
    is_expired = coupons.c.redeemed_at.is_(None) & (coupons.c.expires_at <= now)
    counted = sa.select(
        coupons.c.offer,
        sa.func.count().label("issued"),
        sa.func.count(coupons.c.redeemed_at).label("redeemed"),
        sa.func.sum(sa.case((is_expired, 1), else_=0)).label("expired"),
    ).group_by(coupons.c.offer)
    with prepare(state).read() as view:
        numbers = {row.offer: row for row in view.execute(counted)}
        rows = view.execute(sa.select(offers).order_by(offers.c.name)).all()
    found = []
    for row in rows:
        of = numbers.get(row.name)
        counts = (of.issued, of.redeemed, int(of.expired)) if of else (0, 0, 0)
        found.append(Standing(row.name, Terms.from_dict(row.terms), row.created_at, row.closed_at, *counts))
    return found


def _offer(view: sa.Connection, name: str) -> Any:
    found = view.execute(sa.select(offers).where(offers.c.name == name)).one_or_none()
    if found is None:
        there = view.execute(sa.select(offers.c.name)).scalars().all()
        raise NotFoundError(
            f'There is no offer "{name}".{instead(name, there)}. Make it: regulars campaign offers add {name!r}'
        )
    return found


def _coupon(row: Any, offer: Any) -> Coupon:
    terms = Terms.from_dict(offer.terms)
    return Coupon(row.code, row.offer, row.customer_id, row.issued_at, row.expires_at, terms)


def _discount(said: Any) -> Discount:
    return Discount(Decimal(said[0]), Decimal(said[1]), tuple(said[2]))
