"""Who acts together? Customers joined by what they share, rings among them, and the risk that spreads from frauds.

Everything is a pure function of a `Stream`; for a graph as of T, of `stream.before(T)`.
"""

from regulars.fraud.graph.links import LIMITS, Hub, Links, links
from regulars.fraud.graph.picture import picture
from regulars.fraud.graph.rings import Rings, Shared, ring_scores, rings
from regulars.fraud.graph.spread import Risk, spread
from regulars.fraud.graph.wording import why

__all__ = [
    "LIMITS", "Hub", "Links", "Rings", "Risk", "Shared", "links", "picture", "ring_scores", "rings", "spread", "why",
]  # fmt: skip
