"""Which of a shop's texts answer a question, in whatever words and language it is asked?"""

from regulars.language.search.index import Hit, Index, Passage

__all__ = ["Hit", "Index", "Passage"]
