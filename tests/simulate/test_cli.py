"""`regulars simulate`: a shop in one line, and mistakes as sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from regulars import Shop, cli
from regulars.errors import InputError, RegularsError


def run(*words: str | Path) -> str:
    result = CliRunner().invoke(cli.app, ["simulate", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_shop_in_one_line(tmp_path: Path) -> None:
    printed = run(tmp_path / "shop", "--customers", "0.3k", "--days", "40", "--seed", "5")
    assert "Beside UCI Online Retail" in printed
    assert "of the facts hold" in printed
    assert Shop.open(tmp_path / "shop").log.snapshot().rows("events") > 1000
    assert (tmp_path / "shop" / "truth" / "oracle.json").is_file()


def test_as_json(tmp_path: Path) -> None:
    found = json.loads(run(tmp_path / "shop", "--customers", "300", "--days", "40", "--preset", "fashion", "--json"))
    assert found["customers"] == 300
    assert found["events"] == Shop.open(tmp_path / "shop").log.snapshot().rows("events")
    assert {"fact", "meaning", "simulated", "real", "holds"} == set(found["facts"][0])


def test_a_preset_of_ones_own_has_no_real_shop_beside_it(tmp_path: Path) -> None:
    from importlib.resources import files

    preset = (files("regulars.simulate") / "presets" / "grocery.toml").read_text("utf-8")
    (tmp_path / "mine.toml").write_text(preset, "utf-8")
    words = ("--customers", "100", "--days", "10", "--preset", tmp_path / "mine.toml")
    printed = run(tmp_path / "shop", *words)
    assert "Simulated" in printed
    assert "Real" not in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--customers", "0"), "customers = 0"),
        (("--customers", "many"), 'customers "many" is no number. Write it as 5000, 100k or 1M'),
        (("--days", "0"), "days = 0"),
        (("--preset", "toys"), "no preset toys"),
    ],
)
def test_mistakes_are_sentences_and_leave_no_folder(tmp_path: Path, words: tuple[str, str], message: str) -> None:
    with pytest.raises(RegularsError, match=message):
        run(tmp_path / "shop", *words)
    assert list(tmp_path.iterdir()) == []


def test_a_window_too_short_for_facts_is_a_shop_all_the_same(tmp_path: Path) -> None:
    printed = run(tmp_path / "shop", "--customers", "1", "--days", "1")
    assert "too few" in printed
    assert Shop.open(tmp_path / "shop").log.version >= 1


def test_counts_are_read_as_people_write_them() -> None:
    from regulars.cli.simulate import _count

    assert [_count(text) for text in ("5000", "100k", "1M", "2.5k", "1,000")] == [5000, 100_000, 1_000_000, 2500, 1000]
    with pytest.raises(InputError):
        _count("-5")
