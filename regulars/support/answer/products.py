"""Which of the shop's products suit what a customer is looking for? By search, price and what is recommended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from regulars.language.search import Index, Passage
from regulars.support.answer.grounded import Answered, Said, Source
from regulars.support.order.wording import money

MOST = 3
NEAR = 0.35
"""Score below which a product has nothing to do with what was asked. Set by hand."""
RECOMMENDED = 0.1
"""What the first of the recommended is worth beside the score of the search. Set by hand."""
_NUMBER = r"(\d{1,6}(?:\.\d{1,2})?)"
_CEILING = re.compile(
    r"\b(?:under|below|less than|up to|at most|max(?:imum)?(?: of)?|cheaper than|not more than|within)"
    rf"\s*[€£$¥]?\s*{_NUMBER}"
    rf"|{_NUMBER}\s*(?:元|块|欧元|美元)?\s*(?:钱)?(?:以内|以下|之内|内的)|(?:不超过|低于|少于|最多)\s*{_NUMBER}",
    re.IGNORECASE,
)
_LOOKING = re.compile(
    r"\b(?:gift ideas?|a gift|a present|recommend\w*|suggest\w*|looking for|something for|ideas? for)\b"
    r"|送礼|礼物|推荐|想买|想找|买什么",
    re.IGNORECASE,
)
_HAVING = re.compile(r"\bdo you (?:have|sell)\b|有没有|有卖", re.IGNORECASE)
"""May be of a product, or of anything else: "do you have student discounts?"."""
_AROUND = re.compile(
    r"\b(?:a|an|the|any|some|for|someone|somebody|who|likes?|loves?|can|could|you|me|i|am|i'm|please|my|do|have|sell"
    r"|want)\b"
    r"|送给|喜欢|的人|请|帮我|一个|我",
    re.IGNORECASE,
)


class Item(NamedTuple):
    """A product that can be bought."""

    product_id: str
    title: str
    price: Decimal
    text: str = ""
    is_available: bool = True


class Products:
    """The shop's products, searched.

    Examples
    --------
    >>> lamp, kettle = Item("1", "Desk lamp", Decimal("19.90")), Item("2", "Tea kettle", Decimal("35"))
    >>> found = Products([lamp, kettle]).suggested("a gift under 20 for someone who likes lamps", "en")
    >>> print(found.text)
    Desk lamp, 19.90. [1]
    """

    def __init__(self, items: Iterable[Item], index: Index | None = None) -> None:
        self._items = {item.product_id: item for item in items}
        self._index = index if index is not None else Index()
        self._index.update(Passage(one.product_id, one.text, one.title, "product") for one in self._items.values())

    @staticmethod
    def is_search(question: str) -> bool:
        """Whether a question can only be one that looks for a product.

        >>> Products.is_search("any gift ideas under 20?"), Products.is_search("do you have student discounts?")
        (True, False)
        """
        return bool(_LOOKING.search(question))

    def suggested(self, question: str, language: str, recommended: Sequence[str] = ()) -> Answered | None:
        """Products for a question that looks for some; None for another question, or where none suits.

        Parameters
        ----------
        recommended : product ids for this customer, the best first.
        """
        if not self.is_search(question) and not _HAVING.search(question):
            return None
        ceiling = _ceiling(question)
        wanted = _AROUND.sub(" ", _HAVING.sub(" ", _LOOKING.sub(" ", _CEILING.sub(" ", question)))).strip(
            " ,.?!，。？！"
        )
        place = {product: number for number, product in enumerate(recommended)}
        found: list[tuple[float, Item]] = []
        for hit in self._index.find(wanted, 50, ["product"]) if wanted else []:
            item = self._items[hit.passage.id]
            if hit.score >= NEAR and item.is_available and (ceiling is None or item.price <= ceiling):
                bonus = RECOMMENDED / (1 + place[item.product_id]) if item.product_id in place else 0.0
                found.append((hit.score + bonus, item))
        if not found and not wanted:
            # Nothing is said of what it should be: what is recommended to this customer may be it.
            there = [self._items[one] for one in recommended if one in self._items]
            found = [(0.0, one) for one in there if one.is_available and (ceiling is None or one.price <= ceiling)]
        best = [item for _, item in sorted(found, key=lambda one: -one[0])[:MOST]]
        if not best:
            return None
        end = "。" if language == "zh" else "."
        said = tuple(Said(f"{item.title}, {money(item.price)}{end}", (n,)) for n, item in enumerate(best))
        sources = tuple(Source(f"product {item.product_id}", f"{item.title} {item.price} {item.text}") for item in best)
        return Answered(True, said, sources, 1.0, "products")


def _ceiling(question: str) -> Decimal | None:
    found = _CEILING.search(question)
    return Decimal(next(group for group in found.groups() if group)) if found else None
