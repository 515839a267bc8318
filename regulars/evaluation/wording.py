"""How a report says its figures: short, and the same in the terminal, on the page and in a chart."""

from __future__ import annotations

import math


def figure(value: float) -> str:
    """A number with about three digits that matter; shares and losses without a leading zero.

    Examples
    --------
    >>> figure(0.753), figure(-0.018), figure(0.0041), figure(12.3), figure(18250.4), figure(0)
    ('.753', '-.018', '.0041', '12.30', '18,250', '0')
    """
    return _written(value, _digits(value))


def interval(low: float, high: float) -> str:
    """From where to where, both ends to the same digit.

    Examples
    --------
    >>> interval(0.018, 0.047), interval(0.0048, 0.012), interval(0, 0.5)
    ('.018 to .047', '.0048 to .0120', '0 to .500')
    """
    digits = max(_digits(low), _digits(high))
    return f"{_written(low, digits)} to {_written(high, digits)}"


def _digits(value: float) -> int:
    """How many digits to write after the point."""
    size = abs(value)
    if size == 0 or size >= 100:
        return 0
    if size >= 1:
        return 2
    # Three, or more where that would leave fewer than two that matter; beyond six nobody reads on.
    return min(max(3, 1 - math.floor(math.log10(size))), 6)


def _written(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    text = f"{value:,.{digits}f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text
