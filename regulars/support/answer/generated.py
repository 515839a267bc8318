"""An answer in a language model's words, of which only those sentences are said that their sources bear."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from regulars.language import LanguageError, LanguageModel, Part, Pseudonyms
from regulars.support.answer.aloud import is_heard, tell
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

    It ends before the first sentence that its sources do not bear, and takes the one before along: what cannot be said
    may be a condition of that. So each is heard (see `aloud`) once the next one is borne too, and stays. An answer that
    is not sure says that the model found nothing in the sources.

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
    said, is_cut = list[Said](), False
    try:
        with closing(_written(model, INSTRUCTIONS.format(language=language), parts, hidden)) as written:
            for value in written:
                if value["action"] == "hand_over" and not said:
                    return Answered(False, sources=tuple(sources), way="model")
                before = len(said)
                is_cut = value["action"] == "hand_over" or not _go_on(said, value["sentences"], sources)
                if is_cut:
                    break
                if len(said) > max(before, 1):
                    tell(_answered(said[:-1], sources).text)
    except LanguageError:
        is_cut = True
    if is_cut:
        del said[-1:]
    return replace(_answered(said, sources), is_cut=is_cut) if said else None


def _written(
    model: LanguageModel, instructions: str, parts: Sequence[Part], hidden: Pseudonyms | None
) -> Generator[Any]:
    """What a model answers: as far as it is there, where somebody hears it, and at last all of it."""
    if is_heard():
        has_begun = False
        try:
            for value in model.stream(instructions, parts, schema=SCHEMA, pseudonyms=hidden):
                has_begun = True
                yield value
            return
        except LanguageError:
            if has_begun:
                raise
    # Nothing was heard yet: the whole can be tried again, and sent back with what is wrong.
    yield model.ask(instructions, parts, schema=SCHEMA, pseudonyms=hidden).value


def _go_on(said: list[Said], written: Sequence[Any], sources: Sequence[Source]) -> bool:
    """Add what was written since; whether the sources bear all of it. What comes after one that they don't is left."""
    for one in written[len(said) :]:
        borne = _borne(one["text"].strip(), one["sources"], sources)
        if borne is None:
            return False
        said.append(borne)
    return True


def _answered(said: Sequence[Said], sources: Sequence[Source]) -> Answered:
    return Answered(True, *renumbered(said, sources), way="model")


def _borne(text: str, numbers: Sequence[int], sources: Sequence[Source]) -> Said | None:
    """A sentence with its sources, if all of them exist and they say it."""
    if not text or len(text) > LONGEST or not numbers or not all(1 <= number <= len(sources) for number in numbers):
        return None
    places = tuple(number - 1 for number in numbers)
    return None if unsupported(text, [sources[place].text for place in places]) else Said(text, places)
