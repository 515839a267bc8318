"""A copy of all that a shop keeps about a customer, in forms that people and programs read."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars import storage
from regulars.customers.by_hand import present
from regulars.customers.one import one_customer
from regulars.errors import NotFoundError
from regulars.events.schema import EVENTS
from regulars.privacy import records
from regulars.privacy.accounts import terms_of
from regulars.privacy.person import People, ids_of, people_of
from regulars.spreadsheet import to_csv
from regulars.state import FILE as STATE

if TYPE_CHECKING:
    from regulars.shop import Shop

DECISION = "decision_made"


def export(shop: Shop, customer: str, file: Path) -> dict[str, int]:
    """Write the copy (`archive`); how many rows of each kind are in it."""
    data, counts = archive(shop, customer)
    storage.replace(file, data)
    return counts


def archive(shop: Shop, customer: str) -> tuple[bytes, dict[str, int]]:
    """The copy as an archive (ZIP), and how many rows of each kind are in it.

    In the archive: `customer.json` (ids, traits, consents and objections), `events.jsonl` and `events.csv` (the log's
    rows; imported into an empty shop they give the same profile), `decisions.json` (with model, reasons and the
    disclosure that went with each), `state.json` (messages, talks, coupons, reviews), `tables.json` (what capabilities
    found last: profile, risk, segments, lists).

    Raises
    ------
    NotFoundError
        If neither the log nor support knows the customer.
    """
    moment = present(shop)
    ids = ids_of(shop, [customer])
    people = people_of(shop, shop.log.snapshot(), ids)
    found = [pq.read_table(path).cast(EVENTS) for path in shop.log.paths(shop.log.snapshot(), "events")]
    events = pa.concat_tables([EVENTS.empty_table(), *(rows.filter(pa.array(people.rows(rows))) for rows in found)])
    events = events.sort_by([("time", "ascending"), ("event_id", "ascending"), ("line", "ascending")])
    rows = [{name: value for name, value in row.items() if value is not None} for row in events.to_pylist()]
    orders, texts = terms_of(shop, ids)
    finder = people.with_(People(orders=orders, texts=texts)).finder
    state: dict[str, Any] = {}
    if shop.config.state.url or (shop.folder / STATE).exists():
        state = records.about(shop.state, finder)
    decided = [_decision(row) for row in rows if row["type"] == DECISION]
    tables = _tables(shop, ids)
    lines = "".join(json.dumps(row, default=_plain, ensure_ascii=False) + "\n" for row in rows)
    content: dict[str, bytes] = {
        "customer.json": _json(_known_of(shop, customer, moment)),
        "events.jsonl": lines.encode(),
        "events.csv": to_csv(events),
        "decisions.json": _json(decided),
        "state.json": _json(state),
        "tables.json": _json(tables),
    }
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in content.items():
            packed.writestr(name, data)
    return sink.getvalue(), {
        "ids": len(ids),
        "events": len(rows),
        "decisions": len(decided),
        "rows of the state": sum(map(len, state.values())),
        "rows of tables": sum(map(len, tables.values())),
    }


def _known_of(shop: Shop, customer: str, moment: datetime) -> dict[str, Any]:
    try:
        return one_customer(shop, customer, moment)
    except NotFoundError:  # support alone knows of an account: no event says anything
        return {"customer_id": customer, "as_of": moment.isoformat(), "ids": [{"id": customer}]}


def _decision(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "properties": json.loads(row.get("properties") or "{}")}


def _tables(shop: Shop, ids: frozenset[str]) -> dict[str, list[dict[str, Any]]]:
    """The customer's rows of the newest table of each kind."""
    newest: dict[str, Path] = {}
    for path in sorted(shop.tables.folder.glob("*/*.parquet")):
        newest[f"{path.parent.name}/{path.stem.partition('-')[0]}"] = path
    own = pa.array(sorted(ids), pa.string())
    found: dict[str, list[dict[str, Any]]] = {}
    for name, path in newest.items():
        table = pq.read_table(path)
        if "customer_id" in table.column_names:
            rows = table.filter(pc.is_in(table["customer_id"], own)).to_pylist()
            found |= {name: rows} if rows else {}
    return found


def _json(found: Any) -> bytes:
    return json.dumps(found, default=_plain, ensure_ascii=False, indent=1).encode()


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
