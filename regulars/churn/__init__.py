"""Who will not order again, why, and whom to contact about it?

Churn here is: no order within `[churn] horizon_days` (90) after a moment. Learned from the shop's own
past moments, calibrated, judged against "how long since the last order" alone.
"""

from regulars.churn.decide import decide
from regulars.churn.evaluate import evaluate, learn

__all__ = ["decide", "evaluate", "learn"]
