"""Is fraud detection still what it was: its scores, its rules, its verdicts, and the frauds themselves?"""

from regulars.fraud.monitor.change import Change, rate_change
from regulars.fraud.monitor.charts import charts
from regulars.fraud.monitor.drift import Drift, drift
from regulars.fraud.monitor.page import page
from regulars.fraud.monitor.scored import scored
from regulars.fraud.monitor.watch import Alert, Delay, Watch, watch
from regulars.fraud.monitor.wording import alerts, notes

__all__ = [
    "Alert",
    "Change",
    "Delay",
    "Drift",
    "Watch",
    "alerts",
    "charts",
    "drift",
    "notes",
    "page",
    "rate_change",
    "scored",
    "watch",
]
