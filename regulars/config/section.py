"""A section of shop.toml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Typed; what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
