"""The part of the grammar that asks what a customer's events come to, and when they came.

happened   = ["did"] event ["where" one] [window]
           | "count" "(" event ["where" rule] [window] ")" [window]
           | ("sum" | "avg" | "min" | "max") "(" (measure | sum "of" event) ["where" rule] [window] ")" [window]
window     = ("within" duration | ("since" | "before") (date | duration ["ago"]))+

A window behind a comparison counts for every event in it that has none: count(ordered) >= 2 within 90 days.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from regulars.rules.comparisons import moment
from regulars.rules.lexer import Token
from regulars.rules.tree import Ago, Binary, Happened, In, Kind, Literal, Name, Negative, Node, Window, parts
from regulars.rules.vocabulary import instead

if TYPE_CHECKING:
    from regulars.rules.parser import Parser

FUNCTIONS = ("count", "sum", "avg", "min", "max")
WHEN = ("within", "since", "before")
EXAMPLES = {
    "within": "a duration, e.g. 7 days,",
    "since": "a date or a duration, e.g. 2024-05-01 or 90 days ago,",
    "before": "a date or a duration, e.g. 2024-05-01 or 90 days ago,",
}
USUAL = ("7 days", "30 days", "90 days", "365 days")
"""Durations to offer."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?)?")


def happened(parser: Parser) -> Node | None:
    """What a customer's events come to, if the next words ask for it."""
    events, token, after = parser.vocabulary.events, parser.next, parser.after_next
    if not events.types or token.is_quoted:
        return None
    word = token.value.lower()
    is_column = token.value in parser.vocabulary.columns
    if (
        word == "did"
        and after.sort in ("name", "end")
        and (after.sort == "name" or "did" not in parser.vocabulary.columns)
    ):
        parser.place += 1
        parser.offer("event", *events.words, *events.types)
        if parser.next.sort == "end":
            raise parser.wrong(parser.next.at, "an event is expected, found the end")
        return _did(parser, token)
    if word in FUNCTIONS and after.value == "(" and after.sort == "sign":
        parser.place += 2
        return _counted(parser, token, word)
    if not is_column and events.type_of(token.value):
        return _did(parser, token)
    return None


def _did(parser: Parser, start: Token) -> Node:
    type_ = _type(parser)
    parser.offer("operator", "where", *WHEN)
    where = None
    if parser.taken_name("where"):
        with parser.asking_of_event():
            where = parser.wanted(parser.one(), Kind.TRUTH, '"where"')
        parser.offer("operator", *WHEN)
    return Happened(start.at, Kind.TRUTH, "did", type_, None, where, window(parser))


def _counted(parser: Parser, start: Token, function: str) -> Node:
    events = parser.vocabulary.events
    of: Node | None = None
    if function == "count":
        parser.offer("event", *events.words, *events.types)
        type_ = _type(parser)
    elif (measure := events.measures.get(parser.next.value)) and parser.next.sort == "name":
        field, type_ = measure
        of = Name(parser.next.at, Kind.NUMBER, field)
        parser.place += 1
    else:
        parser.offer("field", *events.measures)
        with parser.asking_of_event():
            # What is added up is a number, which says what fits.
            parser.beside = Literal(parser.next.at, Kind.NUMBER, 0.0)
            of = parser.wanted(parser.sum(), Kind.NUMBER, f'"{function}"')
        parser.offer("operator", "of")
        if not parser.taken_name("of"):
            raise parser.wrong(
                parser.next.at,
                f'"of" and an event are expected, e.g. {function}(value of order_completed), found {parser.shown()}',
            )
        parser.offer("event", *events.words, *events.types)
        type_ = _type(parser)
    parser.offer("operator", "where", *WHEN)
    where = None
    if parser.taken_name("where"):
        with parser.asking_of_event():
            where = parser.wanted(parser.rule(), Kind.TRUTH, '"where"')
    inside = window(parser)
    parser.needed(")")
    behind = window(parser)
    when = Window(inside.since + behind.since, inside.before + behind.before)
    return Happened(start.at, Kind.NUMBER, function, type_, of, where, when)


def _type(parser: Parser) -> str:
    events, token = parser.vocabulary.events, parser.next
    if token.sort != "name":
        raise parser.wrong(token.at, f"an event is expected, e.g. order_completed, found {parser.shown()}")
    found = events.type_of(token.value)
    if found is None:
        names = [*events.types, *events.words]
        raise parser.wrong(token.at, f'there is no event "{token.value}".{instead(token.value, names)}')
    parser.place += 1
    return found


def window(parser: Parser) -> Window:
    """When, as it is said next; a window that holds all of the past if nothing is said."""
    since: list[datetime | timedelta] = []
    before: list[datetime | timedelta] = []
    while word := parser.taken_name(*WHEN):
        sort = word.value.lower()
        parser.offer("duration", *USUAL)
        if sort != "within" and (date := _date(parser)):
            (since if sort == "since" else before).append(date)
            continue
        if parser.next.sort == "end":
            raise parser.wrong(parser.next.at, f'behind "{sort}" {EXAMPLES[sort]} is expected, found the end')
        outer, parser.beside = parser.beside, Ago(word.at, Kind.TIME, timedelta())
        value = parser.factor()
        parser.beside = outer
        if not isinstance(value, Literal) or not isinstance(value.value, timedelta):
            raise parser.wrong(value.at, f'behind "{sort}" {EXAMPLES[sort]} is expected')
        if sort != "within":
            parser.taken_name("ago")
        (before if sort == "before" else since).append(value.value)
    return Window(tuple(since), tuple(before))


def _date(parser: Parser) -> datetime | None:
    """A date, in quotes or bare: here it can be nothing else."""
    token = parser.next
    if token.sort == "text":
        parser.place += 1
        return moment(parser, token.value, token.at)
    found = _DATE.match(parser.text, token.at)
    if found is None:
        return None
    while parser.next.at < found.end() and parser.next.sort != "end":
        parser.place += 1
    return moment(parser, found.group(), token.at)


def within(left: Node, when: Window) -> Node:
    """Whether a time lies in a window."""

    def compared(sign: str, end: datetime | timedelta) -> Node:
        right: Node = Literal(left.at, Kind.TIME, end) if isinstance(end, datetime) else Ago(left.at, Kind.TIME, end)
        return Binary(left.at, Kind.TRUTH, sign, left, right)

    tests = [compared(">=", end) for end in when.since] + [compared("<", end) for end in when.before]
    found = tests[0]
    for test in tests[1:]:
        found = Binary(left.at, Kind.TRUTH, "and", found, test)
    return found


def timed(parser: Parser, node: Node) -> Node:
    """A comparison, the window behind it given to every event in it that has none."""
    asked = [part for part in parts(node) if isinstance(part, Happened)]
    if not asked:
        return node
    if all(part.window for part in asked):
        if parser.next.sort == "name" and parser.next.value.lower() in WHEN:
            raise parser.wrong(parser.next.at, "it is said already when the events of this comparison came")
        return node
    parser.offer("operator", *WHEN)
    when = window(parser)
    return _windowed(node, when) if when else node


def _windowed(node: Node, when: Window) -> Node:
    match node:
        case Happened(window=own):
            return node if own else replace(node, window=when)
        case Binary(left=left, right=right):
            return replace(node, left=_windowed(left, when), right=_windowed(right, when))
        case Negative(of=of) | In(of=of):
            return replace(node, of=_windowed(of, when))
    return node
