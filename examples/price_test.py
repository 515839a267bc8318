"""Let prices differ by lot, learn how demand answers, and set prices within guardrails.

Thirty teas over forty weeks. Here demand is made up, so that the truth is known: an elasticity of -1.8. In a shop
`regulars pricing` does all of this from the log.
"""

from __future__ import annotations

import numpy as np

from regulars.pricing.guard import Rules, list_prices
from regulars.pricing.response import Demand, fit

rng = np.random.default_rng(0)
product, week = np.repeat(np.arange(30), 40), np.tile(np.arange(40), 30)  # one row a product and week
price = 3.0 * rng.choice([0.9, 1.0, 1.1], len(product))  # the lot
units = rng.poisson(200 * (price / 3.0) ** -1.8)

response = fit(Demand.of(product, week, units, price))
(elasticity,), (low,), (high,) = (getattr(response.elasticities("shop"), name) for name in ("value", "low", "high"))
print(f"{response.verdict} Elasticity {elasticity:.2f} (95 %: {low:.2f} to {high:.2f}).")

# The margin is largest at cost x e / (1 + e); guardrails say how far a price may go towards it.
present, cost = np.array([300, 500]), np.array([120, 150])  # cents
wanted = cost * elasticity / (1 + elasticity)
bounds = list_prices(Rules(min_margin=0.2, max_change=0.1, endings=(29, 49, 79, 99)), present, cost)
for now, best, then in zip(present, wanted, bounds.nearest(wanted), strict=True):
    print(f"{now / 100:.2f}: best {best / 100:.2f}, within guardrails {then / 100:.2f}")
