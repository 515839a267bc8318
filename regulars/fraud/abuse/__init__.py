"""Who abuses promotions, returns, reviews and accounts, and what does it cost?

Each detector is a pure function from arrays to findings; `summary` reads a log as of a moment and asks them all.
"""

from regulars.fraud.abuse.findings import FINDINGS, KINDS
from regulars.fraud.abuse.summary import summary
from regulars.fraud.abuse.suspicion import suspicion

__all__ = ["FINDINGS", "KINDS", "summary", "suspicion"]
