"""The shop's book of competitors' prices: what was seen, which product it is, and who said so."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import sqlalchemy as sa

from regulars import clock
from regulars.errors import InputError, NotFoundError
from regulars.pricing.competitor.matching import by_title
from regulars.pricing.competitor.reading import Seen, in_coins, read
from regulars.pricing.competitor.tables import matches, prepare, seen
from regulars.pricing.guard import UNKNOWN
from regulars.pricing.money import to_amount

if TYPE_CHECKING:
    from regulars.pricing.products import Products
    from regulars.shop import Shop
    from regulars.state import State

ABSURD = 5.0
"""A price of less than a fifth of ours, or of more than five times it, is another unit or currency: it is refused."""
FRESH_DAYS = 14
"""What was seen longer ago says nothing of today."""
AHEAD = timedelta(days=1)
"""A time zone that was not named may put a sighting so far into the future; more is a wrong date."""
SAME, PROPOSED, APPROVED, REJECTED = "same", "proposed", "approved", "rejected"
COUNTING = (SAME, APPROVED)


class Imported(NamedTuple):
    """What came of a file: prices added, those known already, matches proposed, and what was refused and why."""

    added: int
    known: int
    proposed: int
    refused: tuple[str, ...]


class Match(NamedTuple):
    """What of a competitor's is thought to be which product."""

    competitor: str
    what: str
    product_id: str
    state: str
    similarity: float
    who: str
    at: datetime


class Competitors:
    """Competitors' prices of a shop. Only what is public may be kept here, each with where it was seen, and when.

    Parameters
    ----------
    products : of the shop, as of the moment at which they are compared.
    """

    def __init__(self, shop: Shop, products: Products) -> None:
        self._shop, self._products = shop, products
        self._state = prepare(shop.state)

    def import_(self, path: Path) -> Imported:
        """Add the prices of a file; see `reading.COLUMNS`. The same file again adds nothing.

        What has the identifier of a product of the shop is that product. For what has a title, the product with the
        title most alike is proposed: it counts once a person approved it.

        Raises
        ------
        InputError
            If the file cannot be read at all.
        """
        found = read(path, self._shop.config.shop.timezone)
        refused, priced = list(found.refused), []
        rates, currency = self._rates(), self._shop.config.shop.currency
        latest = clock.now() + AHEAD
        for one in found.seen:
            if one.seen_at > latest:
                refused.append(f"{one.where}: seen_at = {one.seen_at:%Y-%m-%d} has not come yet. Mend the date.")
                continue
            try:
                priced.append((one, in_coins(one, currency, rates)))
            except InputError as error:
                refused.append(str(error))
        named = self._named([one for one, _ in priced])
        kept = []
        for (one, coins), (name, product) in zip(priced, named, strict=True):
            ours = UNKNOWN if product is None else self._products.price_of(product)
            if ours > UNKNOWN and not ours / ABSURD <= coins <= ours * ABSURD:
                refused.append(
                    f"{one.where}: {to_amount(coins, currency)} {currency} for {product}, which costs "
                    f"{to_amount(ours, currency)} here: another unit or currency? Mend the row, or say its currency."
                )
            else:
                kept.append((one, name, coins))
        added = self._keep(kept)
        return Imported(added, len(kept) - added, len(matches_of(self._state, PROPOSED)), tuple(refused))

    def judge(self, competitor: str, what: str, *, approve: bool, who: str, product_id: str | None = None) -> Match:
        """Say that something is a product of the shop, or is not. It counts from now on.

        Parameters
        ----------
        product_id : which one, if another than was proposed.

        Raises
        ------
        InputError
            If nobody says who judges.
        NotFoundError
            If there is nothing to judge, or no such product.
        """
        if not who.strip():
            raise InputError("Who judges the match? Say it: --as NAME")
        key = (matches.c.competitor == competitor) & (matches.c.what == what)
        with self._state.write(alone="pricing competitors") as change:
            row = change.execute(sa.select(matches).where(key)).one_or_none()
            if row is None:
                raise NotFoundError(
                    f'There is no "{what}" of {competitor} to judge. What waits: regulars pricing competitors matches'
                )
            chosen = product_id or row.product_id
            if self._products.price_of(chosen) == UNKNOWN:
                raise NotFoundError(f'There is no product "{chosen}" with a price in the catalogue.')
            made = Match(competitor, what, chosen, APPROVED if approve else REJECTED, row.similarity, who, clock.now())
            change.execute(sa.update(matches).where(key).values(made._asdict()))
        return made

    def newest(self, as_of: datetime, *, fresh_days: int = FRESH_DAYS) -> pa.Table:
        """The newest price of each competitor for each product before a moment, where it is fresh.

        Returns
        -------
        product_id, competitor, coins, seen_at, source; by product and competitor.
        """
        found = seen_between(self._state, as_of - timedelta(days=fresh_days), as_of)
        last = {(row["product_id"], row["competitor"]): row for row in found.to_pylist()}
        return pa.Table.from_pylist(list(last.values()), schema=found.schema)

    def _rates(self) -> dict[str, list[tuple[datetime, float]]]:
        found: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
        for row in self._shop.log.read("rates").sort_by("valid_from").to_pylist():
            found[row["currency"]].append((row["valid_from"], row["rate"]))
        return found

    def _named(self, rows: Sequence[Seen]) -> list[tuple[str, str | None]]:
        """What each row is of, and the product that it counts as; matches that are new are kept."""
        by_id = _by_key(self._products.ids)
        named = [
            (one.what if {one.what, _key(one.what)} & by_id.keys() or not one.title else f"{one.what}: {one.title}")
            for one in rows
        ]
        known = {(match.competitor, match.what): match for match in matches_of(self._state)}
        new = {}
        for one, name in zip(rows, named, strict=True):
            key = (one.competitor, name)
            if key in known or key in new:
                continue
            product = by_id.get(one.what) or by_id.get(_key(one.what))
            new[key] = (one.title, None if product is None else Match(*key, product, SAME, 1.0, "", clock.now()))
        asked = [(key, title) for key, (title, match) in new.items() if match is None and title]
        proposals = by_title([title for _, title in asked], self._products.ids, self._products.titles)
        made = [match for _, match in new.values() if match is not None]
        for (key, _), proposal in zip(asked, proposals, strict=True):
            if proposal is not None:
                made.append(Match(*key, proposal.product_id, PROPOSED, proposal.similarity, "", clock.now()))
        if made:
            with self._state.write(alone="pricing competitors") as change:
                change.execute(sa.insert(matches), [match._asdict() for match in made])
        known |= {(match.competitor, match.what): match for match in made}
        found = [known.get((one.competitor, name)) for one, name in zip(rows, named, strict=True)]
        return [
            (name, None if match is None or match.state == REJECTED else match.product_id)
            for name, match in zip(named, found, strict=True)
        ]

    def _keep(self, rows: Sequence[tuple[Seen, str, int]]) -> int:
        """How many of some prices were not known yet."""
        with self._state.write(alone="pricing competitors") as change:
            columns = (seen.c.competitor, seen.c.what, seen.c.seen_at)
            known = {tuple(row) for row in change.execute(sa.select(*columns))}
            new = {}
            for one, name, coins in rows:
                key = (one.competitor, name, one.seen_at)
                if key not in known and key not in new:
                    new[key] = {
                        "competitor": one.competitor, "what": name, "seen_at": one.seen_at, "coins": coins,
                        "source": one.source,
                    }  # fmt: skip
            if new:
                change.execute(sa.insert(seen), list(new.values()))
        return len(new)


