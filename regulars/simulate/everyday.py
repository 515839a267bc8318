"""What a shop does that has no policy yet: now and then a message, a coupon, an ad, drawn by lot.

Because the lot decides, and the chance is logged, the log can be learned from as from an experiment.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from regulars.simulate.randomness import generator
from regulars.simulate.world import World

PURPOSE = 9
MESSAGE_CHANCE, COUPON_CHANCE, AD_CHANCE = 1 / 45, 1 / 120, 1 / 20
COUPON_SHARE = 0.1


def decide(world: World) -> pa.Table:
    """The decisions of the day that is about to begin, in columns of `DECISIONS`."""
    who = np.flatnonzero(world.contactable)
    draw = generator(world.seed, PURPOSE, world.day).random(len(who))
    bounds = np.cumsum([MESSAGE_CHANCE, COUPON_CHANCE, AD_CHANCE])
    action = np.searchsorted(bounds, draw, side="right")
    said = world.params.ads
    if said.daily_budget == 0:
        action[action == 2] = 3
    chosen = action < 3
    action, customer = action[chosen], world.customer_ids.take(pa.array(who[chosen]))
    is_coupon, is_ad = action == 1, action == 2
    names = np.array(["newsletter", "coupon", "ads"])
    return pa.table(
        {
            "customer_id": customer,
            "action": pa.array(np.array(["message", "coupon", "ad"])[action]),
            "channel": pa.array(np.full(len(action), "email"), mask=is_ad),
            "share": pa.array(np.full(len(action), COUPON_SHARE), mask=~is_coupon),
            "bid": pa.array(np.full(len(action), said.rival_bid), mask=~is_ad),
            "budget": pa.array(np.full(len(action), said.daily_budget), mask=~is_ad),
            "campaign_id": pa.array(names[action]),
            "propensity": pa.array(np.array([MESSAGE_CHANCE, COUPON_CHANCE, AD_CHANCE])[action]),
        }
    )
