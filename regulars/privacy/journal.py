"""What is being forgotten, written down before anything is done and struck out when all is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from regulars import storage
from regulars.errors import CorruptLogError
from regulars.privacy.person import People
from regulars.seal import sealed, unsealed

JOURNAL = "erasure.json"
"""In the shop's folder. It holds what is to be erased, in the clear, until it is."""
NAMES = ("ids", "orders", "sessions", "texts")


@dataclass(frozen=True)
class Journal:
    """One work of forgetting.

    Attributes
    ----------
    kind : "erasure" of customers, or "retention".
    people : as far as they are known: more of them may be found when it goes on.
    expired : of a retention, by type of event: those before that moment (microseconds since 1970) go.
    """

    kind: str
    people: People
    expired: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Of a shop's folder; CorruptLogError if it was changed."""
        path = folder / JOURNAL
        try:
            kept = unsealed(path.read_bytes())
        except ValueError as error:
            raise CorruptLogError(
                f"{path} is damaged ({error}). Remove it, and erase the same customers again."
            ) from None
        # Version 0.1.0 wrote the numbers of both kinds as one.
        both = kept.get("links", ())
        people = People(*(frozenset(kept.get(name, both)) for name in NAMES))
        return cls(kept["kind"], people, kept["expired"])

    def write(self, folder: Path) -> None:
        """Keep it in a shop's folder."""
        kept = {"kind": self.kind, "expired": dict(self.expired)}
        kept |= {name: sorted(getattr(self.people, name)) for name in NAMES}
        storage.replace(folder / JOURNAL, sealed(json.dumps(kept)))
