"""A message in parts: what it names of a customer's, and clauses that are each about one thing."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from regulars.support.dialogue.intents import Verb, implied, verbs
from regulars.support.entities import addresses, order_numbers, payments, products_named
from regulars.support.entities.order_numbers import OrderNumber
from regulars.support.entities.payments import PaymentNamed
from regulars.support.entities.product_names import ProductNamed
from regulars.support.order.things import Address, Customer

BLANK, PLACE = "~", "^"
"""What stands over what was found in a text; over an address another sign, for a verb may be one by that alone."""
_END = re.compile(
    r"(?<!\bSt)(?<!\bAve)(?<!\bDr)(?<!\bRd)(?<!\bMr)(?<!\bMs)(?<!\bNo)(?<!\bApt)(?<!\bSte)[.!?](?=\s|$)|[;\n。!?;]"
)
_AND = re.compile(
    r"\s*(?:,|、|\band\b|\bthen\b|\balso\b|\bplus\b|\bas well as\b|并且|并|然后|另外|还有|同时|以及|再|和|也)\s*",
    re.IGNORECASE,
)
_SAME_AS = re.compile(
    r"(?:same\s+(?:address\s+)?as|\bto\s+(?:the|my)\s+(?:same\s+)?(?:shipping\s+)?address\s+(?:of|in|from|for|on|as)|(?:和|与|同))"
    r"\s*(?:the\s+)?(?:my\s+)?(?:other\s+)?(?:order\s+|订单)?$",
    re.IGNORECASE,
)
_KEPT = re.compile(
    r"(?:\bkeep(?:ing)?|\bexcept(?: for)?|\bexcluding|\bbut not|\bapart from|\bother than)\s+(?:the|my|a|an)?\s*$|"
    r"(?:除了|保留|留下)$",
    re.IGNORECASE,
)
"""Before a product that is not meant."""


@dataclass(frozen=True)
class Known:
    """What a customer may speak of.

    Parameters
    ----------
    bought : {order_id: names of its products}.
    options : {option: values} of these products.
    reasons : that the shop knows for a cancellation.
    """

    bought: Mapping[str, Collection[str]]
    options: Mapping[str, Collection[str]]
    reasons: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Of all products in the orders."""
        return sorted({name for names in self.bought.values() for name in names})


@dataclass(frozen=True)
class Named:
    """What a message names, with its place; addresses, orders and payments are blanked out of `text`."""

    text: str
    orders: tuple[OrderNumber, ...]
    payments: tuple[PaymentNamed, ...]
    products: tuple[ProductNamed, ...]
    addresses: tuple[tuple[int, int, Address], ...]
    sources: frozenset[int]
    """Places of orders that are named for their address alone."""


@dataclass(frozen=True)
class Clause:
    """A part of a message about one thing."""

    start: int
    end: int
    verb: Verb | None


def name_all(text: str, customer: Customer, known: Known) -> Named:
    """All that a message names of this customer's."""
    numbers = tuple(order_numbers(text, known.bought))
    sources = frozenset(one.start for one in numbers if _SAME_AS.search(text[: one.start]))
    bare = _blanked(text, numbers)
    places = tuple((one.start, one.end, one.address) for one in addresses(bare))
    bare = _blanked(bare.replace(PLACE, " "), places, PLACE)
    ways = tuple(payments(bare, customer.payment_methods.values()))
    bare = _blanked(bare, ways)
    products = [
        one
        for one in products_named(bare, known.names)
        if not _is_option(one, bare, known.options) and not _KEPT.search(bare[: one.start])
    ]
    return Named(bare, numbers, ways, tuple(products), places, sources)


def _is_option(product: ProductNamed, text: str, options: Mapping[str, Collection[str]]) -> bool:
    """Whether a product's name is an option's value here: a backpack's compartment may be "laptop"."""
    said = text[product.start : product.end].casefold()
    before, behind = text[: product.start].casefold(), text[product.end :].casefold()
    return any(
        said in (value.casefold() for value in values)
        and (
            re.search(rf"{re.escape(name.casefold())}\W{{0,5}}(?:for\s|is\s)?$", before)
            or behind.lstrip().startswith(name)
        )
        for name, values in options.items()
    )


def clauses(text: str, options: Collection[str] = ()) -> list[Clause]:
    """A message, cut where one thing ends and another begins.

    Parameters
    ----------
    text : a cleaned message, with orders and addresses blanked out.
    options : names of options: in "switch type" nothing is switched.

    >>> [clause.verb.intent for clause in clauses("cancel the first and return the lamp; exchange the chair")]
    ['cancel', 'return', 'swap']
    """
    found: list[Clause] = []
    asking = verbs(text, options)
    begin = 0
    for stop in [*(match.end() for match in _END.finditer(text)), len(text)]:
        inside = [verb for verb in asking if begin <= verb.start < stop]
        if not inside and (not asking or BLANK in text[begin:stop]):
            inside = implied(text[begin:stop])
        cuts = [begin]
        for before, verb in pairwise(inside):
            # From the last "and" between two verbs on, the words are about the second one.
            between = [match.start() for match in _AND.finditer(text, before.end, verb.start)]
            cuts.append(between[-1] if between else verb.start)
        ends = [*cuts[1:], stop]
        for place, (start, end) in enumerate(zip(cuts, ends, strict=True)):
            if text[start:end].strip(" .;,!?。"):
                found.append(Clause(start, end, inside[place] if inside else None))
        begin = stop
    return found


def _blanked(text: str, spans: Sequence[tuple[object, ...]], sign: str = BLANK) -> str:
    """The text with a sign over what was found, so that places stay as they are and no word runs into another."""
    for span in spans:
        start, end = int(str(span[0])), int(str(span[1]))
        text = text[:start] + sign * (end - start) + text[end:]
    return text
