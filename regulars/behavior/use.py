"""Asking the behaviour model of a shop: vectors, next products, surprise, and when a customer comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from regulars.behavior.buckets import EDGES_DAYS
from regulars.behavior.dataset import sequences_of
from regulars.behavior.encode import encode
from regulars.behavior.losses import full_softmax, hazard_loss
from regulars.behavior.model import FILES, BehaviorModel
from regulars.behavior.sequences import Ints, Sequences
from regulars.behavior.tokens import Targets, Tokens
from regulars.clock import micros, moment_of
from regulars.errors import NotFoundError
from regulars.events.schema import TIME

if TYPE_CHECKING:
    from regulars.models import Model
    from regulars.shop import Shop

Floats = npt.NDArray[np.float32]

NAME = "behavior"
EARLIER = "earlier-"
"""Before the names of the files of a version's second model, which learned until an earlier moment."""
CUSTOMERS = 50_000
"""So many customers' events are in memory at once."""
SCORES = 16_000_000
"""So many of products are in memory at once."""
WITHIN_DAYS = (7, 30, 90)
"""Windows of a return, which end where bins of the hazards end."""


class Kept(NamedTuple):
    """A model that is kept, and where: the version, and whether it is that version's earlier one."""

    model: BehaviorModel
    version: int
    is_earlier: bool

    @property
    def until(self) -> datetime:
        """It saw no event at or after this."""
        return moment_of(self.model.until)


def model_as_of(shop: Shop, moment: datetime) -> Kept:
    """The newest behaviour model that learned from nothing at or after a moment.

    Raises
    ------
    NotFoundError
        If there is none; the message says how to make one.
    """
    newest: tuple[int, int, bool] | None = None
    used = shop.models.version_in_use(NAME) or 0
    for kept in shop.models.history(NAME):
        if kept.version > used:
            continue
        about = kept.card["about"]
        for is_earlier, until in ((False, about["until"]), (True, about.get("earlier_until"))):
            if until is not None and until <= micros(moment) and (newest is None or until > newest[0]):
                newest = (until, kept.version, is_earlier)
    if newest is None:
        raise NotFoundError(
            f"No behaviour model in {shop.folder} learned from before {moment:%Y-%m-%d} only. "
            f"Train one: regulars learn behavior --until {moment:%Y-%m-%d}"
        )
    return load(shop, newest[1], is_earlier=newest[2])


def load(shop: Shop, version: int, *, is_earlier: bool = False) -> Kept:
    """A model by its version; the one that learned until an earlier moment, if asked for."""
    return Kept(_load(shop.models.get(NAME, version), EARLIER if is_earlier else ""), version, is_earlier)


def _load(kept: Model, start: str) -> BehaviorModel:
    digest = tuple(kept.card["files"][start + name]["sha256"] for name in FILES)
    return _cached(_Files(kept, start, digest))


class _Files:
    """The files of a model, known by their hashes: so one that was loaded is not loaded again."""

    def __init__(self, kept: Model, start: str, digest: tuple[str, ...]) -> None:
        self.kept, self.start, self.digest = kept, start, digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Files) and other.digest == self.digest


@lru_cache(maxsize=4)
def _cached(files: _Files) -> BehaviorModel:
    return BehaviorModel.from_files({name: files.kept.read(files.start + name) for name in FILES})


def vectors(shop: Shop, pairs: pa.Table, model: BehaviorModel | None = None) -> Floats:
    """Who customers are as of moments: what the model knows of each from its events before.

    Parameters
    ----------
    pairs : (n,) customer_id and as_of; the same customer may stand with several moments.
    model : default the newest that learned from nothing at or after the first of the moments.

    Returns
    -------
    (n, D) float32, in the order of the pairs. Of who is not known it is the vector of a stranger.

    Raises
    ------
    NotFoundError
        If no model is that old.
    """
    if not pairs.num_rows:
        return np.zeros((0, 0 if model is None else model.settings.size.dimensions), np.float32)
    model = model or _model_for(shop, pairs)
    moments = np.array([micros(moment) for moment in pairs["as_of"].to_pylist()])
    found = np.zeros((pairs.num_rows, model.settings.size.dimensions), np.float32)
    for part, sequences, customer in _histories(shop, pairs, moments, model):
        found[part] = model.states(sequences, customer, moments[part])
    return found


