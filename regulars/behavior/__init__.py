"""What do customers do next, who is each as of any moment, and what is unusual?

The behaviour model: a causal transformer over each customer's events, learned from the shop's own log. Capabilities
read its vectors beside the named features; its head says what comes next, its likelihood what is unusual.
"""

from regulars.behavior.evaluate import evaluate, learn
from regulars.behavior.explain import explain
from regulars.behavior.state import CustomerState, Event, IncrementalModel
from regulars.behavior.use import Kept, hazard, load, model_as_of, next_products, surprise, table, vectors

__all__ = [
    "CustomerState", "Event", "IncrementalModel", "Kept", "evaluate", "explain", "hazard", "learn", "load",
    "model_as_of", "next_products", "surprise", "table", "vectors",
]  # fmt: skip
