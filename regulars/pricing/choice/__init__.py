"""Which of several substitutes does each household take, and how do prices move it?"""

from regulars.pricing.choice.choices import Choices
from regulars.pricing.choice.forecaster import Forecaster, Tried
from regulars.pricing.choice.habits import Habits
from regulars.pricing.choice.logit import Logit, Tastes, fit

__all__ = ["Choices", "Forecaster", "Habits", "Logit", "Tastes", "Tried", "fit"]
