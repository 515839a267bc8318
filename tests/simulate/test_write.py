"""The same seed gives the same bytes; the folder appears whole or not at all."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from regulars import Shop
from regulars.errors import ShopError
from regulars.simulate import World, simulate, visits, world
from regulars.simulate import write as writing

MakeWorld = Callable[..., World]


def bytes_of(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_workers(
    make_world: MakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small blocks and files, so that several workers have work at the same time.
    monkeypatch.setattr(world, "BLOCK", 64)
    monkeypatch.setattr(writing, "ROWS_A_FILE", 500)
    made = []
    for workers in (1, 2, 3):
        simulate(tmp_path / str(workers), make_world(workers=workers))
        made.append(bytes_of(tmp_path / str(workers)))
    assert len(made[0]) > 10
    assert made[0] == made[1] == made[2]


def test_the_same_seed_gives_the_same_bytes_in_another_process(make_world: MakeWorld, tmp_path: Path) -> None:
    made = []
    for number, workers in enumerate((2, 3)):
        words = ("--customers", "300", "--days", "8", "--seed", "7", "--workers", workers, "--preset", "fashion")
        command = [sys.executable, "-m", "regulars", "simulate", tmp_path / str(number), *words]
        # Texts are hashed by another key in each.
        environment = os.environ | {"PYTHONHASHSEED": str(number + 1)}
        subprocess.run(list(map(str, command)), env=environment, check=True, capture_output=True)
        made.append(bytes_of(tmp_path / str(number)))
    assert len(made[0]) > 5
    assert made[0] == made[1]


def test_another_seed_gives_another_shop(make_world: MakeWorld) -> None:
    assert not make_world(seed=1).step().equals(make_world(seed=2).step())


def test_a_customer_does_the_same_whatever_the_size_of_blocks(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_world().step()
    monkeypatch.setattr(world, "BLOCK", 7)
    assert make_world().step().equals(first)
    assert visits.BLOCK > 7


def test_the_log_is_a_shop_that_opens_and_holds_all_events_once(make_world: MakeWorld, tmp_path: Path) -> None:
    done = simulate(tmp_path / "shop", make_world())
    events = Shop.open(tmp_path / "shop").log.read("events")
    assert events.num_rows == done.events > 1000
    identity = events.select(["event_id", "line"]).group_by(["event_id", "line"]).aggregate([])
    assert identity.num_rows == events.num_rows
    received = np.asarray(events["received_at"].cast("int64")) - np.asarray(events["time"].cast("int64"))
    assert ((received > 0) & (received < 10_000_000)).all()
    sold = set(events["product_id"].drop_null().to_pylist())
    assert sold <= set(Shop.open(tmp_path / "shop").log.read("catalogue")["product_id"].to_pylist())


def test_playing_by_steps_and_writing_a_log_tell_the_same_story(make_world: MakeWorld, tmp_path: Path) -> None:
    from regulars.simulate import everyday

    written = simulate(tmp_path / "shop", make_world(days=3)).shop.log.read("events")
    played = make_world(days=3)
    days = [played.step(everyday.decide(played)) for _ in range(3)]
    assert [day.num_rows for day in days if not day.equals(written.filter(_during(written, day)))] == []


def _during(written, day):  # type: ignore[no-untyped-def]
    import pyarrow.compute as pc

    return pc.is_in(written["event_id"], day["event_id"].combine_chunks())


def test_a_simulation_that_fails_leaves_nothing(
    make_world: MakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "shop", make_world(), fail)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_left_alone(make_world: MakeWorld, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("mine")
    with pytest.raises(ShopError, match="is there already"):
        simulate(tmp_path, make_world())
    assert [path.name for path in tmp_path.iterdir()] == ["note"]


def test_the_folder_may_be_the_one_that_one_is_in(
    make_world: MakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path / "shop")
    simulate(".", make_world(days=2))
    assert Shop.open(tmp_path / "shop").log.version
