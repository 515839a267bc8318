"""The commands of segments, as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from regulars import Shop
from regulars.clock import held_at
from regulars.segment.rule.columns import OWN, TRAITS
from regulars.segment.rule.events import FIELDS, MEASURES, WORDS

PAGE = Path(__file__).parents[3] / "docs" / "rules.md"


@pytest.fixture
def folder(shop: Shop, record: Callable[..., Any]) -> Path:
    for place, (customer, day) in enumerate([("ada", 1), ("ada", 20), ("bo", 2), ("bo", 3), ("cy", 25)]):
        at = datetime(2024, 5, day, tzinfo=UTC).isoformat()
        record(shop, {"type": "order_completed", "customer_id": customer, "time": at, "order_id": f"o{place}"})
    return shop.folder


def test_a_segment_is_added_listed_edited_and_its_members_written(folder: Path, cli: Any, tmp_path: Path) -> None:
    with held_at(datetime(2024, 6, 1, tzinfo=UTC)):
        assert cli("segment", "add", "again", "orders >= 2", "--note", "twice", "--shop", folder)[0] == 0
        code, said, _ = cli("segment", "add", "again", "orders >= 2 and not ordered within 6 days", "--shop", folder)
    assert code == 0
    assert "again, version 2" in said
    code, said, _ = cli("segment", "list", "--shop", folder, "--json")
    assert [(found["name"], found["version"], found["note"]) for found in json.loads(said)] == [("again", 2, "twice")]
    assert "version 1, 2024-06-01" in cli("segment", "show", "again", "--shop", folder)[1]
    file = tmp_path / "again.csv"
    code, said, _ = cli("segment", "members", "again", "--out", file, "--shop", folder, "--json")
    found = json.loads(said)
    assert (found["members"], found["version"]) == (1, 2)
    assert file.read_text().split() == ['"customer_id","may_contact"', '"bo",true']
    assert pq.read_table(found["files"][0])["customer_id"].to_pylist() == ["bo"]
    code, said, _ = cli("segment", "compare", "again", "--from", "2024-05-04", "--shop", folder)
    assert "again, 2024-05-04 to 2024-05-25: 1 entered, 0 left." in said


def test_a_mistake_in_a_rule_is_shown_where_it_is(folder: Path, cli: Any) -> None:
    code, _, said = cli("segment", "add", "bad", "orders >= 2 and\n  ordred within 5 days", "--shop", folder)
    assert code == 3
    assert 'line 2, column 3 of the rule: there is no column or event "ordred". Did you mean "ordered"' in said
    assert "\n    ordred within 5 days\n    ^" in said
    assert cli("segment", "list", "--shop", folder)[1].startswith("There are no segments yet.")
    code, _, said = cli("segment", "members", "bad", "--shop", folder)
    assert code == 8


def test_every_word_of_rules_is_documented() -> None:
    text = PAGE.read_text("utf-8")
    words = [*OWN, *TRAITS, *FIELDS, *WORDS]
    assert [word for word in words if f"`{word}`" not in text] == []
    assert [name for name in MEASURES if f"sum({name})" not in text] == []
