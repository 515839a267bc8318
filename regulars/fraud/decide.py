"""What to do about the attempts of the last days: which to hold for a person, challenge or block, and why."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.clock import micros
from regulars.config import FraudSettings
from regulars.errors import NotEnoughError
from regulars.events.identity import hash_rows
from regulars.events.schema import TIME
from regulars.fraud.attempts import Attempts, attempts
from regulars.fraud.costs import expected_loss, hold
from regulars.fraud.dataset import dataset
from regulars.fraud.graph.rings import rings
from regulars.fraud.model import FraudModel
from regulars.fraud.reasons import reasons
from regulars.fraud.review import let_through
from regulars.fraud.rule import FraudRules, Lists, judge, table_of, vocabulary
from regulars.fraud.stream import Ints
from regulars.fraud.surprise import surprised
from regulars.fraud.training import in_use

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]

SALT = "fraud control"
"""Name of the shop's secret by which attempts are let through."""
HIGHEST_SHARE, AT_LEAST = 0.01, 5
"""Without labels the most unusual attempts are held: this share, or a few, and no more than people can look at."""

POLICIES = {
    "rule": "a rule or list",
    "cost": "held where the expected loss is above the cost of a look",
    "unusual": "the most unusual, as many as people can look at",
    "control": "let through by chance, to measure by",
}
DISCLOSURE = {
    "en": "This was decided by a program. You can have a person look at it again: contact us.",
    "zh": "此决定由程序作出。您可以要求人工复核：请联系我们。",
}
"""What a customer must be told of whom an order was blocked without a person (GDPR, article 22)."""

OWN = {
    "attempt_id": {"meaning": "the event that is judged"},
    "risk": {"meaning": "probability of fraud; without labels how many attempts are more usual", "unit": "share"},
    "expected_loss": {"meaning": "what letting it through costs in the mean", "unit": "money"},
    "amount": {"meaning": "of the attempt", "unit": "money"},
    "time": {"meaning": "when it was tried"},
    "ring": {"meaning": "number of the ring that its customer is of"},
}


def decide(shop: Shop, as_of: datetime) -> pa.Table:
    """The attempts of the last `[fraud] days` days that are held, those of most expected loss first.

    Returns
    -------
    One row an attempt that is held, or let through by chance: the columns of `DECISION`, and `rank`, `attempt_id`,
    `risk`, `expected_loss` (null without labels), `amount`, `time`, `ring`, `model_version`. `action` is review, unless
    a rule says challenge, or block and `[fraud] block` is on. All other attempts are allowed.
    """
    settings = shop.config.fraud
    model, version = in_use(shop)
    found = attempts(shop, as_of)
    since = micros(as_of - timedelta(days=settings.days))
    places = np.flatnonzero(found.facts.time >= since)
    label, _ = found.stream.labels()
    # What is known already needs no decision, and what was declined does no harm.
    is_open = np.asarray(pc.fill_null(pc.not_equal(found.table["outcome"], "declined"), True)) & (label < 0)
    places = places[is_open[places]]
    if not len(places):
        raise NotEnoughError(
            f"fraud: no attempt in the {settings.days} days before {as_of:%Y-%m-%d %H:%M} whose outcome is open. "
            "Choose another as-of time, or raise [fraud] days."
        )
    if model.source is not None:
        found = surprised(shop, found, model.source, places)
    data = dataset(found, shop.config.shop.timezone, model.base_rate, places, model.names)
    scores = model.scores(data.rows)
    amount = found.facts.amount[places]
    judged = _judged(shop, found, places, model, scores.risk)
    action, why = actions(scores.risk, amount, judged["action"].to_pylist(), model.is_taught, settings)
    held = np.flatnonzero(action != "allow")
    ids = found.table["event_id"].combine_chunks().take(pa.array(places[held]))
    is_asked = np.isin(why[held], ("cost", "unusual"))  # what a rule says is done
    control = let_through(ids, np.where(is_asked, amount[held], np.inf), settings, shop.state.secret(SALT))
    action[held[control.is_let_through]], why[held[control.is_let_through]] = "allow", "control"
    loss = expected_loss(scores.risk, amount, settings) if model.is_taught else np.full(len(places), np.nan)
    rank = np.argsort(-np.nan_to_num(loss[held], nan=0.0) - 1e-9 * scores.risk[held], kind="stable")
    held, propensity = held[rank], control.propensity[rank]
    hits = [judged["hits"][int(row)].as_py() for row in held]
    said = reasons(model, data.rows[held], scores.anomaly[held], hits, settings.language, shop.config.shop.currency)
    ring = _rings(found, places[held])
    told = DISCLOSURE[settings.language]
    inputs = pa.table(
        {
            "attempt_id": found.table["event_id"].take(pa.array(places[held])),
            "rules": pc.binary_join(pa.array(hits, pa.list_(pa.string())), "\x1f"),
            **{name: pa.array(data.rows[held, k].astype(float)) for k, name in enumerate(data.names)},
        }
    )
    count = len(held)
    money = np.round(loss[held], 2)
    decided = pa.table(
        {
            "rank": pa.array(np.arange(1, count + 1)),
            "customer_id": pc.fill_null(found.table["customer_id"].take(pa.array(places[held])), "unknown"),
            "attempt_id": inputs["attempt_id"],
            "action": pa.array(action[held], pa.string()),
            "risk": pa.array(scores.risk[held].round(5)),
            "expected_loss": pa.array(money, mask=np.isnan(money)),
            "amount": pa.array(amount[held], mask=np.isnan(amount[held])),
            "time": pa.array(found.facts.time[places[held]]).cast(TIME),
            "ring": ring,
            "model_version": pa.repeat(version, count),
            "reasons": pa.array(said, pa.list_(pa.string())),
            "policy": pa.array([POLICIES[each] for each in why[held]], pa.string()),
            "propensity": pa.array(propensity),
            "inputs_hash": pa.array([f"{value:016x}" for value in hash_rows(inputs, tuple(inputs.column_names))]),
            "disclosure": pa.array([told if each == "block" else None for each in action[held]], pa.string()),
        }
    )
    fields = [field.with_metadata(OWN.get(field.name)) for field in decided.schema]
    return decided.cast(pa.schema(fields, {"allowed": str(len(places) - count)}))


