"""What to ask: the list price of everyone, and who gets which discount. Plain arrays in, plain arrays out."""

from regulars.pricing.suggest.belief import Belief, believe, kept
from regulars.pricing.suggest.best import Suggestions, suggest
from regulars.pricing.suggest.demand import ConstantElasticity, Demand, worth
from regulars.pricing.suggest.personal import Discounts, discounts

__all__ = [
    "Belief", "ConstantElasticity", "Demand", "Discounts", "Suggestions", "believe", "discounts", "kept", "suggest",
    "worth",
]  # fmt: skip
