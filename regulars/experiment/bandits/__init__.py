"""Which of several arms to choose now, so as to learn which is best and lose little meanwhile?"""

from regulars.experiment.bandits.bandit import CHOICES, Bandit, Choice, Day
from regulars.experiment.bandits.best import best_of_betas, best_of_normals, best_of_students
from regulars.experiment.bandits.linear import LinearThompson, LinearUCB
from regulars.experiment.bandits.policies import BetaThompson, Greedy, NormalThompson, Policy

__all__ = [
    "CHOICES", "Bandit", "BetaThompson", "Choice", "Day", "Greedy", "LinearThompson", "LinearUCB", "NormalThompson",
    "Policy", "best_of_betas", "best_of_normals", "best_of_students",
]  # fmt: skip
