"""What a feature is: a name, what it means, and how it is computed from the events before a moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ibis

Expression = Callable[[ibis.Table], ibis.Value]


@dataclass(frozen=True)
class Feature:
    """One thing known of a customer as of a moment.

    Attributes
    ----------
    name : of its column.
    meaning : what it says, in words that go on "The customer's …".
    unit : of its values: "orders", "days", "money", "share" (0 to 1), …
    window_days : how far back it looks; None for all of the log.
    needs : the evidence that the log must have had before the moment, a name in `evidence.EVIDENCE`.
        Without it the feature is absent (null), never zero.
    value : from the rows of its level to one number a customer and moment.
    empty : what a customer has who has no rows there: 0 for counts, None where there is nothing to say.
    """

    name: str
    meaning: str
    unit: str
    window_days: int | None
    needs: str
    value: Expression
    empty: float | None = None


def within(rows: ibis.Table, days: int) -> Any:
    """The rows of the last so many days before the moment."""
    return rows.age_days <= float(days)


def entropy(counts: list[Any]) -> Any:
    """How evenly counts are spread over their kinds, 0 (all in one) to 1 (even); null where all are 0.

    Shannon's entropy over that of an even spread.
    """
    total = sum(counts[1:], start=counts[0]).nullif(0).cast("float64")
    shares = [count / total for count in counts]
    terms = [ibis.ifelse(share > 0, -share * share.ln(), 0.0) for share in shares]
    return sum(terms[1:], start=terms[0]) / ibis.literal(float(len(counts))).ln()
