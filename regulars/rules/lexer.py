"""From the text of a rule to its words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from regulars.rules.errors import RuleError

WORDS = frozenset(("and", "or", "not", "in", "between", "is", "null", "contains", "starts", "with", "true", "false"))
"""What has a meaning of its own; a column of such a name is written in backticks."""

_TOKEN = re.compile(
    r"""
    (?P<space>\s+ | \#[^\n]*)
  | (?P<number>(?:\d+(?:\.\d*)? | \.\d+)(?:[eE][+-]?\d+)?)
  | (?P<text>'(?:[^']|'')*' | "(?:[^"]|"")*")
  | (?P<quoted>`[^`\n]+`)
  | (?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)
  | (?P<sign><= | >= | != | <> | == | [=<>+\-*/(),])
    """,
    re.VERBOSE,
)
_SAME = {"<>": "!=", "==": "="}
PLAIN = {"“": '"', "”": '"', "‘": "'", "’": "'", "，": ",", "（": "(", "）": ")", "＞": ">", "＜": "<", "＝": "="}
"""What keyboards and programs write in place of a sign of the language."""


def is_plain(name: str) -> bool:
    """Whether a column of that name is written without backticks.

    >>> is_plain("名称"), is_plain("unit price"), is_plain("and")
    (True, False, False)
    """
    found = _TOKEN.fullmatch(name)
    return found is not None and found.lastgroup == "name" and name.lower() not in WORDS


@dataclass(frozen=True)
class Token:
    """A word of a rule.

    Attributes
    ----------
    sort : "number", "text", "name", "word" (one of `WORDS`), "sign" or "end".
    value : without quotes; words in lower case.
    at : where it begins, from 0.
    is_quoted : of a name, whether it stands in backticks: then it is a column, whatever else it could mean.
    """

    sort: str
    value: str
    at: int
    is_quoted: bool = False


def tokens(text: str) -> Iterator[Token]:
    """The words of a rule, and one at the end.

    Raises
    ------
    RuleError
        Where a letter begins no word, or a text in quotes does not end.

    >>> [token.value for token in tokens("price < 20 and title contains 'it''s'")]
    ['price', '<', '20', 'and', 'title', 'contains', "it's", '']
    """
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            if text[at] in "'\"`":
                raise RuleError(text, at, f"the text that begins here has no closing {text[at]}")
            instead = f"; write {PLAIN[text[at]]}" if text[at] in PLAIN else ""
            raise RuleError(text, at, f"{text[at]!r} has no meaning in a rule{instead}")
        sort, value = str(found.lastgroup), found.group()
        is_quoted = sort == "quoted"
        if sort == "text":
            value = value[1:-1].replace(value[0] * 2, value[0])
        elif sort == "quoted":
            sort, value = "name", value[1:-1]
        elif sort == "name" and value.lower() in WORDS:
            sort, value = "word", value.lower()
        elif sort == "sign":
            value = _SAME.get(value, value)
        if sort != "space":
            yield Token(sort, value, at, is_quoted)
        at = found.end()
    yield Token("end", "", len(text))
