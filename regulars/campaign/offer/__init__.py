"""What is offered to whom, and was it redeemed? Codes that are signed, expire, and are redeemed once."""

from regulars.campaign.offer.abuse import suspected
from regulars.campaign.offer.handling import (
    Coupon,
    CouponError,
    Redemption,
    Standing,
    add_offer,
    close_offer,
    issue,
    redeem,
    standing,
    terms_of,
)
from regulars.campaign.offer.terms import KINDS, Discount, Line, Terms, to_money

__all__ = [
    "KINDS", "Coupon", "CouponError", "Discount", "Line", "Redemption", "Standing", "Terms", "add_offer",
    "close_offer", "issue", "redeem", "standing", "suspected", "terms_of", "to_money",
]  # fmt: skip
