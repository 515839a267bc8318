"""How does demand answer prices, and which price or discount should each customer be shown, inside the law?"""

from regulars.pricing.decide import decide
from regulars.pricing.evaluate import evaluate, learn

__all__ = ["decide", "evaluate", "learn"]
