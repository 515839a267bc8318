"""How does demand answer prices, product by product and customer by customer, and can these data tell?"""

from regulars.pricing.response.demand import Demand
from regulars.pricing.response.forecast import DemandForecast
from regulars.pricing.response.model import Elasticities, Response, fit
from regulars.pricing.response.profit import ProfitCurve, profit_curve
from regulars.pricing.response.sensitivity import Sensitivity, sensitivity
from regulars.pricing.response.verdict import Verdict

__all__ = [
    "Demand",
    "DemandForecast",
    "Elasticities",
    "ProfitCurve",
    "Response",
    "Sensitivity",
    "Verdict",
    "fit",
    "profit_curve",
    "sensitivity",
]
