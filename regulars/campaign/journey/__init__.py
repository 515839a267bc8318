"""Who is led through which messages, where is each customer now, and what would a journey have done?

A journey is a file: who enters, the steps, and what ends it. It is checked before it goes live, kept in versions, and
simulated on days that have passed.
"""

from regulars.campaign.journey.audience import Audience
from regulars.campaign.journey.check import Surroundings, problems
from regulars.campaign.journey.drawing import mermaid, svg
from regulars.campaign.journey.errors import JourneyError, Problem
from regulars.campaign.journey.overview import Listed, overview
from regulars.campaign.journey.reading import read
from regulars.campaign.journey.running import (
    Ran,
    Status,
    inside,
    resume,
    run,
    start,
    startable,
    status,
    stop,
    surroundings,
    take_back,
)
from regulars.campaign.journey.saved import Journeys, ready
from regulars.campaign.journey.simulate import Simulated, simulate
from regulars.campaign.journey.step import Journey

__all__ = [
    "Audience", "Journey", "JourneyError", "Journeys", "Listed", "Problem", "Ran", "Simulated", "Status",
    "Surroundings", "inside", "mermaid", "overview", "problems", "read", "ready", "resume", "run", "simulate",
    "start", "startable", "status", "stop", "surroundings", "svg", "take_back",
]  # fmt: skip