def matches_of(state: State, which: str | None = None) -> list[Match]:
    """What is thought to be which product, the surest first.

    Parameters
    ----------
    which : "same", "proposed", "approved" or "rejected" alone.
    """
    query = sa.select(matches).order_by(matches.c.similarity.desc(), matches.c.competitor, matches.c.what)
    if which is not None:
        query = query.where(matches.c.state == which)
    with prepare(state).read() as view:
        return [Match(*row) for row in view.execute(query)]


def seen_between(state: State, begin: datetime, end: datetime) -> pa.Table:
    """Competitors' prices of products of the shop that were seen from one moment to another.

    Returns
    -------
    product_id, competitor, coins, seen_at, source; by product, competitor and time.
    """
    query = (
        sa.select(matches.c.product_id, seen.c.competitor, seen.c.coins, seen.c.seen_at, seen.c.source)
        .join(matches, (matches.c.competitor == seen.c.competitor) & (matches.c.what == seen.c.what))
        .where(matches.c.state.in_(COUNTING), seen.c.seen_at >= begin, seen.c.seen_at < end)
        .order_by(matches.c.product_id, seen.c.competitor, seen.c.seen_at)
    )
    with prepare(state).read() as view:
        rows = [row._asdict() for row in view.execute(query)]
    schema = pa.schema(
        [("product_id", pa.string()), ("competitor", pa.string()), ("coins", pa.int64()),
         ("seen_at", pa.timestamp("us", "UTC")), ("source", pa.string())]
    )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=schema)


def _by_key(products: Sequence[str]) -> dict[str, str]:
    """The product of each id, and of each key that is of one alone: of AB-1 and A-B1, ab1 is neither."""
    keys = [_key(product) for product in products]
    count = Counter(keys)
    of_one = {key: product for key, product in zip(keys, products, strict=True) if count[key] == 1}
    return of_one | {product: product for product in products}


def _key(identifier: str) -> str:
    """An identifier as both sides may write it: 00123-4 is 001234."""
    return "".join(letter for letter in identifier.casefold() if letter.isalnum())
