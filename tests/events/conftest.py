from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from regulars.events.convert import Conversion
from regulars.events.importing import ImportResult, import_file
from regulars.events.log import EventLog
from regulars.events.mapping import Mapping
from regulars.events.readers import csv as csv_reader
from regulars.events.readers import jsonl as jsonl_reader
from regulars.events.readers import open_source
from regulars.events.readers import parquet as parquet_reader

NOW = datetime(2024, 6, 1, tzinfo=UTC)
COLUMNS = {
    "time": "date",
    "customer_id": "customer",
    "product_id": "product",
    "quantity": "quantity",
    "unit_price": "price",
    "order_id": "order",
}


class Till:
    """A log, and what a till exports into it: columns date, customer, product, quantity, price and order."""

    header = "date,customer,product,quantity,price,order"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = EventLog.create(folder / "log")
        self.mapping = self.mapping_with()
        self.rejects = folder / "rejects.csv"

    def mapping_with(self, *without: str, **columns: str) -> Mapping:
        """The till's mapping with further columns, and without some."""
        kept = {field: header for field, header in (COLUMNS | columns).items() if field not in without}
        return Mapping("till", kept, {} if "type" in kept else {"type": "order_completed"})

    def file(self, name: str, *rows: str, header: str | None = None) -> Path:
        """A text file with a header and rows."""
        path = self.folder / name
        path.write_text("\n".join([self.header if header is None else header, *rows, ""]))
        return path

    def import_(self, path: Path, *, mapping: Mapping | None = None, strict: bool = False) -> ImportResult:
        """Import a file; the listing of refused rows begins anew."""
        self.rejects.unlink(missing_ok=True)
        conversion = Conversion(mapping or self.mapping, "GBP", "UTC", NOW)
        return import_file(self.log, open_source(path), conversion, self.rejects, strict=strict)

    def import_rows(self, *rows: str) -> ImportResult:
        """Import rows of CSV under the till's header."""
        return self.import_(self.file("rows.csv", *rows))

    def rows(self, *columns: str) -> list[tuple[object, ...]]:
        """The log's events, ordered."""
        if not self.log.version:
            return []
        table = self.log.read("events", list(columns)).to_pylist()
        return sorted((tuple(row[name] for name in columns) for row in table), key=str)

    def refused(self) -> list[tuple[int, str, str, str]]:
        """The last import's refused rows: line, column, value, reason."""
        if not self.rejects.exists():
            return []
        with self.rejects.open(newline="") as file:
            return [(int(r["line"]), r["column"], r["value"], r["reason"]) for r in csv.DictReader(file)]


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till(tmp_path)


@pytest.fixture
def cut_to(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the readers cut files into pieces of so many bytes, or rows."""

    def cut(size: int) -> None:
        monkeypatch.setattr(csv_reader, "SMALLEST_CHUNK", size)
        monkeypatch.setattr(csv_reader, "LARGEST_CHUNK", size)
        monkeypatch.setattr(jsonl_reader, "CHUNK_BYTES", size)
        monkeypatch.setattr(parquet_reader, "CHUNK_ROWS", size)

    return cut
