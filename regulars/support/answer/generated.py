"""An answer in a language model's words, of which only those sentences are said that their sources bear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regulars.language import LanguageError, LanguageModel, Part, Pseudonyms
from regulars.support.answer.claims import unsupported
from regulars.support.answer.grounded import Answered, Said, Source, renumbered

LONGEST = 600
"""Characters of a sentence."""
INSTRUCTIONS = (
    "You answer a customer of a shop. Use the numbered sources alone. Write at most four short sentences in the "
    "language {language}, each with the numbers of the sources that say it. Keep every number, day, amount and "
    "condition as the sources have it, and promise nothing else. If the sources do not answer the question, the action "
    'is "hand_over" and there are no sentences.'
)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "action": {"enum": ["answer", "hand_over"]},
        "sentences": {
            "type": "array",
            "maxItems": 6,
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string"},
                    "sources": {"type": "array", "items": {"type": "integer"}, "maxItems": 5},
                },
                "required": ["text", "sources"],
            },
        },
    },
    "required": ["action", "sentences"],
}


def generated(
    model: LanguageModel, question: str, sources: Sequence[Source], language: str, hidden: Pseudonyms | None = None
) -> Answered | None:
    """An answer by a model; None where it gives none that the sources bear, or there is no getting through.

    An answer that is not sure says that the model found nothing in the sources.

    Examples
    --------
    >>> from regulars.language.recording import Scripted
    >>> told = '{"action": "answer", "sentences": [{"text": "Within 30 days.", "sources": [1]}]}'
    >>> source = Source("returns.md", "You may return it within thirty days.")
    >>> model = LanguageModel(Scripted([told, told.replace("30", "60")]), "test")
    >>> [found and found.text for found in (generated(model, "how long?", [source], "en") for _ in range(2))]
    ['Within 30 days. [1]', None]
    """
    given = [{"number": place + 1, "text": source.text} for place, source in enumerate(sources)]
    parts = [Part("question", question), Part("passages", given)]
    try:
        value = model.ask(INSTRUCTIONS.format(language=language), parts, schema=SCHEMA, pseudonyms=hidden).value
    except LanguageError:
        return None
    if value["action"] == "hand_over":
        return Answered(False, sources=tuple(sources), way="model")
    borne = [each for one in value["sentences"] if (each := _borne(one["text"].strip(), one["sources"], sources))]
    # One sentence that is not borne may be what the others lean on: half of them are no answer.
    if not borne or 2 * len(borne) <= len(value["sentences"]):
        return None
    said, used = renumbered(borne, sources)
    return Answered(True, said, used, way="model")


def _borne(text: str, numbers: Sequence[int], sources: Sequence[Source]) -> Said | None:
    """A sentence with its sources, if all of them exist and they say it."""
    if not text or len(text) > LONGEST or not numbers or not all(1 <= number <= len(sources) for number in numbers):
        return None
    places = tuple(number - 1 for number in numbers)
    return None if unsupported(text, [sources[place].text for place in places]) else Said(text, places)
