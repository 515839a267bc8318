"""From the words of a rule to its tree, every part with its kind.

rule       = both ("or" both)*
both       = one ("and" one)*
one        = "not" one | test
test       = sum [("=" | "!=" | "<" | "<=" | ">" | ">=") sum [window]
                 | ["not"] "in" ("(" literal ("," literal)* ")" [window] | column)
                 | ["not"] "between" sum "and" sum [window]
                 | ["not"] ("contains" | "starts" "with") sum
                 | ["not"] window
                 | "is" ["not"] "null"]
sum        = product (("+" | "-") product)*
product    = factor (("*" | "/") factor)*
factor     = "-" factor | "(" rule ")" | number [unit] | text | "true" | "false" | column | happened
           | "in" "segment" text
happened and window: see `happenings`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice

from regulars.rules import happenings
from regulars.rules.comparisons import as_time, compared
from regulars.rules.durations import COUNTED, LONGEST, WORDS, duration
from regulars.rules.errors import CircleError, RuleError
from regulars.rules.lexer import Token
from regulars.rules.reader import Reader, a
from regulars.rules.tree import (
    Binary,
    In,
    InSegment,
    IsNull,
    Kind,
    Literal,
    Name,
    Negative,
    Node,
    Not,
    parts,
)
from regulars.rules.vocabulary import Vocabulary, instead

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
FITTING: dict[Kind, tuple[str, ...]] = {
    Kind.NUMBER: (*COMPARISONS, "between", "in (", "+", "-", "*", "/"),
    Kind.TEXT: (*COMPARISONS[:2], "in (", "contains", "starts with"),
    Kind.TRUTH: (),
    Kind.TIME: (*COMPARISONS[2:], *happenings.WHEN),
    Kind.LIST: ("contains", *COMPARISONS[2:]),
    Kind.DURATION: (),
}
"""What can be asked of a value of each kind."""
DEEPEST = 100
"""Parts within parts; a rule of people has a few."""
MOST_NESTED = 20
"""Segments within segments."""
MOST_PARTS = 5_000
"""Of a segment with those that it is made of: each may name another twice, and so on."""


def parse(text: str, vocabulary: Vocabulary, path: tuple[str, ...] = ()) -> Node:
    """The tree of a rule.

    Parameters
    ----------
    path : the segments that this rule is of, the outermost first: it may ask for none of them.

    Raises
    ------
    RuleError
        Naming the place and what is wrong there; of an unknown name, those that there are.
    """
    return Parser(text, vocabulary, path).whole()


class Parser(Reader):
    """Reads one rule; see the grammar above."""

    def __init__(self, text: str, vocabulary: Vocabulary, path: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.vocabulary = vocabulary
        self.path = path
        self.depth = 0
        self.is_of_event = False
        # What a value is compared with: says which values fit there.
        self.beside: Node | None = None

    def whole(self) -> Node:
        """The tree of all of the text."""
        found = self.rule()
        if self.next.sort != "end":
            hint = ""
            if self.next.sort == "name" and self.next.value.lower() in happenings.WHEN:
                hint = f'; "{self.next.value.lower()}" says when events came, and stands behind one'
            raise self.wrong(self.next.at, f'"and", "or" or the end is expected, found {self.shown()}{hint}')
        return self.wanted(found, Kind.TRUTH, "a rule")

    def rule(self) -> Node:
        """Truth values with "or" between them."""
        self.depth += 1
        self.beside = None
        if self.depth > DEEPEST:
            raise self.wrong(self.next.at, f"more than {DEEPEST} parts within each other")
        found = self.both()
        while word := self.taken("or"):
            found = self.joined(word, found, self.both())
        self.depth -= 1
        return found

    def both(self) -> Node:
        """Truth values with "and" between them."""
        found = self.one()
        self._offer_joins(found)
        while word := self.taken("and"):
            found = self.joined(word, found, self.one())
            self._offer_joins(found)
        return found

    def _offer_joins(self, found: Node) -> None:
        if found.kind is Kind.TRUTH:
            self.offer("operator", "and", "or")

    def joined(self, word: Token, left: Node, right: Node) -> Node:
        """Two truth values and what is between them."""
        for side in (left, right):
            self.wanted(side, Kind.TRUTH, f'"{word.value}"')
        return Binary(left.at, Kind.TRUTH, word.value, left, right)

    def one(self) -> Node:
        """A truth value, or what is not true."""
        words = []
        self.beside = None
        self.offer("operator", "not")
        while word := self.taken("not"):
            words.append(word)
            self.offer("operator", "not")
        found = self.test()
        for word in reversed(words):
            found = Not(word.at, Kind.TRUTH, self.wanted(found, Kind.TRUTH, '"not"'))
        return found

    def test(self) -> Node:
        """A value, or what is asked of one."""
        left = self.beside = self.sum()
        self._offer_tests(left)
        if sign := self.taken(*COMPARISONS):
            return happenings.timed(self, compared(self, sign.value, left, self.sum()))
        if self.taken("is"):
            self.offer("operator", "null", "not null")
            is_not = self.taken("not")
            self.needed("null")
            if left.kind is Kind.DURATION:
                raise self.wrong(left.at, "a duration is always known")
            found: Node = IsNull(left.at, Kind.TRUTH, left)
            return Not(left.at, Kind.TRUTH, found) if is_not else found
        is_not = self.taken("not")
        if word := self.taken("in"):
            found = self.among(word, left)
        elif self.taken("between"):
            low = self.sum()
            self.needed("and")
            above, below = compared(self, ">=", left, low), compared(self, "<=", left, self.sum())
            found = happenings.timed(self, Binary(left.at, Kind.TRUTH, "and", above, below))
        elif self.taken("contains"):
            if left.kind not in (Kind.TEXT, Kind.LIST):
                raise self.wrong(left.at, f'"contains" needs a text or a list of texts, and this is {a(left.kind)}')
            found = Binary(left.at, Kind.TRUTH, "contains", left, self.a_text('"contains"'))
        elif self.taken("starts"):
            self.needed("with")
            self.wanted(left, Kind.TEXT, '"starts with"')
            found = Binary(left.at, Kind.TRUTH, "starts with", left, self.a_text('"starts with"'))
        elif left.kind is Kind.TIME and (window := happenings.window(self)):
            found = happenings.within(left, window)
        elif is_not:
            raise self.wrong(self.next.at, f'"in", "between", "contains" or "starts" is expected, found {self.shown()}')
        else:
            return left
        return Not(left.at, Kind.TRUTH, found) if is_not else found

    def _offer_tests(self, left: Node) -> None:
        if self.next.sort != "end":
            return
        self.offer("operator", *FITTING[left.kind])
        if isinstance(left, Name):
            self.offer("operator", "is null", "is not null")
        if isinstance(left, Literal) and left.kind is Kind.TEXT:
            self.offer("operator", *(f"in {name}" for name in self._lists()))

    def _lists(self) -> list[str]:
        return [name for name, column in self.vocabulary.columns.items() if column.kind is Kind.LIST]

    def a_text(self, who: str) -> Node:
        """A value that is a text."""
        return self.wanted(self.sum(), Kind.TEXT, who)

    def among(self, word: Token, left: Node) -> Node:
        """What stands behind "in": values in parentheses, or a column that is a list."""
        self.offer("operator", "(")
        if left.kind is Kind.TEXT and self.next.sort == "end":
            self.offer("column", *self._lists())
        if self.next.sort != "name":
            return happenings.timed(self, self.listed(word, left))
        self.wanted(left, Kind.TEXT, '"in" with a column that is a list')
        column = self.wanted(self.column(), Kind.LIST, '"in" without parentheses')
        return Binary(left.at, Kind.TRUTH, "contains", column, left)

    def listed(self, word: Token, left: Node) -> Node:
        """Values in parentheses."""
        if left.kind not in (Kind.NUMBER, Kind.TEXT, Kind.TIME):
            raise self.wrong(left.at, f'"in" needs a number, a text or a time, and this is {a(left.kind)}')
        self.needed("(")
        values: list[float | str | datetime] = []
        while True:
            value = self.factor()
            if isinstance(value, Negative) and isinstance(value.of, Literal) and isinstance(value.of.value, float):
                value = Literal(value.at, Kind.NUMBER, -value.of.value)
            value = as_time(self, value, left)
            if not isinstance(value, Literal) or isinstance(value.value, bool | timedelta):
                raise self.wrong(value.at, "a list holds numbers or texts only")
            self.wanted(value, left.kind, "this list")
            values.append(value.value)
            self.offer("operator", ",")
            if not self.taken(","):
                break
        self.needed(")")
        return In(left.at, Kind.TRUTH, left, tuple(values))

    def sum(self) -> Node:
        """Values with + and - between them."""
        found = self.product()
        while sign := self.taken("+", "-"):
            found = self.reckoned(sign, found, self.product())
        return found

    def product(self) -> Node:
        """Values with * and / between them."""
        found = self.factor()
        while sign := self.taken("*", "/"):
            found = self.reckoned(sign, found, self.factor())
        return found

    def reckoned(self, sign: Token, left: Node, right: Node) -> Node:
        """Two numbers and the sign between them."""
        for side in (left, right):
            self.wanted(side, Kind.NUMBER, f'"{sign.value}"')
        return Binary(left.at, Kind.NUMBER, sign.value, left, right)

    def factor(self) -> Node:
        """One value, or minus one."""
        signs = []
        while sign := self.taken("-"):
            signs.append(sign)
        found = self.primary()
        for sign in reversed(signs):
            found = Negative(sign.at, Kind.NUMBER, self.wanted(found, Kind.NUMBER, '"-"'))
        return found

    def primary(self) -> Node:
        """One value."""
        self._offer_values()
        token = self.next
        if self.taken("("):
            outer = self.beside
            found = self.rule()
            self.beside = outer
            self.needed(")")
            return found
        if word := self.taken("true", "false"):
            return Literal(word.at, Kind.TRUTH, word.value == "true")
        if token.value == "in" and token.sort == "word" and self.vocabulary.events.types:
            return self.in_segment()
        if token.sort not in ("number", "text", "name"):
            raise self.wrong(token.at, f"a column, a number or a text is expected, found {self.shown()}")
        if token.sort == "name":
            return happenings.happened(self) or self.column()
        self.place += 1
        if token.sort == "number":
            return self.measured(token)
        return Literal(token.at, Kind.TEXT, token.value)

    def measured(self, token: Token) -> Node:
        """A number, or with a unit behind it a duration."""
        unit_beside = self.vocabulary.columns[self.beside.name].unit if isinstance(self.beside, Name) else ""
        if unit_beside in COUNTED:
            self.offer("duration", *(("days",) if unit_beside == "days" else ("minutes", "hours", "days")))
        if self.beside is not None and self.beside.kind is Kind.TIME:
            self.offer("duration", "hours", "days", "weeks", "months")
        unit = self.next
        if unit.sort != "name" or unit.is_quoted or unit.value.lower() not in WORDS:
            near = difflib.get_close_matches(unit.value, WORDS, 1, 0.7) if unit.sort == "name" else []
            if near and unit.value not in self.vocabulary.columns:
                raise self.wrong(unit.at, f'there is no unit "{unit.value}". Did you mean "{near[0]}"?')
            return Literal(token.at, Kind.NUMBER, float(token.value))
        self.place += 1
        if not self.vocabulary.events.types and unit_beside not in COUNTED:
            raise self.wrong(token.at, "a duration is of no use here: there is no moment that it could count from")
        found = duration(float(token.value), unit.value.lower())
        if found is None:
            raise self.wrong(token.at, f"a duration is {LONGEST.days:,} days at most")
        return Literal(token.at, Kind.DURATION, found)

    def _offer_values(self) -> None:
        if self.next.sort != "end":
            return
        kind = self.beside.kind if self.beside else None
        sort = "field" if self.is_of_event else "column"
        if isinstance(self.beside, Name) and kind in (Kind.TEXT, Kind.LIST):
            self.offer("field value" if self.is_of_event else "value", self.beside.name)
        self.offer(sort, *(name for name, column in self.vocabulary.columns.items() if kind in (None, column.kind)))
        if kind is Kind.TRUTH:
            self.offer("word", "true", "false")
        events = self.vocabulary.events
        if events.types and kind is Kind.TIME:
            self.offer("duration", *happenings.USUAL)
        if events.types and kind in (None, Kind.NUMBER):
            self.offer("function", *(f"{name}(" for name in happenings.FUNCTIONS))
        if events.types and kind is None:
            self.offer("function", "did", "in segment")
            self.offer("event", *events.words, *events.types)

    def column(self) -> Node:
        """A column, by its name."""
        token = self.next
        self.place += 1
        columns, events = self.vocabulary.columns, self.vocabulary.events
        if token.value in columns:
            return Name(token.at, columns[token.value].kind, token.value)
        if token.value in events.fields:
            raise self.wrong(
                token.at,
                f'"{token.value}" is asked of an event: did order_completed where ({token.value} …). Behind "where" '
                "stands one condition, or several in parentheses",
            )
        what, names = "column", set(columns)
        if self.is_of_event:
            what = "field of an event"
        elif events.types:
            what, names = "column or event", names | set(events.types) | set(events.words)
        raise self.wrong(token.at, f'there is no {what} "{token.value}".{instead(token.value, names)}')

    def in_segment(self) -> Node:
        """Whether the rule of a segment is true."""
        word = self.needed("in")
        self.offer("function", "segment")
        if not self.taken_name("segment"):
            raise self.wrong(self.next.at, f'"segment" is expected, found {self.shown()}')
        segments = self.vocabulary.segments
        self.offer("segment", *segments)
        token = self.next
        if token.sort not in ("text", "name"):
            raise self.wrong(token.at, f"the name of a segment in quotes is expected, found {self.shown()}")
        self.place += 1
        name = token.value
        path = (*self.path, name)
        if name in self.path:
            circle = " → ".join(path[path.index(name) :])
            raise CircleError(self.text, token.at, f"a segment cannot be made of itself: {circle}")
        if name not in segments:
            raise self.wrong(token.at, f'there is no segment "{name}".{instead(name, segments)}')
        if len(path) > MOST_NESTED:
            raise self.wrong(token.at, f"more than {MOST_NESTED} segments within each other: {' → '.join(path)}")
        try:
            found = parse(segments[name], self.vocabulary, path)
        except CircleError as error:
            raise CircleError(self.text, token.at, error.problem) from None
        except RuleError as error:
            raise self.wrong(token.at, f'the rule of segment "{name}" cannot be read: {error.problem}') from None
        if len(list(islice(parts(found), MOST_PARTS + 1))) > MOST_PARTS:
            raise self.wrong(
                token.at, f'with all segments that it is made of, "{name}" has more than {MOST_PARTS:,} parts'
            )
        return InSegment(word.at, Kind.TRUTH, name, found)

    @contextmanager
    def asking_of_event(self) -> Iterator[None]:
        """What is read inside is asked of the lines of an event, not of a customer."""
        outer, beside = self.vocabulary, self.beside
        self.vocabulary, self.is_of_event, self.beside = Vocabulary(outer.events.fields), True, None
        try:
            yield
        finally:
            self.vocabulary, self.is_of_event, self.beside = outer, False, beside
