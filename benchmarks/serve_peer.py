"""VSKNN behind the server that ours stands on: the peer of `benchmarks.serve_decisions`.

`python -m benchmarks.serve_peer SHOP PORT` answers `POST /v1/recommend` by the sessions of a shop's log, by the last of
each customer's, and does nothing beside: no rules, no decision noted, no event taken in. It is compiled, and its
tables are made once: what it answers is that of `benchmarks.sessions.neighbours`, which it is held to at its start.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.next_item import Floats, Histories, Ints
from benchmarks.sessions import neighbours
from regulars import Shop
from regulars.serve.server import listening

GAP_MICROSECONDS = 30 * 60 * 10**6
RECENT, NEAREST = 1000, 100
"""Of Ludewig and Jannach (2018), section 3.2; places weigh quadratically."""
COMPARED = 100


class Tables(NamedTuple):
    """What stands in which session, and the sessions of each product; `begins` say where each one's begin.

    Attributes
    ----------
    products, product_begins : of sessions, each product once.
    sessions, session_begins : of products, the `RECENT` newest.
    alike : (sessions,) zeros, and newest : (sessions,) ints; score : (products,) zeros: room to count in.
    """

    products: Ints
    product_begins: Ints
    sessions: Ints
    session_begins: Ints
    alike: Floats
    newest: Ints
    score: Floats

    @classmethod
    def of(cls, known: Histories) -> Tables:
        """From sessions in the order of their last event."""
        stands = known.matrix()
        stands.sum_duplicates()
        of_product = stands.T.tocsr()
        of_product.sort_indices()
        ends = of_product.indptr[1:].astype(np.int64)
        counts = np.minimum(np.diff(of_product.indptr), RECENT).astype(np.int64)
        begins = np.append(0, np.cumsum(counts))
        place = np.repeat(ends - begins[1:], counts) + np.arange(begins[-1])
        return cls(
            stands.indices.astype(np.int64), stands.indptr.astype(np.int64), of_product.indices[place].astype(np.int64),
            begins, np.zeros(known.n_users), np.zeros(known.n_users, np.int64), np.zeros(known.n_items),
        )  # fmt: skip


@numba.njit
def _alike(tables: Tables, items: Ints, weights: Floats) -> tuple[Ints, Floats, Ints]:
    """The sessions that share a product, how alike each is, and the place of the newest product that it shares."""
    met = np.empty(len(items) * RECENT, np.int64)
    count = distinct = 0
    for place in range(len(items)):
        item, last = items[place], place
        if (items[:place] == item).any():
            continue
        for later in range(place + 1, len(items)):
            if items[later] == item:
                last = later
        distinct += 1
        for at in range(tables.session_begins[item], tables.session_begins[item + 1]):
            session = tables.sessions[at]
            if tables.alike[session] == 0:
                met[count], tables.newest[session] = session, last
                count += 1
            tables.alike[session] += weights[last]
            tables.newest[session] = max(tables.newest[session], last)
    met = met[:count]
    found = tables.alike[met] / np.sqrt((tables.product_begins[met + 1] - tables.product_begins[met]) * distinct)
    tables.alike[met] = 0
    return met, found, tables.newest[met]


@numba.njit
def _voted(tables: Tables, sessions: Ints, weights: Floats) -> tuple[Ints, Floats]:
    """The products of some sessions, and the sum of the weights of those that each stands in."""
    room = (tables.product_begins[sessions + 1] - tables.product_begins[sessions]).sum()
    met, count = np.empty(room, np.int64), 0
    for k in range(len(sessions)):
        for at in range(tables.product_begins[sessions[k]], tables.product_begins[sessions[k] + 1]):
            product = tables.products[at]
            if weights[k] > 0 and tables.score[product] == 0:
                met[count] = product
                count += 1
            tables.score[product] += weights[k]
    met = met[:count]
    found = tables.score[met]
    tables.score[met] = 0
    return met, found


def votes(tables: Tables, items: Ints) -> tuple[Ints, Floats]:
    """Products that come next in a session, in no order, and their scores."""
    weights = (np.arange(1, len(items) + 1) / len(items)) ** 2
    sessions, alike, newest = _alike(tables, items, weights)  # type: ignore[call-arg]
    if len(sessions) > NEAREST:
        # Of those equally alike the older come first, as a stable order has it.
        bar = -np.partition(-alike, NEAREST - 1)[NEAREST - 1]
        level = np.flatnonzero(alike == bar)
        above = np.flatnonzero(alike > bar)
        level = level[np.argsort(sessions[level])][: NEAREST - len(above)]
        best = np.concatenate([above, level])
        sessions, alike, newest = sessions[best], alike[best], newest[best]
    step = len(items) - 1 - newest
    return _voted(tables, sessions, alike * np.where(step < 10, 1 - 0.1 * step, 0))  # type: ignore[call-arg]


def sessions(shop: Shop) -> tuple[Histories, list[str], dict[str, int]]:
    """All sessions in the order of their last event, the names of the products, and each customer's last session."""
    rows = shop.log.read("events", ["customer_id", "product_id", "time", "type"])
    # Decisions that ours noted before are events as well, and most name no product.
    rows = rows.filter(pc.equal(rows["type"].cast(pa.string()), "product_viewed"))
    rows = rows.sort_by([("customer_id", "ascending"), ("time", "ascending")])
    customers, products = (
        rows[name].cast(pa.string()).combine_chunks().dictionary_encode() for name in ("customer_id", "product_id")
    )
    customer, product = (found.indices.to_numpy().astype(np.int64) for found in (customers, products))
    time = rows["time"].cast(pa.int64()).to_numpy()
    begins = np.append(True, (customer[1:] != customer[:-1]) | (np.diff(time) > GAP_MICROSECONDS))
    offsets = np.append(np.flatnonzero(begins), len(time))
    names = products.dictionary.to_pylist()
    order = np.argsort(time[offsets[1:] - 1], kind="stable")
    whose = customers.dictionary.take(pa.array(customer[offsets[:-1]][order])).to_pylist()
    found = Histories(offsets, product, len(names)).of(order)
    return found, names, {name: place for place, name in enumerate(whose)}


