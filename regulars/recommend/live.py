"""A recommender in memory, as of a moment: every kind of list, for one customer or product at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from regulars.behavior.sequences import DAY
from regulars.clock import micros, moment_of
from regulars.customers import withheld
from regulars.errors import InputError, NotFoundError
from regulars.recommend.candidates import Floats, Ints
from regulars.recommend.dataset import head_for, model_in_use, past_as_of
from regulars.recommend.decide import PURPOSE
from regulars.recommend.favourites import Favourites
from regulars.recommend.features import NEW_DAYS, Products
from regulars.recommend.lists import lists, lists_of_all, why
from regulars.recommend.model import RecommendModel
from regulars.recommend.past import Past
from regulars.recommend.reasons import WORDS, Lines, shares
from regulars.recommend.shelf import Shelf
from regulars.recommend.sources import Covisitation, Head, Nearest, Popular

if TYPE_CHECKING:
    from regulars.shop import Shop

DUE = 0.7
"""What was bought is due again when so much of the product's usual interval has passed."""
SHRINKAGE = 5.0
"""Orders added to each product's own, so that two that met in one order by chance are not taken for a pair."""
LEAST_LIFT = 1.5
"""Products go together if they meet in orders so many times as often as by chance."""


@dataclass(frozen=True)
class Shown:
    """One list.

    Attributes
    ----------
    table : rank (from 1), product_id, title, reason.
    note : what whoever asked must know; "" for nothing.
    """

    table: pa.Table
    note: str = ""


