"""The fixed grammar of what can be asked: a segment's rule, or a chart in one line. Read strictly, whoever wrote it.

segment: orders >= 2 and last_order > 60 days
chart: revenue by month last 365 days where category = 'tea'
chart: pieces by product since 2024-01-01 before 2024-07-01 top 10
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from regulars.errors import InputError
from regulars.language.ask.chart import DIMENSIONS, MEASURES, Chart
from regulars.language.ask.known import FIELDS
from regulars.rules import Rule, RuleError, Vocabulary

LONGEST = 2_000

_MEASURE = "|".join(sorted(MEASURES, key=len, reverse=True))
_CHART = re.compile(
    rf"(?P<measure>{_MEASURE})(?: by (?P<by>{'|'.join(DIMENSIONS)}))?"
    r"(?: last (?P<days>\d{1,4}) days)?(?: since (?P<since>\d{4}-\d\d-\d\d))?(?: before (?P<before>\d{4}-\d\d-\d\d))?"
    r"(?: top (?P<top>\d{1,3}))?(?: where (?P<where>.+))?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Segment:
    """Customers that were asked for. `str` writes it as it is read.

    Attributes
    ----------
    rule : of whom it is true.
    """

    rule: Rule

    def __str__(self) -> str:
        return self.rule.text


def read_plan(text: str, vocabulary: Vocabulary) -> Segment | Chart:
    """A plan from its line.

    Parameters
    ----------
    vocabulary : what rules about customers may speak of.

    Raises
    ------
    InputError
        If it is none; the message says what may stand there.

    Examples
    --------
    >>> chart = read_plan("chart: revenue by month last 90 days where price > 5", Vocabulary({}))
    >>> chart.measure, chart.by, chart.days, chart.where.text
    ('revenue', 'month', 90, 'price > 5')
    >>> read_plan("chart: drop by month", Vocabulary({}))
    Traceback (most recent call last):
    regulars.errors.InputError: "drop by month" is no chart. Write MEASURE [by DIMENSION] [last N days] [since DAY] ...
    """
    kind, _, said = text[:LONGEST].partition(":")
    said = " ".join(said.split())
    if kind.strip() == "segment" and said:
        return Segment(_rule(said, vocabulary))
    if kind.strip() != "chart":
        raise InputError('A plan begins with "segment:" or "chart:".')
    found = _CHART.fullmatch(said)
    if found is None:
        raise InputError(
            f'"{said[:80]}" is no chart. Write MEASURE [by DIMENSION] [last N days] [since DAY] [before DAY] [top N] '
            f"[where RULE]. Measures: {', '.join(MEASURES)}. Dimensions: {', '.join(DIMENSIONS)}."
        )
    if found["top"] and not found["by"]:
        raise InputError('"top" is of a chart that is split by something: revenue by product top 10.')
    return Chart(
        found["measure"],
        found["by"] or "",
        _number(found["days"], "days"),
        _day(found["since"]),
        _day(found["before"]),
        _number(found["top"], "top"),
        _rule(found["where"], Vocabulary(FIELDS)) if found["where"] else None,
    )


def _rule(text: str, vocabulary: Vocabulary) -> Rule:
    try:
        return Rule.of(text, vocabulary)
    except RuleError as error:
        raise InputError(str(error)) from None


def _number(text: str | None, what: str) -> int | None:
    if text is not None and int(text) < 1:
        raise InputError(f"{what}: {text}; at least 1 is expected.")
    return None if text is None else int(text)


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text} is no day of the calendar.") from None
