"""Where candidates come from: each source is one small class, fitted on a past, that names products for customers.

A new one is one file here and its name in `SOURCES`. The behaviour model is asked beside them (`Head`): it is fitted
elsewhere.
"""

from regulars.recommend.sources.content import Nearest
from regulars.recommend.sources.covisitation import Covisitation
from regulars.recommend.sources.factors import Factors
from regulars.recommend.sources.head import Head
from regulars.recommend.sources.own import Own
from regulars.recommend.sources.popular import Popular
from regulars.recommend.sources.source import Allowed, Source
from regulars.recommend.sources.worth import Worth

SOURCES: tuple[type[Source], ...] = (Own, Covisitation, Factors, Nearest, Popular, Worth)
"""In the order in which the ranker reads their scores."""

__all__ = ["SOURCES", "Allowed", "Covisitation", "Factors", "Head", "Nearest", "Own", "Popular", "Source", "Worth"]
