"""Which attempts to pay, accounts and promotions are fraud, and what is to be done about each?

A score from labels as they became known and from what is unusual, the shop's own rules and lists, rings of shared
devices, cards and addresses, tests for abuse, and a queue for the people who look.
"""

from regulars.fraud.decide import decide
from regulars.fraud.evaluate import evaluate, learn
from regulars.fraud.live import Live
from regulars.fraud.table import table

__all__ = ["Live", "decide", "evaluate", "learn", "table"]
