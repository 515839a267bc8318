"""Where an ad would stand: is that a place where the shop wants to be seen?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from regulars.errors import InputError

SENSITIVE = ("IAB7-39", "IAB11-4", "IAB14-1", "IAB14-3", "IAB23", "IAB24", "IAB25", "IAB26")
"""Categories (IAB content taxonomy 1.0) that are refused unless a shop says otherwise: sexuality, hate, dating,
religion, unknown, non-standard and illegal content."""


KNOWN = 1
"""The taxonomy of these categories (`cattax`: IAB content taxonomy 1.0). Those of newer ones are not known here."""


@dataclass(frozen=True)
class Placement:
    """A place for an ad, as a bid request says.

    Attributes
    ----------
    domain : of the site, or the app's bundle; None where it is not told.
    categories : IAB codes of the site, page and section.
    blocked_categories, blocked_advertisers : what the publisher refuses (OpenRTB bcat, badv).
    is_app : of an app, not of a site.
    taxonomies, blocked_taxonomy : of which the categories, and those blocked, are (`cattax`).
    """

    domain: str | None = None
    categories: tuple[str, ...] = ()
    blocked_categories: tuple[str, ...] = ()
    blocked_advertisers: tuple[str, ...] = ()
    taxonomies: tuple[object, ...] = ()
    blocked_taxonomy: object = KNOWN
    is_app: bool = False


@dataclass(frozen=True)
class BrandSafety:
    """What a shop refuses, and what of it publishers may refuse.

    Attributes
    ----------
    advertiser : domain of the shop.
    own_categories : IAB codes of what it advertises.
    refused_categories, refused_domains : where it is not shown; a category holds for all under it, a domain too.
    only_domains : where alone it is shown; empty for anywhere else.

    Examples
    --------
    >>> safe = BrandSafety("tea.example", own_categories=("IAB8-18",), refused_domains=("spam.example",))
    >>> safe.refusal(Placement("news.spam.example"))
    'news.spam.example is refused by the shop'
    >>> safe.refusal(Placement("news.example", categories=("IAB25-3",)))
    'category IAB25-3 is refused by the shop'
    >>> safe.refusal(Placement("news.example", blocked_categories=("IAB8",)))
    'the publisher blocks category IAB8'
    >>> safe.refusal(Placement("news.example", categories=("IAB12",))) is None
    True
    """

    advertiser: str
    own_categories: tuple[str, ...] = ()
    refused_categories: tuple[str, ...] = SENSITIVE
    refused_domains: tuple[str, ...] = ()
    only_domains: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.advertiser:
            raise InputError("advertiser: the shop's domain, such as tea.example, is expected: publishers ask for it.")

    def refusal(self, place: Placement) -> str | None:
        """Why not to bid there; None where it may."""
        return next(self._refusals(place), None)

    def _refusals(self, place: Placement) -> Iterator[str]:
        if self.only_domains and (place.domain is None or not _is_under(place.domain, self.only_domains)):
            yield f"{place.domain or 'a place without a name'} is not among the shop's own list"
        if place.domain is not None and _is_under(place.domain, self.refused_domains):
            yield f"{place.domain} is refused by the shop"
        if place.categories and (strange := [one for one in place.taxonomies if one != KNOWN]):
            yield f"its categories are of taxonomy {strange[0]}, which is not known"
        for category in place.categories:
            if _is_within(category, self.refused_categories):
                yield f"category {category} is refused by the shop"
        if place.blocked_categories and self.own_categories and place.blocked_taxonomy != KNOWN:
            yield f"the publisher blocks categories of taxonomy {place.blocked_taxonomy}, which is not known"
        for category in place.blocked_categories:
            if any(_is_within(own, (category,)) for own in self.own_categories):
                yield f"the publisher blocks category {category}"
        if _is_under(self.advertiser, place.blocked_advertisers):
            yield f"the publisher blocks {self.advertiser}"


def _is_under(domain: str, domains: Sequence[str]) -> bool:
    name = domain.lower().rstrip(".")
    return any(name == one.lower() or name.endswith("." + one.lower()) for one in domains)


def _is_within(category: str, categories: Sequence[str]) -> bool:
    return any(category == one or category.startswith(one + "-") for one in categories)
