"""From the words of a rule to its tree, every part with its kind.

rule       = both ("or" both)*
both       = one ("and" one)*
one        = "not" one | test
test       = sum [("=" | "!=" | "<" | "<=" | ">" | ">=") sum
                 | ["not"] "in" "(" literal ("," literal)* ")"
                 | ["not"] "between" sum "and" sum
                 | ["not"] ("contains" | "starts" "with") sum
                 | "is" ["not"] "null"]
sum        = product (("+" | "-") product)*
product    = factor (("*" | "/") factor)*
factor     = "-" factor | "(" rule ")" | number | text | "true" | "false" | column
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from regulars.rules.errors import RuleError
from regulars.rules.lexer import Token, tokens
from regulars.rules.tree import Binary, In, IsNull, Kind, Literal, Name, Negative, Node, Not

COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
DEEPEST = 100
"""Parts within parts; a rule of people has a few."""


def parse(text: str, columns: Mapping[str, Kind]) -> Node:
    """The tree of a rule.

    Parameters
    ----------
    columns : the names that a rule may use, and the kind of their values.

    Raises
    ------
    RuleError
        Naming the place and what is wrong there; of an unknown name, those that there are.
    """
    parser = _Parser(text, columns)
    found = parser.rule()
    parser.end()
    return parser.wanted(found, Kind.TRUTH, "a rule")


class _Parser:
    def __init__(self, text: str, columns: Mapping[str, Kind]) -> None:
        self.text, self.columns = text, columns
        self.tokens = list(tokens(text))
        self.place = 0
        self.depth = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def taken(self, *values: str) -> Token | None:
        """The next token, if it is a word or a sign of those."""
        token = self.next
        if token.sort in ("word", "sign") and token.value in values:
            self.place += 1
            return token
        return None

    def needed(self, value: str) -> Token:
        token = self.taken(value)
        if token is None:
            raise self.wrong(self.next.at, f'"{value}" is expected, found {self.shown()}')
        return token

    def end(self) -> None:
        if self.next.sort != "end":
            raise self.wrong(self.next.at, f'"and", "or" or the end is expected, found {self.shown()}')

    def shown(self) -> str:
        return "the end" if self.next.sort == "end" else f'"{self.next.value}"'

    def wrong(self, at: int, problem: str) -> RuleError:
        return RuleError(self.text, at, problem)

    def wanted(self, node: Node, kind: Kind, who: str) -> Node:
        if node.kind is not kind:
            raise self.wrong(node.at, f"{who} needs {_a(kind)}, and this is {_a(node.kind)}")
        return node

    def rule(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(self.next.at, f"more than {DEEPEST} parts within each other")
        found = self.both()
        while word := self.taken("or"):
            found = self.joined(word, found, self.both())
        self.depth -= 1
        return found

    def both(self) -> Node:
        found = self.one()
        while word := self.taken("and"):
            found = self.joined(word, found, self.one())
        return found

    def joined(self, word: Token, left: Node, right: Node) -> Node:
        for side in (left, right):
            self.wanted(side, Kind.TRUTH, f'"{word.value}"')
        return Binary(left.at, Kind.TRUTH, word.value, left, right)

    def one(self) -> Node:
        words = []
        while word := self.taken("not"):
            words.append(word)
        found = self.test()
        for word in reversed(words):
            found = Not(word.at, Kind.TRUTH, self.wanted(found, Kind.TRUTH, '"not"'))
        return found

    def test(self) -> Node:
        left = self.sum()
        if sign := self.taken(*COMPARISONS):
            return self.compared(sign.value, left, self.sum())
        if self.taken("is"):
            is_not = self.taken("not")
            self.needed("null")
            found: Node = IsNull(left.at, Kind.TRUTH, left)
            return Not(left.at, Kind.TRUTH, found) if is_not else found
        is_not = self.taken("not")
        if word := self.taken("in"):
            found = self.listed(word, left)
        elif self.taken("between"):
            low = self.sum()
            self.needed("and")
            above, below = self.compared(">=", left, low), self.compared("<=", left, self.sum())
            found = Binary(left.at, Kind.TRUTH, "and", above, below)
        elif self.taken("contains"):
            if left.kind not in (Kind.TEXT, Kind.LIST):
                raise self.wrong(left.at, f'"contains" needs a text or a list of texts, and this is {_a(left.kind)}')
            found = Binary(left.at, Kind.TRUTH, "contains", left, self.a_text('"contains"'))
        elif self.taken("starts"):
            self.needed("with")
            self.wanted(left, Kind.TEXT, '"starts with"')
            found = Binary(left.at, Kind.TRUTH, "starts with", left, self.a_text('"starts with"'))
        elif is_not:
            raise self.wrong(self.next.at, f'"in", "between", "contains" or "starts" is expected, found {self.shown()}')
        else:
            return left
        return Not(left.at, Kind.TRUTH, found) if is_not else found

    def a_text(self, who: str) -> Node:
        return self.wanted(self.sum(), Kind.TEXT, who)

    def compared(self, sign: str, left: Node, right: Node) -> Node:
        left, right = self.as_time(left, right), self.as_time(right, left)
        if Kind.LIST in (left.kind, right.kind):
            raise self.wrong(left.at, "a list of texts is asked by \"contains\", e.g. interests contains 'tea'")
        if left.kind is not right.kind:
            raise self.wrong(right.at, f"{_a(left.kind)} is compared with {_a(right.kind)}")
        if left.kind is Kind.TRUTH and sign not in ("=", "!="):
            raise self.wrong(
                left.at, f'what is true or false has no order; "{sign}" is asked of numbers, texts and times'
            )
        return Binary(left.at, Kind.TRUTH, sign, left, right)

    def as_time(self, node: Node, other: Node) -> Node:
        """A text beside a time is a time."""
        if other.kind is Kind.TIME and isinstance(node, Literal) and isinstance(node.value, str):
            try:
                moment = datetime.fromisoformat(node.value)
            except ValueError:
                raise self.wrong(
                    node.at, f"'{node.value}' is no time; write it as '2024-05-01' or '2024-05-01T18:00'"
                ) from None
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
            return replace(node, kind=Kind.TIME, value=moment)
        return node

    def listed(self, word: Token, left: Node) -> Node:
        if left.kind not in (Kind.NUMBER, Kind.TEXT, Kind.TIME):
            raise self.wrong(left.at, f'"in" needs a number, a text or a time, and this is {_a(left.kind)}')
        self.needed("(")
        values = []
        while True:
            value = self.factor()
            if isinstance(value, Negative) and isinstance(value.of, Literal) and isinstance(value.of.value, float):
                value = Literal(value.at, Kind.NUMBER, -value.of.value)
            value = self.as_time(value, left)
            if not isinstance(value, Literal) or isinstance(value.value, bool):
                raise self.wrong(value.at, "a list holds numbers or texts only")
            values.append(self.wanted(value, left.kind, "this list"))
            if not self.taken(","):
                break
        self.needed(")")
        return In(left.at, Kind.TRUTH, left, tuple(each.value for each in values if isinstance(each, Literal)))

    def sum(self) -> Node:
        found = self.product()
        while sign := self.taken("+", "-"):
            found = self.reckoned(sign, found, self.product())
        return found

    def product(self) -> Node:
        found = self.factor()
        while sign := self.taken("*", "/"):
            found = self.reckoned(sign, found, self.factor())
        return found

    def reckoned(self, sign: Token, left: Node, right: Node) -> Node:
        for side in (left, right):
            self.wanted(side, Kind.NUMBER, f'"{sign.value}"')
        return Binary(left.at, Kind.NUMBER, sign.value, left, right)

    def factor(self) -> Node:
        signs = []
        while sign := self.taken("-"):
            signs.append(sign)
        found = self.primary()
        for sign in reversed(signs):
            found = Negative(sign.at, Kind.NUMBER, self.wanted(found, Kind.NUMBER, '"-"'))
        return found

    def primary(self) -> Node:
        token = self.next
        if self.taken("("):
            found = self.rule()
            self.needed(")")
            return found
        if word := self.taken("true", "false"):
            return Literal(word.at, Kind.TRUTH, word.value == "true")
        if token.sort not in ("number", "text", "name"):
            raise self.wrong(token.at, f"a column, a number or a text is expected, found {self.shown()}")
        self.place += 1
        if token.sort == "number":
            return Literal(token.at, Kind.NUMBER, float(token.value))
        if token.sort == "text":
            return Literal(token.at, Kind.TEXT, token.value)
        return Name(token.at, self.kind_of(token), token.value)

    def kind_of(self, token: Token) -> Kind:
        if token.value not in self.columns:
            near = difflib.get_close_matches(token.value, self.columns, n=1)
            meant = f' Did you mean "{near[0]}"?' if near else ""
            there_are = ", ".join(sorted(self.columns)) or "none"
            raise self.wrong(token.at, f'there is no column "{token.value}".{meant} There are: {there_are}')
        return self.columns[token.value]


def _a(kind: Kind) -> str:
    return kind.value if kind is Kind.TRUTH else f"a {kind.value}"
