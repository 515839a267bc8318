"""Who changed what, from what to what, and when: rows are only ever added."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from regulars import clock
from regulars.console.tables import audit, prepare
from regulars.state import State


def note(state: State, who: str, what: str, about: str, before: Any = None, after: Any = None) -> None:
    """Note a change down.

    Parameters
    ----------
    who : an e-mail address.
    what : "screen.verb", such as settings.role_changed: a key of the words of the console.
    about : what was changed, by its id.
    before, after : plain values; None of what was not there.
    """
    row = {"at": clock.now(), "who": who, "what": what, "about": about, "before": before, "after": after}
    with state.write() as change:
        change.execute(sa.insert(audit).values({**row, "before": before or {}, "after": after or {}}))


def all_of(state: State) -> list[dict[str, Any]]:
    """All that was noted down, in order: `at`, `who`, `what`, `about`, `before`, `after`."""
    asked = sa.select(*(column for column in audit.c if column.name != "id")).order_by(audit.c.id)
    with prepare(state).read() as view:
        return [dict(row._mapping) for row in view.execute(asked)]
