"""What is learned beforehand: what each source of candidates counts. All else is learned as events come."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from itertools import product
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


SHARES = (0.0, 0.25, 1.0)


def tried(is_foreseen: bool = False) -> list[Blend]:
    """The blends that are tried when learning: the first is neighbours alone, and each source stands alone in one.

    Parameters
    ----------
    is_foreseen : whether there is a behaviour model; where it does not help, those without it come first.

    >>> tried()[0]
    Blend(neighbours=1.0, follows=0.0, next=0.0, foreseen=0.0, hot=0.0, steady=0.0)
    >>> len(tried()), len(tried(is_foreseen=True))
    (57, 195)
    """
    shares = product(SHARES, SHARES, SHARES, SHARES if is_foreseen else (0.0,))
    return [
        Blend(neighbours, follows, next_, foreseen, wanted, wanted)
        for neighbours, follows, next_, foreseen in sorted(shares, key=lambda each: (each[3], -each[0], each))
        if max(neighbours, follows, next_, foreseen) == 1
        for wanted in (0.0, 0.02, 0.1)
    ]
