"""How well did support do? Figures of its conversations, whole and by what was wanted, from the log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from regulars.evaluation import wilson_interval
from regulars.support.describe import WITH_A_PERSON
from regulars.support.record import ANSWERED, ASKED, RATED

if TYPE_CHECKING:
    from regulars.shop import Shop

AGAIN_DAYS = 7
"""Who asks again within so many days was not helped the first time."""
ALL = "all"
OTHER = "other"


class Share(NamedTuple):
    """A share of conversations, with its interval at 95 %; 0 to 1 where there are none."""

    value: float
    low: float
    high: float
    of: int


class Quality(NamedTuple):
    """Figures of conversations that began in a period.

    Attributes
    ----------
    intent : of which; "all", or "other" where it was not known what was wanted.
    conversations : how many.
    containment : share without a person.
    resolution : share that was contained, answered or done, after which the customer did not ask again within a week.
    grounded : share of the answers that cite a text or an order.
    first_contact : share after which the customer did not ask again within a week, whoever answered.
    answer_seconds : from the first question to its answer, the median.
    minutes : from the first question to the last answer, the median.
    satisfaction : mean of 1 to 5, None where nobody said; `rated` is how many did.
    """

    intent: str
    conversations: int
    containment: Share
    resolution: Share
    grounded: Share
    first_contact: Share
    answer_seconds: float | None
    minutes: float | None
    satisfaction: float | None
    rated: int


def quality(shop: Shop, as_of: datetime, days: int = 30) -> list[Quality]:
    """Figures of the conversations that began in some days before a moment; all of them first, then by intent.

    Whether a customer asked again is known a week later: of conversations younger than that at the moment, those
    shares say nothing, and they are left out of them.
    """
    talks = _conversations(shop, as_of, days)
    intents = talks["intent"].value_counts().to_pylist() if talks.num_rows else []
    names = [one["values"] for one in sorted(intents, key=lambda one: (-one["counts"], one["values"]))]
    return [_figures(ALL, talks), *(_figures(name, talks.filter(pc.equal(talks["intent"], name))) for name in names)]


def _conversations(shop: Shop, as_of: datetime, days: int) -> pa.Table:
    """One row for each conversation that began in the period, with what came of it."""
    events = shop.events
    events = events.filter(events.type.isin((ASKED, ANSWERED, RATED)), events.time < ibis.literal(as_of))
    rows = shop.identities.named(events, as_of)
    said: Any = rows.properties.cast("json")
    is_answer = rows.type == ANSWERED
    rows = rows.mutate(
        session=ibis.coalesce(rows.session_id, rows.event_id),
        is_by_ai=is_answer & (said["made_by"].str == "ai").fill_null(False),
        is_handed=is_answer & rows.outcome.isin(WITH_A_PERSON).fill_null(False),
        is_helped=is_answer
        & (
            rows.outcome.isin(("answer", "done")).fill_null(False)
            # Of two things the first may be done, and the second waits for its yes.
            | (said["done"].cast("string").fill_null("[]") != "[]")
        ),
        is_grounded=said["citations"].cast("string").fill_null("[]") != "[]",
        wanted=said["intent"].str,
        stars=rows.outcome.try_cast("float64"),
    )
    is_answer, told = rows.type == ANSWERED, rows.outcome == "answer"
    talks = rows.group_by("session").agg(
        customer_id=rows.customer_id.max(),
        began=rows.time.min(where=rows.type == ASKED),
        first=rows.time.min(where=is_answer),
        last=rows.time.max(where=is_answer),
        by_people=rows.line.count(where=is_answer & ~rows.is_by_ai),
        handed=rows.line.count(where=rows.is_handed),
        helped=rows.line.count(where=rows.is_helped),
        answers=rows.line.count(where=is_answer & told),
        grounded=rows.line.count(where=is_answer & told & rows.is_grounded),
        intent=rows.wanted.argmin(rows.time, where=rows.wanted.notnull()).fill_null(OTHER),
        stars=rows.stars.argmax(rows.time, where=(rows.type == RATED) & rows.stars.between(1, 5)),
    )
    talks = talks.filter(talks.began.notnull())
    order = ibis.window(group_by=talks.customer_id, order_by=talks.began)
    talks = talks.mutate(next=talks.began.lead().over(order))
    week = ibis.interval(days=AGAIN_DAYS)
    talks = talks.mutate(
        is_again=talks.next.notnull() & talks.customer_id.notnull() & (talks.next <= talks.began + week),
        is_known=talks.customer_id.notnull() & (talks.began + week <= ibis.literal(as_of)),
        is_contained=(talks.handed == 0) & (talks.by_people == 0),
        answer_seconds=_seconds(talks.began, talks.first),
        minutes=_seconds(talks.began, talks.last) / 60,
    )
    in_period = talks.began >= ibis.literal(as_of - timedelta(days=days))
    return shop.engine.to_arrow(talks.filter(in_period).order_by("began", "session"))


def _seconds(start: Any, end: Any) -> Any:
    return (end.cast("timestamp").epoch_seconds() - start.cast("timestamp").epoch_seconds()).cast("float64")


def _figures(intent: str, talks: pa.Table) -> Quality:
    known = talks.filter(talks["is_known"])
    helped = pc.and_(pc.and_(known["is_contained"], pc.greater(known["helped"], 0)), pc.invert(known["is_again"]))
    rated = talks["stars"].drop_null()
    return Quality(
        intent,
        talks.num_rows,
        _share(pc.sum(talks["is_contained"]).as_py(), talks.num_rows),
        _share(pc.sum(helped).as_py(), known.num_rows),
        _share(pc.sum(talks["grounded"]).as_py(), pc.sum(talks["answers"]).as_py()),
        _share(pc.sum(pc.invert(known["is_again"])).as_py(), known.num_rows),
        _median(talks["answer_seconds"]),
        _median(talks["minutes"]),
        pc.mean(rated).as_py(),
        len(rated),
    )


def _share(hits: int | None, of: int | None) -> Share:
    if not of:
        return Share(0.0, 0.0, 1.0, 0)
    low, high = wilson_interval([hits or 0], [of])
    return Share((hits or 0) / of, float(low[0]), float(high[0]), of)


def _median(values: pa.ChunkedArray) -> float | None:
    found: float | None = pc.quantile(values, 0.5)[0].as_py() if len(values.drop_null()) else None
    return found
