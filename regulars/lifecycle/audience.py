"""What journeys speak of, from segments: what stands over both may ask both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from regulars.segment.rule import Segments, Words, members

if TYPE_CHECKING:
    from regulars.rules import Vocabulary
    from regulars.shop import Shop


class SegmentAudience:
    """The rules and segments of a shop, as `regulars.campaign.journey.Audience`.

    Parameters
    ----------
    moment : what rules may speak of is that of this moment.
    """

    def __init__(self, shop: Shop, moment: datetime) -> None:
        self._shop, self._moment = shop, moment

    @cached_property
    def _words(self) -> Words:
        return Words.of(self._shop, self._moment)

    @property
    def vocabulary(self) -> Vocabulary:
        """What a rule may speak of."""
        return self._words.vocabulary

    @cached_property
    def segments(self) -> Mapping[str, str]:
        """The rules of the segments there are, by name."""
        return Segments(self._shop).rules()

    def members(self, rule: str, as_of: datetime) -> Any:
        """Who is meant by a rule as of a moment; who forbade profiling is not."""
        return members(self._shop, rule, as_of, words=self._words).table["customer_id"].combine_chunks()
