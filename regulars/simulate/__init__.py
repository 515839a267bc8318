"""What would happen? A shop whose truth is known, that answers back to decisions.

>>> from regulars.simulate import World
>>> world = World("gifts", customers=300, seed=7, days=60)
>>> world.step().num_rows > 0
True
"""

from regulars.simulate.decisions import DECISIONS
from regulars.simulate.margin import earned
from regulars.simulate.params import Params, load
from regulars.simulate.world import World
from regulars.simulate.write import Simulated, simulate

__all__ = ["DECISIONS", "Params", "Simulated", "World", "earned", "load", "simulate"]