class Recommender:
    """Every kind of list as of a moment.

    A filter (`where`) is a rule over the catalogue, see `regulars.rules`; it is applied before a list is cut, so that
    a list is short only where few products are left.

    Raises of all lists
    -------------------
    InputError
        If `k` is below 1.
    RuleError
        If the filter cannot be read.
    """

    def __init__(
        self, model: RecommendModel, past: Past, shelf: Shelf, head: Head | None, unprofiled: set[str]
    ) -> None:
        self.model, self.past, self.shelf, self.head = model, past, shelf, head
        self.unprofiled = unprofiled
        self.products = Products.of(past)
        self._number = {name: number for number, name in enumerate(past.sequences.customers)}

    @classmethod
    def open(cls, shop: Shop, as_of: datetime) -> Recommender:
        """The model in use, with all that customers did before a moment.

        Raises
        ------
        InputError
            If the model learned from events after that moment.
        """
        model = model_in_use(shop)
        # Of the newest moment there is, nothing came after, even where what came last was erased since.
        if micros(as_of) < model.until and as_of < shop.now:
            raise InputError(
                f"The recommender in use learned from events until {moment_of(model.until):%Y-%m-%d %H:%M}: it would "
                f"know what came after {as_of:%Y-%m-%d %H:%M}. Choose a later as-of time, or learn from before it: "
                f"regulars learn recommend --until {as_of:%Y-%m-%dT%H:%M}"
            )
        shelf = Shelf.of(shop, model.vocabulary.products, as_of)
        head = head_for(shop, model, as_of)
        unprofiled = set(withheld(shop, PURPOSE, as_of).to_pylist())
        return cls(model, past_as_of(shop, model, as_of, None), shelf, head, unprofiled)

    def warm(self) -> Recommender:
        """Work out beforehand what does not change between requests; a service does so once, when it begins."""
        if self.head is not None:
            self.head.warm(self.past.now)
        self.for_you("")
        return self

    def for_you(self, customer: str, k: int = 10, where: str = "") -> Shown:
        """What to show to a customer; to who was never seen before, or objects to profiling, what most take up."""
        allowed = self._allowed(k, where, customer)
        k = min(k, int(allowed.sum()))
        if not k:
            return Shown(
                self._table(np.zeros(0, np.int64), ()), "No product is left: a rule or the filter leaves out all."
            )
        number = self._number.get(customer)
        if number is None or customer in self.unprofiled:
            said = "objects to profiling" if customer in self.unprofiled else "was never seen before"
            found = lists_of_all(self.model, self.products, self.shelf, allowed, 1, k)
            reasons = why(self.model, self.past, self.products, self.shelf, found)
            return Shown(self._table(found.products[0], reasons), f"{customer} {said}: this is what most take up.")
        past = self.past.of(np.array([number]))
        found = lists(self.model, past, self.products, self.head, self.shelf, allowed, k=k)
        return Shown(self._table(found.products[0], why(self.model, past, self.products, self.shelf, found)))

    def explain(self, customer: str, product: str) -> pa.Table:
        """Why a product stands where it does in a customer's list: what each source has to do with it.

        Returns
        -------
        source, share (how far it moves the product, above 0 upwards: exact SHAP values of the ranker, in its units),
        place (in the source's own order from 1; null where it did not name it); the largest share first.

        Raises
        ------
        NotFoundError
            If there is no such customer or product, or no source named the product for the customer.
        """
        number = self._product(product)
        past = self._profiled(customer)
        ranked = self.model.rank(past, self.products, self.head, self.shelf.shown_to(customer))
        if number not in ranked.candidates.product:
            raise NotFoundError(f"No source named {product} for {customer}: there is nothing to explain.")
        lines = Lines.of(ranked, np.zeros(1, np.int64), np.array([number]))
        names, share = shares(self.model, lines)
        places = ranked.candidates.places[lines.candidate[0]]
        with np.errstate(divide="ignore"):
            place = pa.array(np.round(1 / places), pa.float64(), mask=places == 0).cast(pa.int64())
        found = pa.table({"source": names, "share": share[0], "place": place})
        return found.sort_by([("share", "descending")])

    def because_viewed(self, customer: str, k: int = 10, where: str = "") -> Shown:
        """What is like the product that a customer looked at last and did not buy since.

        Raises
        ------
        NotFoundError
            If there is no such customer.
        """
        past = self._profiled(customer)
        events = past.with_product
        bought = np.unique(events.product[events.is_bought])
        looked = np.flatnonzero(~events.is_bought & ~np.isin(events.product, bought))
        if not len(looked):
            return Shown(
                self._table(np.zeros(0, np.int64), ()),
                f"{customer} looked at nothing that was not bought, or forbids profiling.",
            )
        seen = int(events.product[looked[np.argmax(events.time[looked])]])
        allowed = self._not_barred(past, self._allowed(k, where, customer))
        return self._beside(seen, self._likeness(seen), allowed, k, "because_viewed")

    def popular_with_alike(self, customer: str, k: int = 10, where: str = "") -> Shown:
        """What those customers take up of late who like the same category best.

        Raises
        ------
        NotFoundError
            If there is no such customer.
        """
        allowed = self._allowed(k, where, customer)
        number = self._customer(customer)
        liked = -1 if customer in self.unprofiled else int(self.favourites.of_customer[number])
        if liked < 0:
            found = self.popular(k, where)
            return Shown(found.table, f"{customer} has no favourite category, or forbids profiling: see all's.")
        said = self._words["popular_with"].format(category=self.favourites.names[liked])
        allowed = self._not_barred(self.past.of(np.array([number])), allowed)
        return self._for_all(self.favourites.popular_with(self.past, liked), allowed, k, said)

    def again(self, customer: str, k: int = 10, where: str = "") -> Shown:
        """What a customer bought and is likely to need again: by the product's own interval between orders.

        Raises
        ------
        NotFoundError
            If there is no such customer.
        """
        allowed = self._allowed(k, where, customer)
        past = self._profiled(customer)
        events = past.with_product
        bought = events.is_bought & self._not_barred(past, allowed)[events.product]
        product = np.unique(events.product[bought])
        last = np.zeros(past.products + 1, np.int64)
        np.maximum.at(last, events.product[bought], events.time[bought])
        days = (past.now - last[product]) / DAY
        share = days / self.products.interval[product]
        # Most wanted when the interval is just over; who has not come back after three of them will not for this.
        value = self.products.repeat_share[product] * np.exp(-np.abs(np.log(np.maximum(share, 1e-3))))
        value = np.where(share >= DUE, value, -np.inf)
        best = product[np.argsort(-value, kind="stable")][: min(k, int((value > -np.inf).sum()))]
        words = self._words
        times = np.bincount(events.product[bought], minlength=past.products + 1)
        reasons = [
            words["again" if times[p] > 1 else "once"].format(times=int(times[p]), days=int((past.now - last[p]) / DAY))
            for p in best
        ]
        return Shown(self._table(best, reasons), "" if len(best) else f"Nothing that {customer} bought is due again.")

    def similar(self, product: str, k: int = 10, where: str = "") -> Shown:
        """Products like one: by what is said of it, and by who chose both.

        Raises
        ------
        NotFoundError
            If there is no such product.
        """
        number = self._product(product)
        return self._beside(number, self._likeness(number), self._allowed(k, where), k, "content_of")

    def together(self, product: str, k: int = 10, where: str = "") -> Shown:
        """What is bought in the same order as a product, more often than by chance.

        Raises
        ------
        NotFoundError
            If there is no such product.
        """
        number = self._product(product)
        baskets = self._baskets
        orders = np.asarray(baskets.sum(axis=0)).ravel()
        both = np.asarray((baskets.T[number] @ baskets).todense()).ravel()
        lift = both * baskets.shape[0] / np.maximum(orders * orders[number], 1.0)
        score = both / np.sqrt((orders + SHRINKAGE) * (orders[number] + SHRINKAGE))
        score[lift < LEAST_LIFT] = 0
        found = self._beside(number, score, self._allowed(k, where), k, "covisitation_of")
        return (
            found if found.table.num_rows else Shown(found.table, f"Nothing is bought together with {product} often.")
        )

    def trending(self, k: int = 10, where: str = "") -> Shown:
        """What is taken up more of late than it used to be."""
        recent, lasting = np.expm1(self.products.sold_recently), np.expm1(self.products.sold)
        usual = lasting / 6  # half-lives of 30 and 180 days: a steady product has a sixth
        score = (recent - usual) / np.sqrt(usual + 1)
        return self._for_all(np.where(score > 0, score, 0), self._allowed(k, where), k)

    def new(self, k: int = 10, where: str = "") -> Shown:
        """What was first met within the last days, the most taken up first."""
        score = np.where(self.products.is_new, self.products.sold_recently, 0)
        found = self._for_all(score, self._allowed(k, where), k)
        return found if found.table.num_rows else Shown(found.table, f"No product is newer than {NEW_DAYS:.0f} days.")

    def popular(self, k: int = 10, where: str = "") -> Shown:
        """What most take up of late; with a filter, of a category or a brand."""
        score = next(source.score for source in self.model.sources if isinstance(source, Popular))
        return self._for_all(score + 1e-6, self._allowed(k, where), k)

    @cached_property
    def favourites(self) -> Favourites:
        """The category that each customer likes best."""
        return Favourites.of(self.past, self.shelf.categories)

    def _likeness(self, number: int) -> Floats:
        """(products + 1,) how much products are like one, by content and by who chose both."""
        nearest = next(source for source in self.model.sources if isinstance(source, Nearest))
        covisitation = next(source for source in self.model.sources if isinstance(source, Covisitation))
        together = covisitation.near[number].toarray().ravel()
        found: Floats = nearest.vectors @ nearest.vectors[number] + together / max(float(together.max()), 1e-9)
        return found

    def _for_all(self, score: Floats, allowed: npt.NDArray[np.bool_], k: int, said: str = "") -> Shown:
        best = _best(np.where(allowed, np.nan_to_num(score), 0), k)
        return Shown(self._table(best, [said or self._words["popular"]] * len(best)))

    def _beside(self, number: int, score: Floats, allowed: npt.NDArray[np.bool_], k: int, reason: str) -> Shown:
        score = np.where(allowed, score, 0)
        score[number] = 0
        best = _best(score, k)
        title = self.shelf.table["title"][number - 1].as_py() or self.model.vocabulary.products[number - 1]
        return Shown(self._table(best, [self._words[reason].format(title=title)] * len(best)))

    @cached_property
    def _baskets(self) -> sp.csr_matrix:
        """(orders, products + 1) 1 for what stands in an order: what a customer bought at one moment."""
        events = self.past.with_product
        customer, time = events.customer[events.is_bought], events.time[events.is_bought]
        _, order = np.unique(np.stack([customer, time]), axis=1, return_inverse=True)
        shape = (int(order.max(initial=-1)) + 1, self.past.products + 1)
        found = sp.csr_matrix((np.ones(len(order)), (order.ravel(), events.product[events.is_bought])), shape=shape)
        found.sum_duplicates()
        found.data[:] = 1
        return found

    @property
    def _words(self) -> dict[str, str]:
        return WORDS[self.shelf.settings.language]

    def _allowed(self, k: int, where: str, customer: str | None = None) -> npt.NDArray[np.bool_]:
        if k < 1:
            raise InputError(f"k is {k}: a list holds at least one product.")
        return self.shelf.shown_to(customer, where)

    def _not_barred(self, past: Past, allowed: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Of those products the ones that the only customer of a past may be shown again."""
        allowed = allowed.copy()
        allowed[self.shelf.barred(past)] = False  # of the first customer a pair is the number of its product
        return allowed

    def _profiled(self, customer: str) -> Past:
        """The past of one customer; nothing of who forbids profiling."""
        number = self._customer(customer)
        past = self.past.of(np.array([number]))
        return past.before(0) if customer in self.unprofiled else past

    def _customer(self, customer: str) -> int:
        if customer not in self._number:
            raise NotFoundError(
                f"There is no customer {customer} before the moment. See who there are: regulars profile"
            )
        return self._number[customer]

    def _product(self, product: str) -> int:
        number = int(self.model.vocabulary.numbers([product])[0])
        if not number:
            raise NotFoundError(
                f"The recommender knows no product {product}. If it is new, learn again: regulars learn recommend"
            )
        return number

    def _table(self, products: Ints, reasons: Sequence[str]) -> pa.Table:
        products = products[products > 0]
        at = pa.array(products - 1, pa.int64())
        return pa.table(
            {
                "rank": pa.array(np.arange(1, len(products) + 1), pa.int64()),
                "product_id": self.shelf.table["product_id"].take(at),
                "title": self.shelf.table["title"].take(at),
                "reason": pa.array(list(reasons)[: len(products)], pa.string()),
            }
        )


def _best(score: Floats, k: int) -> Ints:
    """(up to k,) the products with the highest scores above 0; of equals the lower number first."""
    best = np.lexsort((np.arange(len(score)), -score))[:k]
    found: Ints = best[score[best] > 0]
    return found
