"""Data sets of who had which product in which order. Those that are not in the package are in ../shared/data."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import duckdb

from benchmarks.next_item import Histories, histories, read

SHARED = Path(__file__).parents[2] / "shared" / "data"


def beauty() -> Histories:
    """Amazon Beauty as S3-Rec has it: short histories, many products, attributes."""
    return read(SHARED / "amazon_beauty.parquet", SHARED / "amazon_beauty_attributes.json")


def online_retail() -> Histories:
    """Long histories of few products: what each customer with five products or more bought, each product once."""
    path = files("regulars.demo") / "online_retail.parquet"
    return _first_of_each(
        f"""SELECT CustomerID::BIGINT AS user_id, Description AS item_id,
                   row_number() OVER (ORDER BY InvoiceDate, file_row_number) AS position
            FROM read_parquet('{path}', file_row_number = true)
            WHERE CustomerID IS NOT NULL AND Description IS NOT NULL AND Quantity > 0""",
        "online retail",
        shortest=5,
    )


def yoochoose() -> Histories:
    """A shop's sessions instead of customers, most of them very short: the products clicked on, each once."""
    path = SHARED / "yoochoose_clicks.parquet"
    return _first_of_each(
        f"""SELECT SessionId AS user_id, ItemId AS item_id,
                   row_number() OVER (ORDER BY "Time", file_row_number) AS position
            FROM read_parquet('{path}', file_row_number = true)""",
        "yoochoose",
        shortest=1,
    )


DATA = {"beauty": beauty, "online retail": online_retail, "yoochoose": yoochoose}


def _first_of_each(events: str, place: str, shortest: int) -> Histories:
    """Each customer's first event with each product: what the protocol leaves out could not be foreseen anyway."""
    return histories(
        duckdb.sql(f"""
            SELECT user_id, item_id, min(position) AS position FROM ({events}) GROUP BY user_id, item_id
            QUALIFY count(*) OVER (PARTITION BY user_id) >= {shortest}""").to_arrow_table(),
        place,
    )
