"""What is wrong with prices? Worked out anew from what they were made of: it knows nothing of how bounds are found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from regulars.pricing.guard.errors import GuardError
from regulars.pricing.guard.rules import UNKNOWN, WHOLE, Ints, Rules

Truths = npt.NDArray[np.bool_]


def wrong_list_prices(
    rules: Rules, asked: Ints, present: Ints, cost: Ints, *, reference: Ints, week_low: Ints, week_high: Ints,
    brand_minimum: Ints,
) -> dict[str, Truths]:  # fmt: skip
    """By guardrail, (n,) which new list prices break it. A price that stays as it is breaks none; see `list_prices`.

    >>> one = np.array([1000])
    >>> found = wrong_list_prices(Rules(min_margin=0.5), np.array([1050]), one, np.array([800]), reference=one,
    ...                           week_low=one, week_high=one, brand_minimum=-one)
    >>> [name for name, rows in found.items() if rows.any()]
    ['cost and margin']
    """
    moves = asked != present
    found = {
        "above 0": asked <= 0,
        "cost known": cost == UNKNOWN,
        "cost and margin": (asked - cost) * WHOLE < rules.margin_parts * asked,
        "corridor": (asked * WHOLE < reference * rules.lowest_parts)
        | (asked * WHOLE > reference * rules.highest_parts),
        "change in a week": ((week_high - asked) * WHOLE > rules.change_parts * week_high)
        | ((asked - week_low) * WHOLE > rules.change_parts * week_low),
        "brand minimum": (brand_minimum > UNKNOWN) & (asked < brand_minimum),
        "ending": ~_ends(rules, asked),
    }
    return {name: rows & moves for name, rows in found.items()}


def wrong_personal_prices(
    rules: Rules, asked: Ints, list_price: Ints, cost: Ints, *, brand_minimum: Ints, shown: Ints
) -> dict[str, Truths]:
    """By guardrail, (n,) which personal prices break it; see `personal_prices`.

    The list price breaks none but that of what was shown before; what was shown before breaks none, for it stands.
    """
    was_shown = shown > UNKNOWN
    stands = (asked == list_price) | (was_shown & (asked == shown))
    found = {
        "cost known": cost == UNKNOWN,
        "cost and margin": (asked - cost) * WHOLE < rules.margin_parts * asked,
        "brand minimum": (brand_minimum > UNKNOWN) & (asked < brand_minimum),
        "largest discount": (list_price - asked) * WHOLE > rules.discount_parts * list_price,
        "ending": ~_ends(rules, asked),
    }
    return {name: rows & ~stands for name, rows in found.items()} | {
        "above 0": asked <= 0,
        "above the list price": asked > list_price,
        "rose since it was shown": was_shown & (asked > shown),
    }


def require_none(wrong: Mapping[str, Truths], names: Any) -> None:
    """Stop if anything is wrong.

    Parameters
    ----------
    names : (n,) what each row is of, for the message.

    Raises
    ------
    GuardError
        Naming the first row and the guardrail.
    """
    for guardrail, rows in wrong.items():
        if rows.any():
            first = int(np.argmax(rows))
            raise GuardError(
                f"{names[first]}: the price breaks a guardrail ({guardrail}), as do {int(rows.sum()):,} in all. "
                "Nothing was priced. Ask for prices within `list_prices` or `personal_prices`."
            )


def _ends(rules: Rules, price: Ints) -> Truths:
    if not rules.endings:
        return np.ones(len(price), bool)
    found: Truths = np.any([price % 100 == ending for ending in rules.endings], axis=0)
    return found
