"""For each customer and day the one best thing to do, often nothing: which, what is it worth, and what did it bring?

It reads what all capabilities decided or learned, in one currency: margin over the customer's remaining life, by a
fitted chain of life stages. An arbitration chooses under budgets, contacts, stock and people's hours; a part is drawn
by lot, and a control group is left alone for ever.
"""

from regulars.lifecycle.decide import decide
from regulars.lifecycle.evaluate import evaluate, learn

__all__ = ["decide", "evaluate", "learn"]
