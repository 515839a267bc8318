"""What to ask: the list price of everyone, and who gets which discount. Plain arrays in, plain arrays out."""

from regulars.pricing.suggest.curve import Curve, Suggestions, curve, suggest
from regulars.pricing.suggest.demand import ConstantElasticity, Demand, worth
from regulars.pricing.suggest.elasticity import Elasticities, kept, learn_elasticities
from regulars.pricing.suggest.personal import Discounts, discounts

__all__ = [
    "ConstantElasticity", "Curve", "Demand", "Discounts", "Elasticities", "Suggestions", "curve", "discounts",
    "kept", "learn_elasticities", "suggest", "worth",
]  # fmt: skip
