"""The past attempts of a shop, ready for rules to be tried on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.errors import NotEnoughError
from regulars.fraud.attempts import Attempts, attempts
from regulars.fraud.rule.backtest import Backtest, backtest
from regulars.fraud.rule.columns import table_of, vocabulary
from regulars.fraud.rule.judging import mask
from regulars.fraud.rule.lists import Lists
from regulars.fraud.rule.matching import Index
from regulars.fraud.rule.saved import Action, FraudRules, Standing
from regulars.fraud.stream import Ints
from regulars.rules import Rule, Vocabulary

if TYPE_CHECKING:
    from regulars.shop import Shop


@dataclass(frozen=True)
class Trial:
    """Attempts between two moments, with what is known of them as of now.

    Attributes
    ----------
    shop : whose attempts they are.
    found : all attempts before now.
    since, until : those from the first moment on and before the second are asked.
    index : the lists.
    vocabulary : what rules may speak of.
    risk : (attempts,) the model's probability of fraud, NaN where it gave none; None without a model.
    """

    shop: Shop
    found: Attempts
    since: datetime
    until: datetime
    index: Index
    vocabulary: Vocabulary
    risk: npt.NDArray[np.float64] | None = None

    @classmethod
    def of(cls, shop: Shop, since: datetime, until: datetime) -> Trial:
        """Those of a shop; NotEnoughError if its log has no attempt."""
        found = attempts(shop, shop.now)
        return cls(shop, found, since, until, Lists(shop).index(), vocabulary(found))

    def test(self, text: str, action: Action, *, name: str = "") -> Backtest:
        """What a rule would have done.

        Parameters
        ----------
        name : under which it is kept, if it is: then it is not compared with itself.

        Raises
        ------
        RuleError
            If the rule cannot be read.
        NotEnoughError
            If there is no attempt between the two moments.
        """
        rule = Rule.of(text, self.vocabulary)
        standing = [other for other in FraudRules(self.shop).standing(self.vocabulary) if other.name != name]
        places = self._places()
        settings, timezone = self.shop.config.fraud, self.shop.config.shop.timezone
        names = set().union(rule.columns, *(other.rule.columns for other in standing)) | {"customer_id"}
        stream = self.found.stream
        # The rate that shares are drawn to is that of before, so that it knows nothing of what is judged.
        rate = stream.before(int(stream.time[stream.attempts[places[0]]])).base_rate
        risk = None if self.risk is None else self.risk[places]
        names |= set() if risk is None else {"risk"}
        table = table_of(self.found, names, self.index, timezone, base_rate=rate, places=places, risk=risk)
        labels, _ = stream.labels()
        outcome = self.found.table["outcome"].combine_chunks().take(places)
        found = backtest(
            rule,
            action,
            table,
            labels[places],
            self.since,
            self.until,
            settings,
            declined=np.asarray(pc.fill_null(pc.equal(outcome, "declined"), False)),
            others={_called(other): mask(other.rule, table) for other in standing},
        )
        quiet = [name for name in sorted(rule.columns) if _is_unknown(table[name])]
        said = [f"Unknown of every attempt: {', '.join(quiet)}."] if quiet else []
        met = [overlap for overlap in found.overlaps if overlap.both or overlap.only_other]
        return replace(found, notes=(*found.notes, *said), overlaps=tuple(met))

    def _places(self) -> Ints:
        time = self.found.facts.time
        low, high = (int(moment.timestamp() * 1e6) for moment in (self.since, self.until))
        places = np.arange(*np.searchsorted(time, [low, high]))
        if not len(places):
            raise NotEnoughError(
                f"fraud: there is no attempt from {self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M}. "
                "Choose other moments."
            )
        return places


def _called(standing: Standing) -> str:
    return standing.name if standing.is_live else f"{standing.name} (shadow)"


def _is_unknown(column: pa.ChunkedArray) -> bool:
    if pa.types.is_floating(column.type):
        return not np.isfinite(column.to_numpy()).any()
    return bool(column.null_count == len(column))
