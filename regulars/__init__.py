"""Regulars (回头客): from a shop's event log to a decision about each customer.

>>> import regulars
>>> regulars.Shop.open("nowhere")
Traceback (most recent call last):
...
regulars.errors.ShopError: nowhere is no shop: it has no shop.toml. Make one: regulars init nowhere
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regulars.errors import RegularsError

if TYPE_CHECKING:
    from regulars.shop import Shop

__all__ = ["RegularsError", "Shop"]


def __getattr__(name: str) -> Any:
    # Only when it is asked for: the processes that read files import this package and need no engine.
    if name == "Shop":
        from regulars.shop import Shop  # noqa: PLC0415

        return Shop
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
