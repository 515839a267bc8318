"""Language: texts as vectors, search over them, and a language model where the shop has connected one.

Every capability works without a model: whoever asks one catches `LanguageError`, and answers by templates and search.
"""

from regulars.language.connect import connect, is_connected
from regulars.language.embedding import DIMENSIONS, embed
from regulars.language.errors import AnswerError, DownError, LanguageError, NoModelError, NotSentError
from regulars.language.model import Answer, Asked, LanguageModel, Limits, Part, Tool
from regulars.language.pseudonyms import Pseudonyms

__all__ = [
    "DIMENSIONS",
    "Answer",
    "AnswerError",
    "Asked",
    "DownError",
    "LanguageError",
    "LanguageModel",
    "Limits",
    "NoModelError",
    "NotSentError",
    "Part",
    "Pseudonyms",
    "Tool",
    "connect",
    "embed",
    "is_connected",
]
