"""Who is meant by a rule or a segment: asked of whoever stands above, for another capability knows segments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from regulars.errors import NotFoundError
from regulars.rules import Vocabulary
from regulars.rules.vocabulary import instead


class Audience(Protocol):
    """What a shop's rules speak of, and of whom they are true."""

    @property
    def vocabulary(self) -> Vocabulary:
        """What a rule may speak of; RuleError comes from reading one against it."""

    @property
    def segments(self) -> Mapping[str, str]:
        """The rules of the segments there are, by name."""

    def members(self, rule: str, as_of: datetime) -> pa.Array:
        """The ids of the customers of whom a rule is true as of a moment, each once."""


def rule_in(audience: Audience, rule: str, segment: str) -> str:
    """A rule, or that of a segment; NotFoundError if the segment is no more."""
    if rule or segment in audience.segments:
        return rule or audience.segments[segment]
    raise NotFoundError(
        f'A journey asks for the segment "{segment}", and there is none.{instead(segment, audience.segments)}. Make it '
        f"again: regulars segment add {segment!r} RULE"
    )
