"""What support knows of each customer, for people and for other capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from regulars.support.dialogue.intents import ANGRY_WORDS
from regulars.support.intent.message import PLEASED, UNHAPPY
from regulars.support.record import ANSWERED, ASKED, RATED

if TYPE_CHECKING:
    from regulars.shop import Shop

OPEN_DAYS = 30
"""A conversation without a word for so long is over."""
RECENT_DAYS = 90
WITH_A_PERSON = ("hand_over", "with_person")

_COLUMNS: tuple[tuple[str, pa.DataType, str, str], ...] = (
    ("open_conversations", pa.int64(), "conversations that wait for an answer or a person", "conversations"),
    ("contact_days", pa.float64(), "days since the last question", "days"),
    ("conversations_90d", pa.int64(), "conversations in the last 90 days", "conversations"),
    ("complaints_90d", pa.int64(), "angry messages in the last 90 days", "messages"),
    ("mood", pa.string(), "mood of the last message of the last 90 days, by its words", "text"),
    ("satisfaction", pa.float64(), "how satisfied when last asked, 1 to 5", "stars"),
)


def table(shop: Shop, pairs: pa.Table) -> pa.Table:
    """What is known of customers' conversations, each as of its moment.

    Parameters
    ----------
    pairs : (n,) customer_id and as_of.

    Returns
    -------
    (n,) customer_id, as_of, and: open_conversations, contact_days (null: never asked), conversations_90d,
    complaints_90d, mood (angry, unhappy, neutral, pleased; null: nothing lately), satisfaction (null: never told).
    """
    said = shop.engine.table(shop.identities.members(pairs))
    events = shop.identities.raw(shop.events)
    events = events.filter(events.type.isin((ASKED, ANSWERED, RATED))).select(
        "customer_id", "time", "type", "session_id", "text", "outcome", "event_id"
    )
    met = said.join(events, [said.customer_id == events.customer_id, events.time < said.as_of])
    rows = met.select("place", said.as_of, *(events[name] for name in events.columns if name != "customer_id"))
    rows = rows.mutate(
        days=(rows.as_of.cast("timestamp").epoch_seconds() - rows.time.cast("timestamp").epoch_seconds()) / 86_400,
        session=ibis.coalesce(rows.session_id, rows.event_id),
    )
    found = shop.engine.to_arrow(_of_customers(rows).left_join(_open(rows), "place", rname="open_{name}"))
    at = pc.index_in(pa.array(range(pairs.num_rows), pa.int64()), found["place"].combine_chunks().cast(pa.int64()))
    table_ = pairs.select(["customer_id", "as_of"])
    for name, kind, meaning, unit in _COLUMNS:
        values = found[name].combine_chunks().cast(kind).take(at)
        values = pc.fill_null(values, 0) if pa.types.is_integer(kind) else values
        table_ = table_.append_column(pa.field(name, kind, metadata={"meaning": meaning, "unit": unit}), values)
    return table_


def _of_customers(rows: ibis.Table) -> ibis.Table:
    is_asked, is_recent = rows.type == ASKED, rows.days <= RECENT_DAYS
    is_angry = is_asked & is_recent & _tells(rows.text, ANGRY_WORDS.pattern)
    told = is_asked & is_recent & rows.text.notnull()
    newest = rows.text.argmax(rows.time, where=told)
    mood = ibis.cases(
        (newest.isnull(), ibis.null("string")),
        (_tells(newest, ANGRY_WORDS.pattern), "angry"),
        (_tells(newest, UNHAPPY.pattern), "unhappy"),
        (_tells(newest, PLEASED.pattern), "pleased"),
        else_="neutral",
    )
    stars = rows.outcome.try_cast("float64")
    return rows.group_by("place").agg(
        contact_days=rows.days.min(where=is_asked).round(4),
        conversations_90d=rows.session.nunique(where=is_asked & is_recent),
        complaints_90d=rows.time.count(where=is_angry),
        mood=mood,
        satisfaction=stars.argmax(rows.time, where=(rows.type == RATED) & stars.between(1, 5)),
    )


def _open(rows: ibis.Table) -> ibis.Table:
    """Conversations whose last word is the customer's, or that a person will answer."""
    last = rows.group_by("place", "session").agg(
        asked=rows.time.max(where=rows.type == ASKED),
        answered=rows.time.max(where=rows.type == ANSWERED),
        outcome=rows.outcome.argmax(rows.time, where=rows.type == ANSWERED),
        days=rows.days.min(where=rows.type != RATED),
    )
    is_last = last.asked.notnull() & (last.answered.isnull() | (last.asked > last.answered))
    waits = is_last | last.outcome.isin(WITH_A_PERSON).fill_null(False)
    return last.group_by("place").agg(open_conversations=last.days.count(where=waits & (last.days <= OPEN_DAYS)))


def _tells(text: Any, pattern: str) -> Any:
    return text.re_search(f"(?i){pattern}").fill_null(False)
