"""Your own CSV: import it, see who each customer is, and what to show to each.

    python examples/own_file.py orders.csv

The columns are guessed from headers (English or Chinese) and values. The shop is made in ./my-shop, and stays.
"""

from __future__ import annotations

import sys

from regulars import Shop
from regulars.profile import page
from regulars.realtime import Live, numbered

shop = Shop.create("my-shop")
imported = shop.import_(sys.argv[1])
print(f"{imported.added} of {imported.read} rows added; refused: {imported.reasons or 'none'}")

lines = shop.events.order_by("time", "event_id", "line").to_pyarrow()
live = Live()
for number, line in enumerate(lines.to_pylist(), 1):
    live.add(numbered(number, [line]))

for customer in sorted(set(lines["customer_id"].drop_null().to_pylist())):
    print(f"\n{customer}")
    for fact in page(shop, customer, shop.now).sentences[:3]:
        print(f"  {fact}")
    for shown in live.candidates(customer, 2, shop.now):
        print(f"  show {shown.product_id}: {shown.reason}")
