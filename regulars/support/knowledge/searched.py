"""Texts that are searched with who asks, and when, in mind."""

from __future__ import annotations

from datetime import date
from threading import Lock
from typing import NamedTuple

import numpy as np

from regulars import clock
from regulars.language.search import Hit, Index, Passage
from regulars.support.knowledge.rank import Row, features, rows, scores
from regulars.support.knowledge.text import Text

COMPARED = 40
"""So many of the nearest are ranked, before those that are not for this customer, or not of this day, are left out."""


class Found(NamedTuple):
    """A text that may answer.

    Attributes
    ----------
    score : how well it, or a question noted beside it, answers what was asked; see `rank`.
    by_question : whether it is such a question that is nearest.
    meaning, answers : of what the score is made, what tells most of whether it is the answer.
    """

    text: Text
    score: float
    by_question: bool = False
    meaning: float = 0.0
    answers: float = 0.0


class Searched:
    """Texts, each with the questions that are noted beside it. One thread changes them at a time; any may search."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._texts: dict[str, Text] = {}
        self._rows: dict[str, Row] = {}
        self._lock = Lock()
        """What is searched does not change meanwhile."""

    def __len__(self) -> int:
        return len(self._texts)

    @property
    def texts(self) -> list[Text]:
        """All of them, by id."""
        with self._lock:
            return [self._texts[one] for one in sorted(self._texts)]

    def get(self, one: str) -> Text | None:
        """A text by its id."""
        return self._texts.get(one)

    def put(self, source: str, texts: list[Text]) -> None:
        """The texts of a file, or another source, in place of what it had."""
        old = [one for one, text in self._texts.items() if text.source == source]
        kept = {text.id for text in texts}
        noted = {f"{text.id}?{place}" for text in texts for place in range(len(text.questions))}
        gone = [one for one in old if one not in kept]
        asked = [f"{one}?{place}" for one in old for place in range(len(self._texts[one].questions))]
        gone += [one for one in asked if one not in noted]
        passages = [Passage(text.id, text.text, text.title) for text in texts]
        questions = [
            Passage(f"{text.id}?{place}", question, kind="question")
            for text in texts
            for place, question in enumerate(text.questions)
        ]
        new = [one for one in (*passages, *questions) if one.id not in self._rows or self._index.get(one.id) != one]
        # Outside the lock, for it takes its time, and who asks is answered meanwhile; first, for it may fail.
        compared, made = rows(new, self._index.cache), self._index.made([*passages, *questions])
        with self._lock:
            self._index.put(made)
            self._rows |= zip([one.id for one in new], compared, strict=True)
            self._index.remove(gone)
            for one in gone:
                del self._rows[one]
            for one in old:
                del self._texts[one]
            self._texts |= {text.id: text for text in texts}

    def look(self) -> None:
        """See whether there is something new, where it is time to; before each search."""

    def find(
        self, question: str, most: int = 5, audiences: frozenset[str] = frozenset(), on: date | None = None
    ) -> list[Found]:
        """The texts that answer a question best, the best first.

        Parameters
        ----------
        audiences : that the customer is of, besides everyone.
        on : the day, where the shop is; by default today in UTC.
        """
        self.look()
        on = on or clock.today("UTC")
        with self._lock:
            found: dict[str, Found] = {}
            hits, compared = self.candidates(question)
            if not hits:
                return []
            table = features(question, hits, compared)
            scored = scores(table)
            for place in np.argsort(-scored, kind="stable"):
                hit = hits[place]
                by_question = hit.passage.kind == "question"
                text = self._texts[hit.passage.id.rpartition("?")[0] if by_question else hit.passage.id]
                if text.id not in found and text.is_for(audiences, on):
                    meaning, answers = float(table[place, 0]), float(table[place, 3])
                    found[text.id] = Found(text, float(scored[place]), by_question, meaning, answers)
            return list(found.values())[:most]

    def candidates(self, question: str) -> tuple[list[Hit], list[Row]]:
        """What the index finds for a question, texts and questions beside them; and what is compared of each."""
        hits = self._index.find(question, COMPARED)
        return hits, [self._rows[hit.passage.id] for hit in hits]
