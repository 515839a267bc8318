"""Which prices may be asked, and what keeps them there? Pure functions of arrays, in the currency's smallest coin."""

from regulars.pricing.guard.bounds import LOWER, UPPER, Admissible, list_prices, personal_prices
from regulars.pricing.guard.checker import require_none, wrong_list_prices, wrong_personal_prices
from regulars.pricing.guard.errors import GuardError, ParityError
from regulars.pricing.guard.parity import Parity, parity
from regulars.pricing.guard.proxies import explained, refused, require_allowed
from regulars.pricing.guard.rules import UNKNOWN, Ints, Rules
from regulars.pricing.guard.was import held_within, reduced_from

__all__ = [
    "LOWER", "UNKNOWN", "UPPER", "Admissible", "GuardError", "Ints", "Parity", "ParityError", "Rules",
    "explained", "held_within", "list_prices", "parity", "personal_prices", "reduced_from", "refused",
    "require_allowed", "require_none", "wrong_list_prices", "wrong_personal_prices",
]  # fmt: skip
