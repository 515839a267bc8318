"""Who will not order again, why, what is it worth, and whom to contact about it when?

Churn here is: no order within `[churn] horizon_days` (90) after a moment. Learned from the shop's own
past moments, chosen by back-tests, calibrated, judged against "how long since the last order" alone.
"""

from regulars.churn.decide import decide
from regulars.churn.evaluate import evaluate, learn
from regulars.churn.one import ahead
from regulars.churn.subscriptions import subscriptions
from regulars.churn.table import table

__all__ = ["ahead", "decide", "evaluate", "learn", "subscriptions", "table"]
