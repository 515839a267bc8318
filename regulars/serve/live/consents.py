"""Who forbids what, by the last thing each said: a consent that was taken back counts from the next request on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from regulars.customers.consent import CONSENTS, OBJECTIONS, PURPOSES, ledger
from regulars.customers.identities import JOINS
from regulars.events.convert import AHEAD
from regulars.events.erased import Erased
from regulars.serve.live.reading import Row

if TYPE_CHECKING:
    from regulars.shop import Shop

Said = dict[tuple[str, str], tuple[datetime, bool]]
"""{(consent or objection, purpose): when it was said last, and whether that forbids}."""


class Consents:
    """What customers and visitors allow.

    Examples
    --------
    >>> from datetime import UTC
    >>> consents = Consents()
    >>> said = {"customer_id": "ada", "text": "profiling", "time": datetime(2024, 5, 1, tzinfo=UTC)}
    >>> consents.hear([{"type": "objection_made", **said}], {})
    >>> consents.forbids("ada", "profiling"), consents.forbids("ada", "marketing"), consents.forbids("bob", "profiling")
    (True, False, False)
    """

    def __init__(self) -> None:
        self._said: dict[str, Said] = {}

    @classmethod
    def of(cls, shop: Shop, now: datetime) -> Consents:
        """As the log has it."""
        found = cls()
        for row in ledger(shop, now + AHEAD).select(["customer_id", "type", "purpose", "time"]).to_pylist():
            found.hear([{**row, "text": row["purpose"]}], {})
        return found

    def hear(self, rows: Sequence[Row], aliases: Mapping[str, str]) -> None:
        """Rows of events, whatever they are about, and whose the ids of visitors are."""
        for row in rows:
            kind = row["type"]
            if kind in JOINS:
                self._join(row, aliases)
            if kind in CONSENTS or kind in OBJECTIONS:
                who = row.get("customer_id") or row.get("anonymous_id")
                if who:
                    self._note(self._said.setdefault(aliases.get(who, who), {}), row)

    def forbids(self, customer: str, purpose: str) -> bool:
        """Whether a customer objects to a purpose, or took the consent to it back. Who said nothing does not."""
        said = self._said.get(customer)
        if not said:
            return False
        return any(said.get((sort, purpose), (None, False))[1] for sort in ("consent", "objection"))

    def forget(self, erased: Erased) -> None:
        """Let go of who was erased."""
        for who in erased.among(list(self._said)):
            del self._said[who]

    def _note(self, said: Said, row: Row) -> None:
        sort, types = ("consent", CONSENTS) if row["type"] in CONSENTS else ("objection", OBJECTIONS)
        forbids = row["type"] == types[1]
        named = (row.get("text") or "").strip().lower()
        for purpose in (named,) if named else PURPOSES:
            before = said.get((sort, purpose))
            # Of two at one moment the one that forbids holds.
            if before is None or (row["time"], forbids) >= before:
                said[sort, purpose] = row["time"], forbids

    def _join(self, row: Row, aliases: Mapping[str, str]) -> None:
        """What a visitor said, the customer said."""
        visitor, customer = row.get("anonymous_id"), row.get("customer_id")
        if not visitor or not customer or visitor not in self._said:
            return
        into = self._said.setdefault(aliases.get(customer, customer), {})
        for key, each in self._said[visitor].items():
            into[key] = max(into.get(key, each), each)
