"""Language: the meaning of texts as vectors, English, Chinese and fourteen other languages in one space."""

from regulars.language.embedding import DIMENSIONS, embed

__all__ = ["DIMENSIONS", "embed"]
