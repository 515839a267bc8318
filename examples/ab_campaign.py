"""Write to those who stay away, half of them by lot, and read what it brought.

The shop is simulated, so it answers. A few hundred customers seldom tell whether a coupon brings them back, and the
verdict says so. In a shop of your own the steps are `regulars experiment create`, `start`, `assign` and `results`.
"""

from __future__ import annotations

from datetime import timedelta

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import rich

from regulars import Shop
from regulars.experiment import AnalysisPlan, Arm, Plan, analyse, named, report
from regulars.simulate import World

AWAY_DAYS, READ_DAYS = 14, 28

world = World("grocery", customers=2000, seed=1, days=120)
log = [world.step() for _ in range(60)]

# Who ordered, but not within the last two weeks, and may be written to.
orders = pa.concat_tables(log).filter(pc.field("type") == "order_completed")
last = orders.group_by("customer_id").aggregate([("time", "max")])
away = last.filter(pc.field("time_max") < world.now - timedelta(days=AWAY_DAYS))
may = world.customer_ids.filter(pa.array(world.contactable))
away = away.filter(pc.is_in(away["customer_id"], may))["customer_id"].combine_chunks()

# The lot is a hash of the id: the same in any program, and it need not be kept.
plan = Plan("come-back", (Arm("control", 0.5), Arm("coupon", 0.5)), share=1.0)
arm = plan.assigned(away)
began = world.now
chosen = away.filter(pc.equal(arm, "coupon"))
coupons = pa.table({"customer_id": chosen, "action": ["coupon"] * len(chosen), "share": [0.2] * len(chosen)})
log += [world.step(coupons), *(world.step() for _ in range(READ_DAYS + 7))]

shop = Shop.create("come-back").with_events(ibis.memtable(pa.concat_tables(log)))
exposed = pa.array([began] * len(away), pa.timestamp("us", "UTC"))
assignments = pa.table({"customer_id": away, "variant": arm, "exposed_at": exposed})
analysis = AnalysisPlan("control", {"control": 0.5, "coupon": 0.5}, began, READ_DAYS, "revenue", {"conversion": 0.02})
result = analyse(shop, assignments, named(["revenue", "conversion"]), analysis, world.now)
print(f"{len(chosen)} of {len(away)} customers were written to.")
rich.print(report.shown(result))
