"""How large the behaviour model is: one setting, from a laptop's minute to a cluster's day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from regulars.errors import ConfigError

SizeName = Literal["tiny", "small", "base", "large"]


@dataclass(frozen=True)
class Size:
    """Measures of the transformer.

    Attributes
    ----------
    dimensions : of a token, of the state, and so of a customer's vector.
    layers, heads : of the transformer.
    context : so many events back each event looks, in each layer; also the length of a row in training.
    """

    dimensions: int
    layers: int
    heads: int
    context: int


SIZES: dict[str, Size] = {
    "tiny": Size(dimensions=64, layers=1, heads=4, context=64),
    "small": Size(dimensions=128, layers=1, heads=4, context=64),
    "base": Size(dimensions=256, layers=6, heads=8, context=256),
    "large": Size(dimensions=1024, layers=12, heads=16, context=512),
}


@dataclass(frozen=True)
class Settings:
    """How to make and train a model.

    Attributes
    ----------
    size : of the transformer.
    epochs : at most so many times over the log; training ends earlier when it no longer helps.
    patience : after so many epochs without a better validation it ends.
    dropout : share of the activations that are left out in training, [0, 1).
    learning_rate : of Adam at its peak; it rises over the first steps and falls to 0 by a cosine.
    batch_tokens : tokens of one step.
    negatives : products drawn to stand against the one that came, shared by all tokens of a
        step; all there are, where those are fewer (full softmax).
    seed : of all that is drawn.
    """

    size: Size
    epochs: int = 20
    patience: int = 3
    dropout: float = 0.2
    learning_rate: float = 2e-3
    batch_tokens: int = 1152
    negatives: int = 2048
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As values that JSON can hold."""
        return {**self.__dict__, "size": dict(self.size.__dict__)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Settings:
        """From what `to_dict` gave."""
        return cls(**{**saved, "size": Size(**saved["size"])})


def size_named(name: str) -> Size:
    """A size by its name.

    Raises
    ------
    ConfigError
        If there is none of that name; those that there are are listed.
    """
    if name not in SIZES:
        raise ConfigError(f'There is no size "{name}" of the behaviour model. There are: {", ".join(SIZES)}.')
    return SIZES[name]
