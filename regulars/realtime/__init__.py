"""What does the last event change?

Each event that is acknowledged changes the answer to the next question: what the customer does now, what sessions like
this one went on to, what is wanted, what came of lists that were shown; and it may set off a trigger.
"""

from regulars.realtime import fired
from regulars.realtime.evaluate import evaluate, learn
from regulars.realtime.live import Candidate, Live, Numbered, numbered
from regulars.realtime.triggers import Fired, Trigger, Triggers

__all__ = ["Candidate", "Fired", "Live", "Numbered", "Trigger", "Triggers", "evaluate", "fired", "learn", "numbered"]
