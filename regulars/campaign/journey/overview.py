"""Every journey that a shop has or had, and how it stands."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from regulars.campaign.journey.running import status
from regulars.campaign.journey.saved import Journeys
from regulars.errors import RegularsError

if TYPE_CHECKING:
    from regulars.shop import Shop


class Listed(NamedTuple):
    """A journey.

    Attributes
    ----------
    is_own : whether the shop has a file of its own.
    state : open: customers enter; stopped: they did.
    version : that they enter, of one that was started. inside, done : customers now, and those who have left.
    note : what it is for; what is wrong with its file where it cannot be read.
    """

    name: str
    is_own: bool
    state: Literal["not started", "open", "stopped"]
    version: int | None
    inside: int
    done: int
    started_at: datetime | None
    note: str


def overview(shop: Shop) -> list[Listed]:
    """The journeys there are, the shop's own and ready ones, and those that were started; by name."""
    kept, started = Journeys(shop), {each.name: each for each in status(shop)}
    found = []
    for name in sorted({*kept.names(), *started}):
        try:
            note = kept.get(name).note
        except RegularsError as error:
            note = str(error)
        if name in started:
            one = started[name]
            state: Literal["open", "stopped"] = "open" if one.is_open else "stopped"
            about = (state, one.version, one.inside, one.done, one.started_at)
            found.append(Listed(name, kept.is_own(name), *about, note))
        else:
            found.append(Listed(name, kept.is_own(name), "not started", None, 0, 0, None, note))
    return found
