from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from regulars.cli.fraud_rings import commands
from regulars.errors import InputError, NotFoundError
from regulars.simulate import World, load, simulate


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("rings") / "shop"
    params = load("gifts")
    params = params.model_copy(update={"fraud": params.fraud.model_copy(update={"rings_per_10k": 150})})
    simulate(folder, World(params, customers=400, seed=5, days=40))
    return str(folder)


def run(*typed: str) -> str:
    done = CliRunner().invoke(commands, [*typed])
    if done.exception:
        raise done.exception
    return done.stdout


def test_rings_are_listed_with_reasons_and_numbers_hold(shop: str) -> None:
    listed = json.loads(run("--shop", shop, "--json"))["rings"]
    assert [row["ring"] for row in listed] == list(range(1, len(listed) + 1))
    assert listed[0]["score"] > 0.5
    assert len(listed[0]["members"]) == listed[0]["customers"]
    (one,) = json.loads(run("1", "--shop", shop, "--json"))["rings"]
    assert one == listed[0]
    said = run("--shop", shop)
    assert one["why"][0] in said


def test_nothing_after_the_as_of_time_is_used(shop: str) -> None:
    early = json.loads(run("--shop", shop, "--as-of", "2023-12-15", "--json"))["rings"]
    whole = json.loads(run("--shop", shop, "--json"))["rings"]
    assert sum(row["customers"] for row in early) < sum(row["customers"] for row in whole)


def test_pictures_and_pages_are_written(shop: str, tmp_path: Path) -> None:
    run("1", "--shop", shop, "--out", str(tmp_path / "ring.png"))
    run("1", "--shop", shop, "--out", str(tmp_path / "ring.svg"))
    run("--shop", shop, "--out", str(tmp_path / "rings.html"))
    assert (tmp_path / "ring.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "ring.svg").read_text("utf-8")
    assert "Ring 1" in (tmp_path / "rings.html").read_text("utf-8")


def test_mistakes_say_how_to_mend_them(shop: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"There is no ring 999\. Rings are numbered from 1 to"):
        run("999", "--shop", shop)
    with pytest.raises(InputError, match=r"a picture shows one ring"):
        run("--shop", shop, "--out", str(tmp_path / "all.png"))
    with pytest.raises(InputError, match=r"\.html, \.png, \.svg is expected"):
        run("1", "--shop", shop, "--out", str(tmp_path / "ring.pdf"))
