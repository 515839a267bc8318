"""Do events come as they used to? Each day beside the weeks before it, so that a broken import or tracker is seen.

>>> from datetime import date
>>> from regulars.drift import Signal, told
>>> told(Change(Signal("type", "order_completed"), date(2024, 5, 3), 1, 12.0, 60.0, 300.0, 9.1))
'Events order_completed a visit, on 2024-05-03: 0.04; usual was 0.2.'
"""

from regulars.drift.changes import Change, changes
from regulars.drift.daily import Daily, Signal, daily
from regulars.drift.festivals import festivals
from regulars.drift.watch import watch
from regulars.drift.wording import told

__all__ = ["Change", "Daily", "Signal", "changes", "daily", "festivals", "told", "watch"]
