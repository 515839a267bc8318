"""What rules of a shop may speak of, as of a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import ibis

from regulars.errors import NotEnoughError
from regulars.events.schema import TYPES
from regulars.rules import Events, Rule, Vocabulary
from regulars.segment.rule.columns import Columns
from regulars.segment.rule.events import FIELDS, MEASURES, NOT_ASKED, WORDS
from regulars.segment.rule.saved import Segments

if TYPE_CHECKING:
    from regulars.shop import Shop


@dataclass(frozen=True)
class Words:
    """What rules of a shop may speak of, as of a moment.

    Attributes
    ----------
    as_of : the moment.
    vocabulary : columns, events and segments.
    columns : those of the vocabulary, with where each comes from.
    lines : how many lines of each type of event the log has before the moment.
    """

    as_of: datetime
    vocabulary: Vocabulary
    columns: Columns
    lines: Mapping[str, int]

    @classmethod
    def of(cls, shop: Shop, as_of: datetime) -> Words:
        """Those of a shop.

        Raises
        ------
        NotEnoughError
            If the log has no event of a customer before the moment.
        """
        log = shop.events.filter(ibis._.time < ibis.literal(as_of, "timestamp('UTC')"), ibis._.type != NOT_ASKED)
        raw = shop.identities.raw(log)
        by_type = raw.group_by("type").agg(lines=raw.count(), someone=raw.customer_id.max())
        found = shop.engine.to_arrow(by_type).to_pylist()
        someone = next((row["someone"] for row in found if row["someone"] is not None), None)
        if someone is None:
            raise NotEnoughError(
                f"segment: no customer has an event before {as_of:%Y-%m-%d %H:%M}. Choose a later time, or import more."
            )
        lines = {row["type"]: row["lines"] for row in found}
        types = {name: words for name, words in TYPES.items() if name != NOT_ASKED}
        types |= {name: "an event of the shop's own" for name in sorted(lines) if name not in types}
        columns = Columns(shop, someone, as_of, {*types, *WORDS})
        vocabulary = Vocabulary(columns, Events(types, WORDS, FIELDS, MEASURES), Segments(shop).rules())
        return cls(as_of, vocabulary, columns, lines)

    def rule(self, text: str, *, name: str = "") -> Rule:
        """A rule from its text; RuleError if it cannot be read. See `Rule.of`."""
        return Rule.of(text, self.vocabulary, name=name)

    def notes(self, rule: Rule) -> list[str]:
        """What whoever asks a rule should know of the log: events that it asks for and that never came."""
        return [
            f"The log has no {name} events before {self.as_of:%Y-%m-%d}: nobody did that, as far as it tells."
            for name in sorted(rule.events)
            if not self.lines.get(name)
        ]
