"""A place in the words of a rule: what stands there, what was expected, and what would fit at the end."""

from __future__ import annotations

from regulars.rules.errors import RuleError
from regulars.rules.lexer import Token, tokens
from regulars.rules.offers import Offer, offers
from regulars.rules.tree import Kind, Node


class Reader:
    """Goes through the words of a rule, one after another.

    Attributes
    ----------
    offers : what could stand at the end of the text, if it was read as far as there.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(tokens(text))
        self.place = 0
        self.offers: list[Offer] = []

    @property
    def next(self) -> Token:
        """The word that stands next."""
        return self.tokens[self.place]

    @property
    def after_next(self) -> Token:
        """The word after that one."""
        return self.tokens[min(self.place + 1, len(self.tokens) - 1)]

    def taken(self, *values: str) -> Token | None:
        """The next word, if it is a word or a sign of those."""
        return self._taken(values, ("word", "sign"))

    def taken_name(self, *values: str) -> Token | None:
        """The next word, if it is one of those, which mean something only where they stand."""
        return self._taken(values, ("name",))

    def _taken(self, values: tuple[str, ...], sorts: tuple[str, ...]) -> Token | None:
        token = self.next
        if token.sort in sorts and token.value.lower() in values and not token.is_quoted:
            self.place += 1
            return token
        return None

    def needed(self, value: str) -> Token:
        """The next word, which must be that one."""
        self.offer("operator", value)
        token = self.taken(value)
        if token is None:
            raise self.wrong(self.next.at, f'"{value}" is expected, found {self.shown()}')
        return token

    def shown(self) -> str:
        """The next word, for a message."""
        return "the end" if self.next.sort == "end" else f'"{self.next.value}"'

    def wrong(self, at: int, problem: str) -> RuleError:
        """What is wrong with the rule, at a place."""
        return RuleError(self.text, at, problem)

    def wanted(self, node: Node, kind: Kind, who: str) -> Node:
        """A part of the rule, which must be of a kind."""
        if node.kind is not kind:
            raise self.wrong(node.at, f"{who} needs {a(kind)}, and this is {a(node.kind)}")
        return node

    def offer(self, sort: str, *texts: str) -> None:
        """Say what could stand here, if this is the end."""
        if self.next.sort == "end":
            self.offers += [offer for offer in offers(sort, *texts) if offer not in self.offers]


def a(kind: Kind) -> str:
    """A kind, as a message says it."""
    return kind.value if kind is Kind.TRUTH else f"a {kind.value}"
