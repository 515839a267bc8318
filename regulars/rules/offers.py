"""What could stand next in a rule that is not written to its end yet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """One thing that fits.

    Attributes
    ----------
    sort : "column", "field" (of an event), "event", "segment", "function", "operator", "word", "duration", "value" or
        "field value".
    text : as it is written; of a value the column or field whose values fit.
    """

    sort: str
    text: str


def offers(sort: str, *texts: str) -> list[Offer]:
    """Several of one sort."""
    return [Offer(sort, text) for text in texts]
