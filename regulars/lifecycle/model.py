"""What was learned of customers' lives: stages, and what actions bring over the remaining life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regulars.lifecycle.longrun import LongRun
from regulars.lifecycle.stages import StageModel

if TYPE_CHECKING:
    from regulars.shop import Shop

NAME = "lifecycle"
SLASH = "__"
"""In place of the folders of its files: a version of a model is one folder."""
OF_LONG_RUN = "long_run__"


@dataclass(frozen=True)
class LifecycleModel:
    """Stages of life, and what lots taught of the long run; None before there are enough."""

    stages: StageModel
    long_run: LongRun | None

    def to_files(self) -> dict[str, bytes]:
        """JSON, LightGBM's text, safetensors."""
        files = {} if self.long_run is None else self.long_run.to_files()
        return self.stages.to_files() | {OF_LONG_RUN + name.replace("/", SLASH): data for name, data in files.items()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> LifecycleModel:
        """From what `to_files` gave."""
        own = {
            name.removeprefix(OF_LONG_RUN).replace(SLASH, "/"): data
            for name, data in files.items()
            if name.startswith(OF_LONG_RUN)
        }
        return cls(StageModel.from_files(files), LongRun.from_files(own) if own else None)


def in_use(shop: Shop) -> LifecycleModel:
    """The model in use; NotFoundError, saying what to do, if there is none."""
    kept = shop.models.in_use(NAME)
    return LifecycleModel.from_files({name: kept.read(name) for name in kept.card["files"] if name != "report.html"})