def _model_for(shop: Shop, pairs: pa.Table) -> BehaviorModel:
    return model_as_of(shop, min(pairs["as_of"].to_pylist(), default=shop.now)).model


def _histories(
    shop: Shop, pairs: pa.Table, moments: Ints, model: BehaviorModel
) -> Iterator[tuple[Ints, Sequences, Ints]]:
    """The pairs in parts, with the events of their customers; where ids were joined, by moment: which ids are a
    customer's depends on it."""
    ids = np.array(pairs["customer_id"].to_pylist(), object)
    whose = np.array(shop.identities.customers(pairs).to_pylist(), object)
    plain = shop.identities.is_plain
    groups = [np.arange(len(ids))] if plain else [np.flatnonzero(moments == moment) for moment in np.unique(moments)]
    for group in groups:
        names, owner = np.unique(whose[group].astype(str), return_inverse=True)
        latest = moment_of(int(moments[group].max()))
        for low in range(0, len(names), CUSTOMERS):
            inside = (owner >= low) & (owner < low + CUSTOMERS)
            part = group[inside]
            sequences = sequences_of(shop, model.vocabulary, latest, names[low : low + CUSTOMERS].tolist())
            yield part, sequences, owner[inside] - low


def table(shop: Shop, pairs: pa.Table) -> pa.Table:
    """Behaviour vectors as columns `behavior_0`, `behavior_1`, … for other capabilities; see `vectors`."""
    found = vectors(shop, pairs)
    fields = [pa.field("customer_id", pa.string()), pa.field("as_of", TIME)]
    about = {"meaning": "behaviour vector, one of its numbers", "unit": ""}
    fields += [pa.field(f"{NAME}_{k}", pa.float64(), metadata=about) for k in range(found.shape[1])]
    columns = [pairs["customer_id"], pairs["as_of"], *(pa.array(column.astype(np.float64)) for column in found.T)]
    return pa.table(columns, schema=pa.schema(fields))


def next_products(
    shop: Shop, pairs: pa.Table, k: int = 10, kind: str | None = "order_completed", model: BehaviorModel | None = None
) -> pa.Table:
    """The products that customers are most likely to meet next.

    Parameters
    ----------
    k : how many for each, >= 1.
    kind : in which type of event: "order_completed" for what is bought; None for whichever.

    Returns
    -------
    (n x k,) rows: customer_id, as_of, rank (from 1), product_id, probability (among all products).

    Raises
    ------
    ValueError
        If k is below 1.
    """
    if k < 1:
        raise ValueError(f"k is {k}; at least 1 is expected")
    model = model or _model_for(shop, pairs)
    states = vectors(shop, pairs, model)
    k = min(k, len(model.vocabulary.products))
    best, chances = [], []
    for low in range(0, max(len(states), 1), 1024):
        scores = torch.from_numpy(model.scores(states[low : low + 1024], kind))
        top = scores.topk(k, dim=1)
        best.append(top.indices.numpy())
        chances.append(torch.exp(top.values - scores.logsumexp(1, keepdim=True)).numpy())
    numbers = np.concatenate(best).ravel()
    names = pa.array(model.vocabulary.products)
    every = pa.array(np.repeat(np.arange(pairs.num_rows), k))
    return pa.table(
        {
            "customer_id": pairs["customer_id"].take(every),
            "as_of": pairs["as_of"].take(every),
            "rank": pa.array(np.tile(np.arange(1, k + 1), pairs.num_rows)),
            "product_id": names.take(pa.array(numbers - 1)),
            "probability": pa.array(np.concatenate(chances).ravel().astype(np.float64)),
        }
    )


