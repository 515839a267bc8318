"""Sentences and what each rests on; an answer is nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Source(NamedTuple):
    """What may be said, and where it stands.

    Attributes
    ----------
    citation : as a customer is told it: "returns.md, Return period", "order #W1001".
    """

    citation: str
    text: str
    language: str = ""


class Said(NamedTuple):
    """A sentence, and the places in the answer's sources (0, 1, …) that it rests on."""

    text: str
    sources: tuple[int, ...]


@dataclass(frozen=True)
class Answered:
    """What is answered.

    Attributes
    ----------
    is_sure : whether it may be said; else a person goes on. A field, never read off the words.
    said : the sentences; none where it is not sure.
    sources : what they rest on; where it is not sure, the nearest texts, for the person.
    probability : that the answer is right, for texts that were searched; 1 for the customer's own orders.
    way : "text", "model", "orders", "products", or "earlier" for what a person answered before.
    lead : words before it, that say nothing of their own: the customer's name, a note on the language.
    is_cut : whether more was written, and what came next could not be said.
    """

    is_sure: bool
    said: tuple[Said, ...] = ()
    sources: tuple[Source, ...] = ()
    probability: float = 0.0
    way: str = "text"
    lead: str = ""
    is_cut: bool = False

    @property
    def text(self) -> str:
        """In one, with the numbers of the sources.

        >>> Answered(True, (Said("Thirty days.", (0,)),), (Source("returns.md", "Thirty days."),)).text
        'Thirty days. [1]'
        """
        parts = [f"{one.text} {''.join(f'[{place + 1}]' for place in one.sources)}" for one in self.said]
        return f"{self.lead}{' '.join(parts)}"

    @property
    def citations(self) -> tuple[str, ...]:
        """Where it stands, by number."""
        return tuple(source.citation for source in self.sources)


def renumbered(said: Sequence[Said], sources: Sequence[Source]) -> tuple[tuple[Said, ...], tuple[Source, ...]]:
    """Sentences with their sources numbered as they come, and those sources alone.

    >>> renumbered([Said("B.", (1,))], [Source("a", "A."), Source("b", "B.")])
    ((Said(text='B.', sources=(0,)),), (Source(citation='b', text='B.', language=''),))
    """
    used = list(dict.fromkeys(place for one in said for place in one.sources))
    return (
        tuple(Said(one.text, tuple(dict.fromkeys(used.index(place) for place in one.sources))) for one in said),
        tuple(sources[place] for place in used),
    )


def together(answers: Sequence[Answered]) -> Answered:
    """Answers of several questions as one, each source once.

    >>> days, free = Source("returns.md", "Thirty days."), Source("costs.md", "It is free.")
    >>> first, second = Answered(True, (Said("Thirty days.", (0,)),), (days,)), Answered(True, (Said("It is free.", (0,)),), (free,))
    >>> together([first, second, first]).text
    'Thirty days. [1] It is free. [2]'
    """  # noqa: E501 one line
    sources = list(dict.fromkeys(source for one in answers for source in one.sources))
    said = dict.fromkeys(
        Said(each.text, tuple(sources.index(one.sources[place]) for place in each.sources))
        for one in answers
        for each in one.said
    )
    said_, used = renumbered(list(said), sources)
    return Answered(True, said_, used, min(one.probability for one in answers), answers[0].way, answers[0].lead)
