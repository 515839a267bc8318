"""Answers of questions that ask for no action: from own orders, products or the shop's texts; else a person goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from regulars import clock
from regulars.errors import NotFoundError
from regulars.language import LanguageModel, Pseudonyms
from regulars.language.embedding import embed
from regulars.language.search.words import words
from regulars.support.answer.earlier import Earlier
from regulars.support.answer.generated import generated
from regulars.support.answer.grounded import Answered, Said, Source, together
from regulars.support.answer.own import of_own_orders
from regulars.support.answer.products import Products
from regulars.support.answer.sentences import sentences
from regulars.support.answer.sure import learned, probability
from regulars.support.entities import asking, cleaned
from regulars.support.knowledge import Found, Knowledge, Text
from regulars.support.order.backend import Backend
from regulars.support.order.things import Customer

SENTENCES = 2
"""Of a text that are told: the nearest to the question, in their order."""
WORDS = 0.2
"""Of the share of the question's words that a sentence has, beside the cosine of both; as in search."""
QUESTIONS = 3
"""Of a message that are answered each for itself."""
OFFERED = 3
"""Texts that are named where none surely answers."""
GIVEN = 5
"""Texts that a language model is given."""
READ = 1_000
"""Characters of a question that are read: more is not one question."""
NAMES = {"en": "English", "zh": "Chinese"}
_NOTES = {"en": "Our text says, in {other}: ", "zh": "本店的原文（{other}）："}
_BEFORE = {"en": "To a question like this a person answered: ", "zh": "之前有类似的问题，客服这样回答："}
_OTHERS = {"en": {"zh": "Chinese", "en": "English"}, "zh": {"zh": "中文", "en": "英文"}}


