"""VSKNN behind the server that ours stands on: the peer of `benchmarks.serve_decisions`.

`python -m benchmarks.serve_peer SHOP PORT` answers `POST /v1/recommend` by the sessions of a shop's log, by the last of
each customer's, and does nothing beside: no rules, no decision noted, no event taken in.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.next_item import Histories
from benchmarks.sessions import neighbours
from regulars import Shop
from regulars.serve.server import listening

GAP_MICROSECONDS = 30 * 60 * 10**6
SETTINGS = {"recent": 1000, "nearest": 100, "weighting": "quadratic"}
"""Of Ludewig and Jannach (2018), section 3.2."""


def sessions(shop: Shop) -> tuple[Histories, list[str], dict[str, int]]:
    """All sessions in the order of their last event, the names of the products, and each customer's last session."""
    rows = shop.log.read("events", ["customer_id", "product_id", "time"]).sort_by(
        [("customer_id", "ascending"), ("time", "ascending")]
    )
    customers, products = (rows[name].combine_chunks().dictionary_encode() for name in ("customer_id", "product_id"))
    customer, product = (found.indices.to_numpy().astype(np.int64) for found in (customers, products))
    time = rows["time"].cast(pa.int64()).to_numpy()
    begins = np.append(True, (customer[1:] != customer[:-1]) | (np.diff(time) > GAP_MICROSECONDS))
    offsets = np.append(np.flatnonzero(begins), len(time))
    names = products.dictionary.to_pylist()
    order = np.argsort(time[offsets[1:] - 1], kind="stable")
    whose = customers.dictionary.take(pa.array(customer[offsets[:-1]][order])).to_pylist()
    found = Histories(offsets, product, len(names)).of(order)
    return found, names, {name: place for place, name in enumerate(whose)}


def app(shop: Shop) -> Starlette:
    """One route."""
    known, names, last = sessions(shop)
    score = neighbours(known, **SETTINGS, is_vmis=False)  # type: ignore[arg-type]

    async def recommend(request: Request) -> Response:
        asked = orjson.loads(await request.body())
        place = np.array([last[asked["customer_id"]]])
        (found,) = score(known.of(place))
        best = np.argpartition(-found, asked["k"])[: asked["k"]]
        best = best[np.argsort(-found[best])]
        lines = [{"product_id": names[each], "score": float(found[each])} for each in best.tolist()]
        return Response(orjson.dumps({"products": lines}), media_type="application/json")

    return Starlette(routes=[Route("/v1/recommend", recommend, methods=["POST"])])


async def _serve(shop: Path, port: int) -> None:
    await listening(app(Shop.open(shop)), "127.0.0.1", port).serve()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2])))
