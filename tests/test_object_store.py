"""Files in S3: brought, imported, laid for others; against a server of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem
from typer.testing import CliRunner

from regulars import Shop
from regulars.cli import app
from regulars.errors import InputError
from regulars.object_store import brought, laid

ORDERS = b"date,customer,product,price\n2024-05-01,ada,tea,4.50\n"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def store(server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> S3FileSystem:
    """An empty bucket, "tea"."""
    for name, value in (
        ("AWS_ENDPOINT_URL", server), ("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    store = S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
    if store.exists("tea"):
        store.rm("tea", recursive=True)
    store.mkdir("tea")
    return store


def test_files_are_imported_from_a_bucket_and_nothing_of_them_stays_here(store: S3FileSystem, tmp_path: Path) -> None:
    store.pipe("tea/2024/may/orders.csv", ORDERS)
    store.pipe("tea/2024/june.csv", ORDERS.replace(b"05-01", b"06-01"))
    shop = Shop.create(tmp_path / "shop")
    done = CliRunner().invoke(app, ["import", "s3://tea/2024/", "--shop", str(shop.folder), "--yes", "--json"])
    assert done.exit_code == 0, done.output
    assert shop.log.snapshot().rows("events") == 2
    again = CliRunner().invoke(app, ["import", "s3://tea/2024/june.csv", "--shop", str(shop.folder), "--yes", "--json"])
    assert again.exit_code == 0, again.output
    assert shop.log.snapshot().rows("events") == 2
    assert not list((shop.folder / "spill").iterdir())


def test_what_is_not_there_is_said(store: S3FileSystem, tmp_path: Path) -> None:
    for address in ("s3://tea/none.csv", "s3://coffee/orders.csv"):
        with pytest.raises(InputError, match=address), brought([address], tmp_path):
            pass


def test_a_name_that_leads_out_of_its_folder_is_refused(store: S3FileSystem, tmp_path: Path) -> None:
    store.pipe("tea/a/../../b.csv", ORDERS)
    with pytest.raises(InputError, match="leads out"), brought(["s3://tea/a"], tmp_path):
        pass


def test_a_shop_is_laid_there_for_others_to_read(store: S3FileSystem, tmp_path: Path) -> None:
    shop = Shop.create(tmp_path / "shop")
    (tmp_path / "orders.csv").write_bytes(ORDERS)
    shop.import_(tmp_path / "orders.csv")
    as_of = datetime(2024, 6, 1, tzinfo=UTC)
    shop.tables.write("churn", "decisions", pa.table({"customer_id": ["ada"]}), as_of)
    for path in shop.folder.rglob("*.parquet"):
        os.utime(path, (0, 0))  # the store tells the time of a file by whole seconds
    assert shop.export("s3://tea/shop") == len(store.find("tea/shop"))
    (events,) = store.find("tea/shop/events")
    assert pq.read_table(store.open(events))["customer_id"].to_pylist() == ["ada"]
    assert store.find("tea/shop/tables") == ["tea/shop/tables/churn/decisions-2024-06-01T000000.parquet"]
    assert shop.export("s3://tea/shop") == 0


def test_what_changed_is_sent_and_what_went_is_taken_away(store: S3FileSystem, tmp_path: Path) -> None:
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    one.write_bytes(b"first")
    other.write_bytes(b"other")
    assert laid({"a.parquet": one, "b.parquet": other}, "s3://tea/x") == 2
    one.write_bytes(b"longer")
    assert laid({"a.parquet": one}, "s3://tea/x") == 1
    assert {name: store.cat(name) for name in store.find("tea/x")} == {"tea/x/a.parquet": b"longer"}


def test_what_is_not_of_the_shop_is_never_taken_away(store: S3FileSystem, tmp_path: Path) -> None:
    store.pipe("tea/letters/to_ada.txt", b"Dear Ada")
    with pytest.raises(InputError, match=r"to_ada\.txt"):
        laid({}, "s3://tea/letters")
    assert store.exists("tea/letters/to_ada.txt")


@pytest.mark.parametrize("address", ["s3://", "tea/orders"])
def test_what_is_no_address_is_said(address: str) -> None:
    with pytest.raises(InputError, match="s3://bucket/folder"):
        laid({}, address)
