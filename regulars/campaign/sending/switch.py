"""The kill switch, of one journey or of all. What is off sends nothing; what waits is kept."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from regulars import clock
from regulars.campaign.sending.tables import log, prepare, switches
from regulars.state import State

ALL = ""


class Switches(NamedTuple):
    """What is off: everything, or the journeys named."""

    is_all_off: bool
    journeys: frozenset[str]

    def is_off(self, journey: str) -> bool:
        """Whether a journey may not send now."""
        return self.is_all_off or journey in self.journeys


def turn(state: State, journey: str, *, off: bool, who: str) -> None:
    """Turn a journey ("" for all) off or on. What is being handed to a server just now can no longer be held."""
    now = clock.now()
    values = {"is_off": off, "who": who, "at": now}
    with prepare(state).write(alone="campaign switches") as change:
        done = change.execute(sa.update(switches).where(switches.c.journey == journey).values(values))
        if not done.rowcount:
            change.execute(sa.insert(switches).values(journey=journey, **values))
        line = {
            "at": now,
            "journey": journey or "(all)",
            "step": "",
            "what": "off" if off else "on",
            "reason": f"by {who}",
        }
        change.execute(sa.insert(log).values(line))


def read(view: sa.Connection) -> Switches:
    """What is off, in a change or a look that is under way."""
    off = set(view.execute(sa.select(switches.c.journey).where(switches.c.is_off)).scalars())
    return Switches(ALL in off, frozenset(off - {ALL}))


def is_off(state: State, journey: str) -> bool:
    """Whether a journey may not send now."""
    with prepare(state).read() as view:
        return read(view).is_off(journey)
