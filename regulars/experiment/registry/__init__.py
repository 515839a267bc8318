"""Which experiments does a shop have, and how do they stand?"""

from regulars.experiment.registry.experiment import Change, Design, Experiment
from regulars.experiment.registry.experiments import Experiments, StartedError

__all__ = ["Change", "Design", "Experiment", "Experiments", "StartedError"]
