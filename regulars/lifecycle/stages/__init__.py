"""In which stage of life is each customer, where does it go from there, and what is each change worth?"""

from regulars.lifecycle.stages.chain import Chain, Values
from regulars.lifecycle.stages.hazards import Hazards, Moves, usual
from regulars.lifecycle.stages.model import StageModel, Standing
from regulars.lifecycle.stages.panel import FEATURES, Panel, dwelled

__all__ = ["FEATURES", "Chain", "Hazards", "Moves", "Panel", "StageModel", "Standing", "Values", "dwelled", "usual"]