def actions(
    risk: Floats, amount: Floats, by_rule: list[str | None], is_taught: bool, settings: FraudSettings
) -> tuple[Texts, Texts]:
    """(n,) what is done with each attempt (allow, review, challenge, block), and why: a key of `POLICIES`.

    A rule or list wins over the score. Nothing is blocked unless `[fraud] block` is on: then a person looks at it.
    """
    if is_taught:
        held = hold(risk, amount, settings)
        is_held, may_block, word = held.review, held.block, "cost"
    else:
        most = min(settings.reviews_per_day * settings.days, max(round(HIGHEST_SHARE * len(risk)), AT_LEAST))
        is_held = np.zeros(len(risk), bool)
        is_held[np.argsort(-risk, kind="stable")[:most]] = True
        may_block, word = np.zeros(len(risk), bool), "unusual"
    action = np.where(is_held, np.where(may_block, "block", "review"), "allow").astype(object)
    why = np.full(len(risk), word, object)
    ruled = np.array(by_rule, object)
    is_ruled = np.array([each is not None for each in by_rule], bool)
    action[is_ruled], why[is_ruled] = ruled[is_ruled], "rule"
    if not settings.block:
        action[action == "block"] = "review"
    return action, why


def _judged(shop: Shop, found: Attempts, places: Ints, model: FraudModel, risk: Floats) -> pa.Table:
    """What rules and lists say."""
    standing = FraudRules(shop).standing(vocabulary(found))
    names = {name for each in standing for name in each.rule.columns}
    known_risk = risk if model.is_taught else None
    table = table_of(
        found, names, Lists(shop).index(), shop.config.shop.timezone, base_rate=model.base_rate, places=places,
        risk=known_risk,
    )  # fmt: skip
    return judge(standing, table)


def _rings(found: Attempts, places: Ints) -> pa.Array:
    """(n,) the number of the ring that the customer of each attempt is of."""
    if "customer" not in found.stream.codes:
        return pa.nulls(len(places), pa.int64())
    joined = rings(found.stream)
    code = found.stream.codes["customer"][found.stream.attempts[places]]
    ring = np.full(int(found.stream.codes["customer"].max(initial=-1)) + 2, -1)
    for number in range(1, len(joined) + 1):
        ring[joined.members(number)] = number
    found_ring = ring[code]
    return pa.array(found_ring, pa.int64(), mask=found_ring < 0)
