"""What to show to each customer?

Several sources name products (the customer's own past, what others chose who chose the same, tastes found by
factorising, likeness of content, what many take up of late, what the behaviour model expects), one ranker puts them in
order, the shop's rules lay out the list, and each line says why.
"""

from regulars.recommend.batch import write_all
from regulars.recommend.decide import decide
from regulars.recommend.evaluate import evaluate, learn
from regulars.recommend.live import Recommender, Shown
from regulars.recommend.parameters import parameters

__all__ = ["Recommender", "Shown", "decide", "evaluate", "learn", "parameters", "write_all"]
