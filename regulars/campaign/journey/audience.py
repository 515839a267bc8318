"""Who is meant by a rule or a segment: asked of whoever stands above, for another capability knows segments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from regulars.rules import Vocabulary


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
