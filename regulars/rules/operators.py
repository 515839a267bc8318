"""What the operators that mean the same on numbers and on expressions of the engine do."""

from __future__ import annotations

import operator as python
from collections.abc import Callable
from typing import Any

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": python.eq,
    "!=": python.ne,
    "<": python.lt,
    "<=": python.le,
    ">": python.gt,
    ">=": python.ge,
}
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {"+": python.add, "-": python.sub, "*": python.mul}
"""Without division, which each does in its own way where the divisor is 0."""

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""Longer ago is earlier: what a comparison of how long ago says of the moment."""

DIGITS = 4
"""Sums and averages are rounded so, as money is: added up in another order they differ in the last bits, and the same
rule must say the same everywhere."""
