"""Buy-till-you-die models: how often a customer orders, whether it has left, and what orders are worth."""

from regulars.churn.btyd.bg_nbd import BetaGeometricNBD
from regulars.churn.btyd.clock import Clock, Covariates, DatedHistories, seasonal
from regulars.churn.btyd.dynamic_pareto_nbd import DynamicParetoNBD
from regulars.churn.btyd.gamma_gamma import GammaGamma
from regulars.churn.btyd.history import Histories
from regulars.churn.btyd.pareto_nbd import ParetoNBD

__all__ = [
    "BetaGeometricNBD",
    "Clock",
    "Covariates",
    "DatedHistories",
    "DynamicParetoNBD",
    "GammaGamma",
    "Histories",
    "ParetoNBD",
    "seasonal",
]