class Answers:
    """What is answered, without a language model or with one. It fits `Chat(desk, answer=...)`.

    Parameters
    ----------
    knowledge : the shop's texts, if it has any.
    orders : where a customer's own orders are.
    products : what can be bought.
    recommended : products for a customer, the best first.
    audiences : the groups that a customer is of, by which some texts may be told.
    model : writes the answer from texts; without it, or where they do not bear its words, their own words are said.
    zone : of the shop: by it a text holds on a day, and a customer's "yesterday" is one.
    earlier : what people answered before; said, as such, where the shop's texts do not answer.
    bar : probability from which on an answer is given; by default that of `sure`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "returns.md").write_text("# Return period\\nYou may send back unused goods within thirty days.")
    >>> answers = Answers(Knowledge(folder))
    >>> answers.answer("how many days do I have to send goods back?").text
    'You may send back unused goods within thirty days. [1]'
    >>> answers.answer("who won the football match?").is_sure
    False
    """

    def __init__(
        self, knowledge: Knowledge | None, orders: Backend | None = None, products: Products | None = None,
        recommended: Callable[[str], Sequence[str]] | None = None,
        audiences: Callable[[Customer | None], frozenset[str]] | None = None,
        model: LanguageModel | None = None, bar: float | None = None, zone: str = "UTC",
        earlier: Earlier | None = None,
    ) -> None:  # fmt: skip
        self._zone, self._earlier = zone, earlier
        self.knowledge, self._orders, self._products = knowledge, orders, products
        self._recommended, self._audiences, self._model, self._bar = recommended, audiences, model, bar

    def __call__(self, question: str, customer: Customer | None, language: str) -> tuple[str, tuple[str, ...]] | None:
        """An answer with what it rests on, as a dialogue wants it; None where a person should go on."""
        found = self.answer(question, customer, language)
        return (found.text, found.citations) if found.is_sure else None

    def answer(self, question: str, customer: Customer | None = None, language: str = "en") -> Answered:
        """Whatever was asked: an answer, or the nearest texts for the person who goes on.

        Of several questions each is answered for itself, where a model does not answer them all.
        """
        asked = cleaned(question)[:READ]
        if not any(sign.isalnum() for sign in asked):
            return Answered(False)
        each = asking(asked)[:QUESTIONS] if self._model is None else []
        if len(each) > 1:
            sure = [found for one in each if (found := self._answered(one, customer, language)).is_sure]
            if len(sure) > 1:
                return together(sure)
        return self._answered(asked, customer, language)

    def _answered(self, asked: str, customer: Customer | None, language: str) -> Answered:
        found = self._of_customer(asked, customer, language)
        if found is not None:
            return found
        suggested = self._of_products(asked, customer, language)
        if suggested is not None and Products.is_search(asked):
            return suggested
        told = self._of_texts(asked, customer, language)
        return told if told.is_sure or suggested is None else suggested

    def _of_customer(self, asked: str, customer: Customer | None, language: str) -> Answered | None:
        if customer is None or self._orders is None:
            return None
        found = of_own_orders(asked, customer, self._orders.orders_of(customer.customer_id), language, self._today)
        name = customer.name.first_name
        lead = f"{name}，您好：" if language == "zh" else f"{name}, here it is: "
        return found and replace(found, lead=lead if name else "")

    def _of_products(self, asked: str, customer: Customer | None, language: str) -> Answered | None:
        if self._products is None:
            return None
        recommended = self._recommended(customer.customer_id) if self._recommended and customer is not None else ()
        return self._products.suggested(asked, language, recommended)

    def offered(self, question: str, customer: Customer | None = None) -> list[tuple[str, str]]:
        """Where none of them surely answers, those that may: ids and titles of texts, three at most.

        Returns
        -------
        The likeliest first; none where the nearest is as far as from questions that are no business of a shop.
        """
        found = self._found(cleaned(question)[:READ], customer)
        if not found or probability(found) < learned(found).offered:
            return []
        return [(one.text.id, one.text.title or one.text.citation) for one in found[:OFFERED]]

    def told(
        self, text: str, question: str, customer: Customer | None, language: str
    ) -> tuple[str, tuple[str, ...]]:  # fmt: skip
        """What a text says to a question, with its citation: for one that was offered, and picked.

        Raises
        ------
        NotFoundError
            If the shop has the text no more, or not for this customer.
        """
        found = None if self.knowledge is None else self.knowledge.get(text)
        if found is None or not found.is_for(self._audiences_of(customer), self._today):
            raise NotFoundError(f'There is no text "{text}" that may be told.')
        said = _extracted(cleaned(question)[:READ], found, 1.0, language)
        return said.text, said.citations

    def _audiences_of(self, customer: Customer | None) -> frozenset[str]:
        return frozenset() if self._audiences is None else self._audiences(customer)

    def _found(self, asked: str, customer: Customer | None) -> list[Found]:
        if self.knowledge is None:
            return []
        return self.knowledge.find(asked, GIVEN, self._audiences_of(customer), self._today)

    @property
    def _today(self) -> date:
        return clock.today(self._zone)

    def _of_texts(self, asked: str, customer: Customer | None, language: str) -> Answered:
        found = self._found(asked, customer)
        sources = tuple(map(_source, found))
        told = None
        if self._model is not None and sources:
            hidden = Pseudonyms(_names_of(customer))
            told = generated(self._model, asked, sources, NAMES.get(language, language), hidden)
            if told is not None and not told.is_cut:
                return told if told.is_sure else self._of_earlier(asked, language) or told
        sure = probability(found)
        if self._is_sure(found, sure):
            own = _extracted(asked, found[0].text, sure, language)
            # What a model has begun, and could not end, the text itself goes on with.
            return own if told is None else together([told, own])
        return told or self._of_earlier(asked, language) or Answered(False, sources=sources, probability=sure)

    def _is_sure(self, found: Sequence[Found], sure: float) -> bool:
        return bool(found) and sure >= (learned(found).bar if self._bar is None else self._bar)

    def _of_earlier(self, asked: str, language: str) -> Answered | None:
        found = [] if self._earlier is None else self._earlier.find(asked, GIVEN, on=self._today)
        sure = probability(found)
        if not self._is_sure(found, sure):
            return None
        told = _extracted(asked, found[0].text, sure, language)
        lead = _BEFORE["zh" if language == "zh" else "en"]
        return replace(told, way="earlier", lead=f"{lead}{told.lead}")


def _source(found: Found) -> Source:
    return Source(found.text.citation, found.text.text, found.text.language)


def _extracted(asked: str, found: Text, sure: float, language: str) -> Answered:
    source = Source(found.citation, found.text, found.language)
    told = sentences(found.text)
    picked = [told[place] for place in sorted(_nearest(asked, told)[:SENTENCES])]
    lead = ""
    if source.language != language and language in _NOTES and source.language in _OTHERS[language]:
        lead = _NOTES[language].format(other=_OTHERS[language][source.language])
    return Answered(True, tuple(Said(one, (0,)) for one in picked), (source,), sure, lead=lead)


def _nearest(asked: str, told: Sequence[str]) -> list[int]:
    """Places of sentences, the nearest to a question first."""
    if len(told) <= SENTENCES:
        return list(range(len(told)))
    question, *each = embed([asked, *told])
    wanted = set(words(asked))
    near = [
        float(vector @ question) + WORDS * len(wanted & set(words(one))) / max(len(wanted), 1)
        for vector, one in zip(each, told, strict=True)
    ]
    return sorted(range(len(told)), key=lambda place: -near[place])


def _names_of(customer: Customer | None) -> dict[str, list[str]]:
    return {} if customer is None else {"NAME": [f"{customer.name.first_name} {customer.name.last_name}".strip()]}
