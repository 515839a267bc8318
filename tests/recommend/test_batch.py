"""Lists for everybody: the same as for one, and a run that was cut off goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from regulars import Shop
from regulars.errors import InputError
from regulars.recommend import Recommender, batch, write_all
from regulars.rules import RuleError

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def recommender(learned_shop: Shop, tea_as_of: datetime, monkeypatch: pytest.MonkeyPatch) -> Recommender:
    monkeypatch.setattr("regulars.recommend.blocks.BLOCK", 20)
    return Recommender.open(learned_shop, tea_as_of)


@pytest.mark.parametrize("kind", ["for-you", "again", "popular-with-alike", "similar", "together"])
def test_all_get_the_list_that_one_gets(recommender: Recommender, tmp_path: Path, kind: str) -> None:
    rows = pq.read_table(write_all(recommender, kind, tmp_path / "lists", 3, "category != 'herbal'")).to_pylist()
    names = (
        recommender.past.sequences.customers if kind in batch.OF_CUSTOMERS else recommender.model.vocabulary.products
    )
    ask = getattr(recommender, kind.replace("-", "_"))
    for name in names[::40]:
        own = [{key: value for key, value in row.items() if key != "about"} for row in rows if row["about"] == name]
        assert own == ask(name, 3, "category != 'herbal'").table.to_pylist()


def test_a_run_that_was_cut_off_goes_on(recommender: Recommender, tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    def kill(done: int, parts: int) -> None:
        if done == 2:
            raise KilledError

    folder = tmp_path / "lists"
    with pytest.raises(KilledError):
        write_all(recommender, "for-you", folder, 3, on_part=kill)
    there = {path.name: path.stat().st_mtime_ns for path in folder.glob("part-*.parquet")}
    assert 2 <= len(there) < 13
    write_all(recommender, "for-you", folder, 3)
    after = {path.name: path.stat().st_mtime_ns for path in folder.glob("part-*.parquet")}
    assert len(after) == 13
    assert there.items() <= after.items()
    assert pq.read_table(folder).group_by("about").aggregate([]).num_rows == 260


def test_lists_of_another_kind_are_not_mixed_up(recommender: Recommender, tmp_path: Path) -> None:
    write_all(recommender, "similar", tmp_path / "lists", 3)
    with pytest.raises(InputError, match="holds lists of another kind"):
        write_all(recommender, "similar", tmp_path / "lists", 4)
    with pytest.raises(InputError, match="no list trending about each"):
        write_all(recommender, "trending", tmp_path / "others")


def test_the_command_writes_them(cli: Cli, learned_shop: Shop, tea_as_of: datetime, tmp_path: Path) -> None:
    where = ("--shop", learned_shop.folder, "--as-of", tea_as_of.isoformat())
    code, said, _ = cli("recommend", "--list", "together", "--out", tmp_path / "lists", *where)
    assert code == 0
    assert said.startswith("1 files in")


def test_a_wrong_filter_or_length_leaves_no_folder(recommender: Recommender, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="k is 0"):
        write_all(recommender, "for-you", tmp_path / "lists", 0)
    with pytest.raises(RuleError):
        write_all(recommender, "for-you", tmp_path / "lists", 3, "colour = 'red'")
    assert not (tmp_path / "lists").exists()
