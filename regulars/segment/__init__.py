"""Which customers are alike, what sets each group apart, what is it worth, and who moves between them?

RFM by the shop's own quintiles, and clusters that are firmer and more separate than data without any; where there are
none, that is the answer.
"""

from regulars.segment.describe import table
from regulars.segment.evaluate import evaluate, learn
from regulars.segment.lookalikes import Lift, buyers, lift, lookalikes
from regulars.segment.migration import Migration, migration, overlap, written
from regulars.segment.overview import Overview, overview

__all__ = [
    "Lift", "Migration", "Overview", "buyers", "evaluate", "learn", "lift", "lookalikes", "migration", "overlap",
    "overview", "table", "written",
]  # fmt: skip
