"""Questions that people, or customers by their choice, have said the intent of: as of any moment, from the log."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import ibis

from regulars.support.intent import starter
from regulars.support.record import LABELLED

if TYPE_CHECKING:
    from regulars.shop import Shop

NONE = "no_intent"
"""The outcome of a question that is of no intent."""
LEAST = 2
"""An intent of fewer questions is not learned."""


class Labelled(NamedTuple):
    """Questions with their intents.

    Attributes
    ----------
    texts : (n,) each once.
    labels : (n,) its intent as it was labelled last; None for a question of no intent.
    customers : (n,) who asked; "" where that is not known.
    """

    texts: list[str]
    labels: list[str | None]
    customers: list[str]

    def with_starter(self) -> tuple[list[str], list[str | None]]:
        """Texts and labels to learn from: these beside the starter set, without intents that are too rare.

        >>> mine = Labelled(["engrave it?", "engraving?", "kayaks?"], ["engraving", "engraving", "kayaks"], [""] * 3)
        >>> texts, labels = mine.with_starter()
        >>> "engraving" in labels, "kayaks" in labels, "track_order" in labels
        (True, False, True)
        """
        texts, labels = starter()
        texts, labels = [*texts, *self.texts], [*labels, *self.labels]
        counts = {label: labels.count(label) for label in set(labels)}
        rows = [row for row, label in enumerate(labels) if label is None or counts[label] >= LEAST]
        return [texts[row] for row in rows], [labels[row] for row in rows]


def labelled(shop: Shop, before: datetime, since: datetime | None = None) -> Labelled:
    """The questions that were labelled before a moment, the first labelled first.

    Parameters
    ----------
    since : leave out what was labelled earlier than this.
    """
    events = shop.events
    rows = events.filter(
        events.type == LABELLED, events.time < ibis.literal(before), events.text.notnull(), events.outcome.notnull()
    )
    if since is not None:
        rows = rows.filter(rows.time >= ibis.literal(since))
    # What customers took for their question, where nobody of the shop has said what it is.
    is_picked = rows.event_id.startswith("support-") & (rows.session_id.fill_null("") != "")
    given = rows.filter(~is_picked)
    rows = given.union(rows.filter(is_picked).anti_join(given, "text"))
    last = rows.group_by("text").agg(
        time=rows.time.max(),
        outcome=rows.outcome.argmax(rows.time),
        customer_id=rows.customer_id.max().fill_null(""),
    )
    found = shop.engine.to_arrow(last.order_by("time", "text"))
    labels = [None if outcome == NONE else outcome for outcome in found["outcome"].to_pylist()]
    return Labelled(found["text"].to_pylist(), labels, found["customer_id"].to_pylist())