def hazard(shop: Shop, pairs: pa.Table, model: BehaviorModel | None = None) -> pa.Table:
    """When customers come back, and what they spend.

    Returns
    -------
    (n,) rows in the order of the pairs: customer_id, as_of, `return_7d`, `return_30d`, `return_90d` (the chance of
    any event within so many days after the moment), `spend_30d` (expected, in the shop's currency).
    """
    model = model or _model_for(shop, pairs)
    states = vectors(shop, pairs, model)
    chance = model.hazards(states)
    columns = {f"return_{days}d": chance[:, int(np.searchsorted(EDGES_DAYS, days))] for days in WITHIN_DAYS}
    columns["spend_30d"] = model.spend(states)
    named = {name: pa.array(values.astype(np.float64)) for name, values in columns.items()}
    return pa.table({"customer_id": pairs["customer_id"], "as_of": pairs["as_of"], **named})


def surprise(shop: Shop, customers: list[str], as_of: datetime, model: BehaviorModel | None = None) -> pa.Table:
    """How unusual each event of customers was, by what came before it: its negative log-likelihood.

    Parameters
    ----------
    customers : whose events.
    as_of : events before this.
    model : default the newest that learned from nothing at or after `as_of`.

    Returns
    -------
    One row an event, in the order of customers and time: customer_id, time, and in nats `surprise`, the sum of
    `type_surprise`, `product_surprise` and `time_surprise`; of a customer's first event nothing is expected, so null.
    """
    model = model or model_as_of(shop, as_of).model
    sequences = sequences_of(shop, model.vocabulary, as_of, customers)
    lost = surprise_of(model, sequences)
    owner = pa.array(sequences.customers, pa.string()).take(pa.array(sequences.owner))
    columns = {name: pa.array(values.astype(np.float64), from_pandas=True) for name, values in lost.items()}
    total = np.sum(list(lost.values()), axis=0)
    return pa.table(
        {
            "customer_id": owner,
            "time": pa.array(sequences.time, pa.int64()).cast(TIME),
            "surprise": pa.array(total.astype(np.float64), from_pandas=True),
            **columns,
        }
    )


def surprise_of(model: BehaviorModel, sequences: Sequences) -> dict[str, npt.NDArray[np.float32]]:
    """{type_surprise, product_surprise, time_surprise: (n,)} of events, NaN for the first of each customer."""
    nothing = np.zeros(0, np.int64)
    tokens = Tokens.of(sequences, model.vocabulary, nothing, nothing, nothing)
    targets = Targets.of(tokens, sequences, model.until, np.random.default_rng(0))
    count = len(sequences.time)
    lost = {name: np.full(count, np.nan, np.float32) for name in ("type_surprise", "product_surprise", "time_surprise")}
    network = model.network
    with torch.inference_mode():
        vectors = network.eval().products()
    for part in encode(network, tokens, targets.has_next):
        with torch.inference_mode():
            device = part.state.device
            following = part.token + 1
            types = torch.from_numpy(targets.next_type[part.token].clip(0)).to(device)
            kind = torch.zeros(len(following))
            if network.has_types:
                kind = torch.nn.functional.cross_entropy(network.type_head(part.state), types, reduction="none")
            product = torch.from_numpy(sequences.fields["product"][following].astype(np.int64)).to(device)
            which = torch.zeros(len(following), device=device)
            for some in torch.split(torch.nonzero(product)[:, 0], max(SCORES // len(vectors), 1)):
                query = network.product_query(part.state[some], types[some])
                which[some] = full_softmax(query, vectors, product[some])
            when = torch.zeros(len(following))
            if network.is_timed:
                bins = torch.from_numpy(targets.bin[part.token]).to(device)
                when = hazard_loss(network.hazard_head(part.state), bins, torch.ones_like(bins, dtype=torch.bool))
        for name, values in zip(lost, (kind, which, when), strict=True):
            lost[name][following] = values.cpu().numpy()
    return lost
