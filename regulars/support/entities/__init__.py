"""Which orders, products, amounts, dates, addresses and payments does a message name, and what are its parts?"""

from regulars.support.entities.addresses import addresses
from regulars.support.entities.amounts import Amount, amounts
from regulars.support.entities.dates import Day, days
from regulars.support.entities.identity import Identity, identity_in
from regulars.support.entities.order_numbers import OrderNumber, order_numbers
from regulars.support.entities.parts import asking, parts
from regulars.support.entities.payments import PaymentNamed, payments
from regulars.support.entities.product_names import ProductNamed, products_named
from regulars.support.entities.text import cleaned

__all__ = [
    "Amount", "Day", "Identity", "OrderNumber", "PaymentNamed", "ProductNamed", "addresses", "amounts", "asking",
    "cleaned", "days", "identity_in", "order_numbers", "parts", "payments", "products_named",
]  # fmt: skip
