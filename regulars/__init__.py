"""Regulars (回头客): from a shop's event log to a decision about each customer.

>>> import regulars
>>> regulars.Shop.open("nowhere")
Traceback (most recent call last):
...
regulars.errors.ShopError: nowhere is no shop: it has no shop.toml. Make one: regulars init nowhere
"""

from regulars.errors import RegularsError
from regulars.shop import Shop

__all__ = ["RegularsError", "Shop"]
