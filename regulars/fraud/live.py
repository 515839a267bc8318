"""One attempt in, one decision out: with what is known at that moment, in milliseconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import pyarrow as pa

from regulars.clock import micros
from regulars.fraud.attempts import Facts, attempts
from regulars.fraud.costs import expected_loss
from regulars.fraud.decide import DISCLOSURE, actions
from regulars.fraud.features.batch import spoken_of, with_ratios
from regulars.fraud.features.declared import RATIOS, Measure, Ratio, of_property
from regulars.fraud.features.named import needed
from regulars.fraud.features.online import Row, State, joined
from regulars.fraud.features.own import own
from regulars.fraud.features.travel import LastPlaces, Place
from regulars.fraud.model import FraudModel
from regulars.fraud.network import address
from regulars.fraud.properties import number
from regulars.fraud.reasons import reasons
from regulars.fraud.rule import FraudRules, Index, Lists, Standing, judge_row, row_of, vocabulary
from regulars.fraud.rule.columns import ENTITY_OF, PROPERTY
from regulars.fraud.rule.entries import normal
from regulars.fraud.stream import OWN, banded
from regulars.fraud.surprise import COLUMN
from regulars.fraud.training import in_use

if TYPE_CHECKING:
    from regulars.shop import Shop

PAIRED = ("device", "address", "payment")
NOTED = ("sign_in", "sign_in_failed", "signed_up", "coupon", "refunded", "reviewed", "address_changed", "declined")
"""Kinds of rows beside attempts that can be told live; labels besides."""


class Decision(NamedTuple):
    """What is to be done with an attempt.

    Attributes
    ----------
    action : allow, review, challenge or block.
    risk : probability of fraud; of a model without labels how many attempts are more usual.
    expected_loss : what letting it through costs in the mean; NaN without labels.
    reasons : in words; none where it is allowed.
    rules : names of the rules that are true of it; shadow : of those that are only counted.
    disclosure : what the customer must be told, if anything.
    model_version : of the model that scored it.
    """

    action: str
    risk: float
    expected_loss: float
    reasons: tuple[str, ...]
    rules: tuple[str, ...]
    shadow: tuple[str, ...]
    disclosure: str | None
    model_version: int


@dataclass
class Live:
    """The warm state that decides about attempts as they come.

    It is made from the log as of a moment, then told of every attempt and of what becomes known. Calls are not safe
    from several threads at once: whoever serves many gives each its turn.

    Examples
    --------
    >>> live = Live.of(shop, shop.now)                                                          # doctest: +SKIP
    >>> live.decide({"customer_id": "ada", "device_id": "d1", "amount": 80.0}, moment).action   # doctest: +SKIP
    'allow'
    """

    shop: Shop
    model: FraudModel
    version: int
    state: State
    last: LastPlaces
    ratios: tuple[Ratio, ...]
    index: Index
    standing: list[Standing]
    texts: frozenset[str]
    numbers: frozenset[str]
    is_large: dict[str, bool]

    @classmethod
    def of(cls, shop: Shop, as_of: datetime) -> Live:
        """As the log was before a moment.

        Raises
        ------
        NotFoundError
            If no fraud model is in use.
        """
        model, version = in_use(shop)
        found = attempts(shop, as_of)
        standing = FraudRules(shop).standing(vocabulary(found))
        names = {*model.names, *(name for each in standing for name in each.rule.columns)}
        measures: tuple[Measure, ...] = spoken_of(found.stream, needed(names))
        entities = dict.fromkeys(measure.entity for measure in measures if measure.entity.startswith(OWN))
        ratios = (*RATIOS, *(of_property(entity)[1] for entity in entities))
        state = State.of(found.stream, measures)
        last = LastPlaces.of(found)
        texts = frozenset(name.replace(OWN, PROPERTY, 1) for name in found.stream.names if name.startswith(OWN))
        numbers = frozenset(PROPERTY + name for name in found.facts.numbers)
        index = Lists(shop).index()
        return cls(shop, model, version, state, last, ratios, index, standing, texts, numbers, {})

    def warm(self) -> Self:
        """Compile what decisions need, which else the first would wait for; a service does so once, when it begins."""
        nothing = np.full((1, len(self.model.names)), np.nan, np.float32)
        self.model.scores(nothing)
        self.model.contributions(nothing)
        return self

    def decide(self, attempt: Mapping[str, Any], moment: datetime) -> Decision:
        """What to do with an attempt, and let it be known for those that follow.

        Parameters
        ----------
        attempt : what it says of itself: `event_id`, `customer_id`, `device_id`, `ip`, `payment_id`, `product_id`,
            `order_id`, `amount`, `email`, `name`, `phone`, `address`, `merchant`, `channel`, `has_coupon`, `signed_up`
            (a datetime), `latitude`, `longitude`, `there_latitude`, `there_longitude`, `properties.NAME`, and
            `behavior_surprise`, of whoever keeps the behaviour model's states; what is missing is unknown.
        moment : when it is tried.
        """
        settings = self.shop.config.fraud
        time = micros(moment)
        attempt = self._as_logged(attempt)
        values = _values(attempt)
        amount = _number(attempt.get("amount"))
        columns = {name: np.array([value], np.float32) for name, value in self.state.ask(time, values).items()}
        columns["amount"] = np.array([amount], np.float32)
        columns = with_ratios(columns, self.model.base_rate, self.ratios)
        columns |= own(_facts(attempt, time, amount), self.shop.config.shop.timezone)
        customer = attempt.get("customer_id")
        place = Place(time, _number(attempt.get("latitude")), _number(attempt.get("longitude")))
        beside = {**self.last.ask(customer, place), COLUMN: _number(attempt.get(COLUMN))}
        columns |= {name: np.array([value], np.float32) for name, value in beside.items()}
        nothing = np.full(1, np.nan, np.float32)
        row = np.stack([columns.get(name, nothing) for name in self.model.names], axis=1)
        scores = self.model.scores(row)
        risk = float(scores.risk[0])
        known = {name: float(column[0]) for name, column in columns.items()}
        asked = row_of(
            attempt, moment, known, self.index, self.shop.config.shop.timezone,
            risk=risk if self.model.is_taught else None,
        )  # fmt: skip
        judged = judge_row(self.standing, asked)
        one = np.array([amount])
        if self.model.is_taught:
            action = str(actions(scores.risk, one, [judged.action], True, settings)[0][0])
            loss = float(expected_loss(scores.risk, one, settings)[0])
        else:
            # Of one attempt alone nobody can say that it is among the most unusual of its day: the bar is their share.
            by_score = "review" if risk >= UNUSUAL else "allow"
            action = judged.action or by_score
            action, loss = "review" if action == "block" and not settings.block else action, float("nan")
        why: tuple[str, ...] = ()
        if action != "allow":
            hits = [list(judged.hits)]
            why = tuple(
                reasons(self.model, row, scores.anomaly, hits, settings.language, self.shop.config.shop.currency)[0]
            )
        is_large = self.state.add(Row(time, "attempt", amount, values))
        self.last.add(customer, place)
        if event_id := attempt.get("event_id"):
            self.is_large[str(event_id)] = is_large
        told = DISCLOSURE[settings.language] if action == "block" else None
        return Decision(action, risk, loss, why, judged.hits, judged.shadow, told, self.version)

    def note(self, kind: str, about: Mapping[str, Any], moment: datetime, tried: datetime | None = None) -> None:
        """Let something else be known.

        Parameters
        ----------
        kind : of `NOTED`, or fraud or honest: what became known of an attempt.
        about : as of `decide`; of a label the attempt that it is about.
        tried : of a label, when its attempt was.
        """
        if kind not in (*NOTED, "fraud", "honest"):
            raise ValueError(f'there is no kind "{kind}"; there are: {", ".join((*NOTED, "fraud", "honest"))}')
        is_large = self.is_large.pop(str(about.get("event_id")), False) if kind in ("fraud", "honest") else False
        amount = _number(about.get("amount"))
        time = micros(moment)
        values = _values(self._as_logged(about))
        self.state.add(Row(time, kind, amount, values, micros(tried) if tried else time, is_large))

    def _as_logged(self, said: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: _written(value) if name in self.texts else _read(value) if name in self.numbers else value
            for name, value in said.items()
        }


UNUSUAL = 0.99
"""Without labels an attempt is held that is more unusual than so many."""


def _written(value: Any) -> Any:
    """A property that is a text in the log, as the log has it: true is "true" there, and 1 is "1"."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _read(value: Any) -> float | None:
    """A property that is a number in the log, as the log has it: "1.5" is 1.5 there, and true is 1."""
    return None if value is None else number(_written(value))


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _values(said: Mapping[str, Any]) -> dict[str, str]:
    """What a live row shares with others, as the stream names it."""
    values: dict[str, str | None] = {entity: said.get(name) for name, entity in ENTITY_OF.items()}
    if values["ip"] is not None:
        values["ip"], values["ip_range"] = address(values["ip"])
    email = said.get("email")
    values |= {"email": email, "email_domain": email}
    for entity in ("address", "phone", "email", "email_domain"):
        if (value := values[entity]) is not None:
            values[entity] = normal(entity, value)
    found = {entity: str(value) for entity, value in values.items() if value is not None}
    found |= {
        name.replace(PROPERTY, OWN, 1): str(value)
        for name, value in said.items()
        if name.startswith(PROPERTY) and value is not None
    }
    for one in PAIRED:
        if one in found and "customer" in found:
            found[f"customer_{one}"] = joined(found["customer"], found[one])
    band = int(banded(np.array([_number(said.get("amount"))]))[0])
    return found | ({"amount_band": str(band)} if band >= 0 else {})


def _facts(said: Mapping[str, Any], time: int, amount: float) -> Facts:
    email, name, ip = (pa.array([said.get(each)], pa.string()) for each in ("email", "name", "ip"))
    signed_up = said.get("signed_up")
    places = ("latitude", "longitude", "there_latitude", "there_longitude")
    numbers = {}
    for key, value in said.items():
        if key.startswith(PROPERTY) and isinstance(value, int | float):
            numbers[key.removeprefix(PROPERTY)] = np.array([float(value)])
    return Facts(
        np.array([time]), np.array([amount]), np.array([-1 if signed_up is None else micros(signed_up)]), email, name,
        ip, np.array([bool(said.get("has_coupon"))]), np.array([[_number(said.get(each))] for each in places]), numbers,
    )  # fmt: skip
