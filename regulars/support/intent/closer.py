"""A closer look at questions that the first model is not sure of, by the encoder of questions and answers besides.

That encoder takes ten times as long as all the rest, so that only short questions in doubt are read by it. Where it is
not installed, or there are more questions than it is worth, the first model stays alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from scipy import sparse
from scipy.special import softmax

from regulars.language.embedding import embed
from regulars.language.retrieval import DIMENSIONS, QUESTIONS, is_installed
from regulars.support.intent.features import TOKEN, plain
from regulars.support.intent.kernel import Kernel
from regulars.support.intent.starter import starter

Floats = npt.NDArray[np.float32]

MOST = 4_000
"""Questions learned from: each takes a hundredth of a second, and of more the first model is sure of most."""
LONGEST = 24
"""Words, or Chinese signs, of a question that is looked at: each takes a millisecond."""
KEPT = Path(__file__).parent / "starter_e5.safetensors"
"""Vectors of the starter set, which take half a minute (`python -m benchmarks.support_starter` makes them anew)."""


@dataclass(frozen=True)
class Closer:
    """Intents of questions in doubt.

    Attributes
    ----------
    kernel : as of `Kernel`, of longer vectors.
    sure, scale : as of `Bars`, the first set on questions that the first model was not sure of.
    """

    kernel: Kernel
    sure: float
    scale: float

    def __call__(self, texts: Sequence[str], words: sparse.csr_matrix) -> Floats:
        """(n, k) the probability of each intent, of plain texts."""
        scores, _ = self.kernel(closely(texts), words)
        found: Floats = softmax(np.float32(self.scale) * scores, axis=1)
        return found


def is_worth(texts: Sequence[str]) -> bool:
    """Whether the encoder is there, and these plain texts are few enough to be learned from."""
    return is_installed() and len(texts) <= MOST


def is_short(text: str) -> bool:
    """Whether a plain text is of so few words that it is looked at.

    >>> is_short("我的订单什么时候发货"), is_short("please " * 30)
    (True, False)
    """
    return len(TOKEN.findall(text)) <= LONGEST


def closely(texts: Sequence[str]) -> Floats:
    """(n, 896) of plain texts: half what they mean, half what they ask."""
    known = _known()
    new = [text for text in dict.fromkeys(texts) if text not in known]
    found: Mapping[str, Floats] = known | dict(zip(new, embed(new, None, QUESTIONS), strict=True))
    asked = np.array([found[text] for text in texts], np.float32).reshape(-1, DIMENSIONS)
    made: Floats = np.hstack([embed(texts), asked]) * np.float32(np.sqrt(0.5))
    return made


def mark() -> dict[str, str]:
    """What vectors of the starter set are of: its questions and the encoder."""
    return {
        "texts": hashlib.blake2b(repr(starter()[0]).encode(), digest_size=16).hexdigest(),
        "encoder": QUESTIONS.name,
    }


@cache
def _known() -> dict[str, Floats]:
    with safe_open(KEPT, "numpy") as file:
        if file.metadata() != mark():
            return {}
        vectors = file.get_tensor("vectors").astype(np.float32)
    return dict(zip(map(plain, starter()[0]), vectors, strict=True))
