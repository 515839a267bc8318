"""One customer's profile as a page: who this is, in sentences with what they rest on, and the features behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import RenderableType

from regulars.customers import require_known, withheld, withheld_from
from regulars.errors import InputError, NotEnoughError
from regulars.events.schema import TIME
from regulars.language.verify import Fact, checked
from regulars.profile.dataset import KEYS, absent, features_as_of, held, source_for
from regulars.profile.evidence import EVIDENCE
from regulars.profile.history import history, month_ends
from regulars.profile.knowing import known_of_one
from regulars.profile.labels import LABELS_ZH
from regulars.profile.measure import measure_in_use
from regulars.profile.model import Norms
from regulars.profile.nearest import Near, nearest
from regulars.profile.needs import why_absent
from regulars.profile.own import Own, Quality
from regulars.profile.showing import rendered
from regulars.profile.stage import stages
from regulars.profile.telling import DAYS, Known, Teller
from regulars.profile.wording import WORDS, Sentence, Words

if TYPE_CHECKING:
    from regulars.shop import Shop

NO_EVIDENCE = "the log has no "
TOO_EARLY = "too little is known of this customer yet"
NEAREST = 5
"""So many customers are shown as the nearest."""


@dataclass(frozen=True)
class Page:
    """A customer as of a moment.

    Attributes
    ----------
    stage : of life; None for who objected to profiling, of whom nothing else is there either.
    said : who this is, in words; each sentence with its facts, and with the events that it rests on.
    changes : likewise, what is other than thirty days ago.
    known : interests, habits, prices, what comes next, each with how sure it is.
    untold : {prediction: why it cannot be made}.
    quality : how much is known of the customer.
    history : the stage and key features at the ends of months, the newest last.
    nearest : the customers most like this one, if they were asked for.
    features : {name: value} of those that are known.
    absent : {name: why} of those that are not.
    """

    customer_id: str
    as_of: datetime
    language: str
    currency: str
    stage: str | None
    said: tuple[Sentence, ...]
    changes: tuple[Sentence, ...] = ()
    known: Known = field(default_factory=Known)
    untold: dict[str, str] = field(default_factory=dict)
    quality: Quality | None = None
    history: tuple[dict[str, Any], ...] = ()
    nearest: tuple[Near, ...] = ()
    features: dict[str, float] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Who this is, in words alone."""
        return tuple(sentence.text for sentence in self.said)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All that the sentences say: what another wording may say too."""
        return tuple(fact for sentence in (*self.said, *self.changes) for fact in sentence.facts)

    def reworded(self, write: Callable[[str], str]) -> str:
        """The sentences as a writer puts them; as they are, where the writer does not keep to the facts.

        Parameters
        ----------
        write : answers a request in words with a text, as a language model does; see `verify.checked`.
        """
        between = "" if self.language == "zh" else " "
        told = between.join(self.sentences)
        return checked(write, told, self.facts) or told

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        said: dict[str, Any] = {
            "customer_id": self.customer_id,
            "as_of": self.as_of.isoformat(),
            "language": self.language,
            "stage": self.stage,
            "sentences": list(self.sentences),
            "said": [sentence.to_dict() for sentence in self.said],
        }
        if self.stage is None:
            return said
        return {
            **said,
            "changes": [sentence.to_dict() for sentence in self.changes],
            "known": self.known.to_dict(),
            "untold": self.untold,
            "quality": self.quality and {**self.quality._asdict(), "missing": self.quality.missing},
            "history": list(self.history),
            "nearest": [near._asdict() for near in self.nearest],
            "features": self.features,
            "absent": self.absent,
        }

    def label(self, english: str, **values: Any) -> str:
        """A heading or note of the page in its language."""
        text = LABELS_ZH.get(english, english) if self.language == "zh" else english
        return text.format(**values)

    def __rich__(self) -> RenderableType:
        return rendered(self)


def page(
    shop: Shop,
    customer_id: str,
    as_of: datetime,
    *,
    language: str = "en",
    with_nearest: bool = False,
    norms: Norms | None = None,
) -> Page:
    """The profile of one customer, by any of its ids, as of a moment.

    Parameters
    ----------
    language : "en" or "zh".
    with_nearest : whether to look for the customers most like this one, which takes all customers' features.
    norms : what `measure_in_use` says as of the moment, of whoever has it at hand. Default: it is asked, which takes
        minutes where nothing was learned.

    Raises
    ------
    NotFoundError
        If the log has no event of this customer before the moment; the message names similar ones.
    InputError
        If there is no such language.
    """
    if language not in WORDS:
        raise InputError(f'There is no language "{language}". There are: {", ".join(WORDS)}.')
    require_known(shop, customer_id, as_of)
    one = _pairs(customer_id, [as_of])
    customer_id = shop.identities.customers(one)[0].as_py()
    words = Words(language, shop.config.shop.currency)
    if "profiling" in withheld_from(shop, customer_id, as_of):
        return Page(customer_id, as_of, language, words.currency, None, (words.say("objected", []),))
    norms = norms or measure_in_use(shop, as_of)
    source = source_for(shop, one, held(shop, one))
    own = Own.of(shop, source)
    first = own.table["time"][0].as_py() if own.table.num_rows else as_of
    zone = shop.config.shop.timezone
    ends = month_ends(first, as_of, zone)
    table = features_as_of(shop, _pairs(customer_id, [as_of, as_of - timedelta(days=DAYS), *ends]))
    features, before = (_known(row) for row in table.slice(0, 2).to_pylist())
    stage, was = stages(table.slice(0, 2), norms.rhythm)
    missing = absent(shop, as_of)
    why = {name: NO_EVIDENCE + EVIDENCE[need][0] for name, need in missing.items()}
    why |= {name: TOO_EARLY for name in table.column_names if name not in KEYS and name not in features}
    known, untold, order_days = known_of_one(shop, source, norms.base, language)
    teller = Teller(words, norms, own, zone)
    changes: list[Sentence] = []
    reason = why_absent("changes", {"known_days": (as_of - first) / timedelta(days=1)}, language)
    if reason is None:
        changes = teller.changes(before, features, (was, stage))
    else:
        untold["changes"] = reason
    near: list[Near] = []
    if with_nearest:
        reason = why_absent("nearest_customers", norms.base.counts, language)
        near = nearest(shop, customer_id, as_of, NEAREST) if reason is None else []
        untold |= {} if reason is None else {"nearest_customers": reason}
    return Page(
        customer_id=customer_id,
        as_of=as_of,
        language=language,
        currency=words.currency,
        stage=stage,
        said=(
            *teller.features(features, stage, has_list_prices=known.discounts is not None),
            *teller.known(known),
        ),
        changes=tuple(changes),
        known=known,
        untold=untold,
        quality=own.quality(order_days),
        history=tuple(history(table.slice(2), norms.rhythm)),
        nearest=tuple(near),
        features=features,
        absent=why,
    )


def profiles(shop: Shop, as_of: datetime) -> pa.Table:
    """The profiles of all customers with an order before a moment: customer_id, stage, then the features.

    Whoever objected to profiling, or took consent to it back, is not among them.
    """
    customers = shop.customers(as_of)
    may = pc.invert(pc.is_in(customers["customer_id"], withheld(shop, "profiling", as_of)))
    table = features_as_of(shop, customers.filter(may))
    if not table.num_rows:
        raise NotEnoughError(f"profile: no customer has an order before {as_of:%Y-%m-%d}. Choose a later time.")
    found = stages(table, measure_in_use(shop, as_of).rhythm)
    return table.drop_columns(["as_of"]).add_column(1, "stage", pa.array(found))


def _pairs(customer_id: str, moments: list[datetime]) -> pa.Table:
    return pa.table({"customer_id": [customer_id] * len(moments), "as_of": pa.array(moments, TIME)})


def _known(row: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name not in KEYS and value is not None}
