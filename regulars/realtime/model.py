"""What is learned beforehand: what each source of candidates counts. All else is learned as events come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from regulars.realtime.candidates import Blend

if TYPE_CHECKING:
    from regulars.models import Model

FILE = "blend.json"


@dataclass(frozen=True)
class RealtimeModel:
    """What sources count."""

    blend: Blend = field(default_factory=Blend)

    def to_files(self) -> dict[str, bytes]:
        """As files of a model."""
        return {FILE: json.dumps(asdict(self.blend), indent=1).encode()}

    @classmethod
    def of(cls, model: Model) -> RealtimeModel:
        """From what was saved."""
        return cls(Blend(**json.loads(model.read(FILE))))


def tried() -> Iterator[Blend]:
    """The blends that are tried when learning."""
    for follows in (0.0, 0.25, 0.5, 1.0, 2.0, 5.0, 20.0):
        for wanted in (0.0, 0.02, 0.1):
            yield Blend(follows, wanted, wanted)
