"""Exports as platforms write them, imported into an empty shop without a mapping."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from regulars import Shop
from regulars.events.importing import ImportResult
from regulars.events.readers import csv as csv_reader
from regulars.events.readers import jsonl as jsonl_reader


class Export:
    """A shop, and what is imported into it."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self.shop, self.folder = shop, folder

    def text(self, name: str, text: str) -> ImportResult:
        """Import a file with this text."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return self.shop.import_(path)

    def lines(self, *calls: Any) -> ImportResult:
        """Import JSON lines, of objects or of texts as they stand."""
        texts = [call if isinstance(call, str) else json.dumps(call, ensure_ascii=False) for call in calls]
        return self.text("calls.jsonl", "\n".join(texts))

    def rows(self, *columns: str, kind: str | None = None) -> list[tuple[Any, ...]]:
        """The log's lines, by time and line; those of one type."""
        table = self.shop.log.read("events", list({*columns, "time", "line", "type", "event_id"})).to_pylist()
        table.sort(key=lambda row: (row["time"], row["event_id"], row["line"]))
        return [tuple(row[name] for name in columns) for row in table if kind in (None, row["type"])]

    def money(self, kind: str) -> dict[str, Decimal]:
        """What the events of a type came to, by currency."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for quantity, price, currency in self.rows("quantity", "unit_price", "currency", kind=kind):
            if price is not None:
                sums[currency] += Decimal(str(quantity)) * price
        return {currency: total.normalize() + 0 for currency, total in sums.items()}

    def properties(self, kind: str | None = None) -> list[Any]:
        """The properties of the lines, as objects."""
        return [json.loads(text) if text else None for (text,) in self.rows("properties", kind=kind)]

    def catalogue(self) -> list[tuple[Any, ...]]:
        """The products: id, title, category, brand, price."""
        names = ["product_id", "title", "category", "brand", "list_price"]
        return sorted(tuple(row.values()) for row in self.shop.log.read("catalogue", names).to_pylist())

    def refused(self, result: ImportResult) -> list[tuple[int, str]]:
        """Line and reason of each refused row."""
        if result.rejects is None:
            return []
        with result.rejects.open(newline="") as file:
            return [(int(row["line"]), row["reason"]) for row in csv.DictReader(file)]

    def format(self) -> list[str]:
        """The formats of the mappings that shop.toml has."""
        return [mapping.format for mapping in self.shop.config.mappings().values()]


@pytest.fixture
def export(shop: Shop, tmp_path: Path) -> Export:
    """An empty shop in EUR and UTC to import exports into."""
    return Export(shop, tmp_path)


@pytest.fixture(params=[1, 200, 1 << 24])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Files are cut into pieces of so many bytes, at least a row each."""
    for name in ("SMALLEST_CHUNK", "LARGEST_CHUNK"):
        monkeypatch.setattr(csv_reader, name, request.param)
    monkeypatch.setattr(jsonl_reader, "CHUNK_BYTES", request.param)
    return int(request.param)
