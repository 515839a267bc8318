"""Send events to a server and ask it for a list.

    regulars init myshop && regulars serve --shop myshop     # beside it:
    python examples/over_http.py http://127.0.0.1:8000 [KEY]

The next list knows of an event as soon as it is acknowledged.
"""

from __future__ import annotations

import sys

from regulars.client import Client

url, key = sys.argv[1], (sys.argv[2] if len(sys.argv) > 2 else "")
with Client(url, key) as shop:
    for customer, product in [("ada", "tea"), ("ada", "pot"), ("bob", "tea"), ("bob", "pot"), ("eve", "tea")]:
        shop.track(customer, "Product Viewed", {"product_id": product, "name": product.title(), "price": 12.5})
    shop.flush()  # returns once all of them are on the server's disk

    found = shop.ask("/v1/recommend", {"customer_id": "eve", "k": 3})
    for product in found["products"]:
        print(product["rank"], product["product_id"], "-", product["reason"])

    # What came of it is learned before it is acknowledged.
    shop.ask(f"/v1/decisions/{found['recommendation_id']}/outcome", {"outcome": "clicked", "product_id": "pot"})