def _compare(known: Histories, tables: Tables) -> None:
    """Hold what is compiled to the plain one, on the newest sessions."""
    plain = neighbours(known, recent=RECENT, nearest=NEAREST, weighting="quadratic", is_vmis=False)
    for place in range(known.n_users - COMPARED, known.n_users):
        one = known.of(np.array([place]))
        product, score = votes(tables, one.items)
        dense = np.zeros(known.n_items)
        dense[product] = score
        np.testing.assert_allclose(dense, plain(one)[0], rtol=1e-5, atol=1e-9)


def app(shop: Shop) -> Starlette:
    """One route."""
    known, names, last = sessions(shop)
    tables = Tables.of(known)
    _compare(known, tables)

    async def recommend(request: Request) -> Response:
        asked = orjson.loads(await request.body())
        place = last[asked["customer_id"]]
        product, score = votes(tables, known.items[known.offsets[place] : known.offsets[place + 1]])
        best = np.argsort(-score, kind="stable")[: asked["k"]]
        pairs = zip(product[best].tolist(), score[best].tolist(), strict=True)
        lines = [{"product_id": names[each], "score": value} for each, value in pairs]
        return Response(orjson.dumps({"products": lines}), media_type="application/json")

    return Starlette(routes=[Route("/v1/recommend", recommend, methods=["POST"])])


async def _serve(made: Starlette, port: int) -> None:
    await listening(made, "127.0.0.1", port).serve()


if __name__ == "__main__":
    made = app(Shop.open(Path(sys.argv[1])))
    gc.freeze()
    uvloop.run(_serve(made, int(sys.argv[2])))
