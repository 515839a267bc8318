"""What is asked of the benchmarks' figures: each target is of a figure that there is, and what is missed is said."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.report import RESULTS, render
from benchmarks.targets import short, targets

ROOT = Path(__file__).parents[1]


def rows() -> dict[str, dict[tuple[str, str], dict]]:
    found = {path.stem: json.loads(path.read_text())["rows"] for path in RESULTS.glob("*.json")}
    return {name: {(row["case"], row["metric"]): row for row in each} for name, each in found.items()}


def test_each_target_is_of_a_figure_that_was_measured_beside_the_peers_it_names() -> None:
    known = rows()
    for target in targets():
        row = known[target.results][target.case, target.metric]
        named = {target.of} - {""} | (set() if target.beats == "all" else set(target.beats))
        assert named <= set(row["peers"]), target
        assert target.beats != "all" or row["peers"], target


def test_the_results_say_on_top_what_falls_short() -> None:
    said = (ROOT / "benchmarks" / "RESULTS.md").read_text()
    top = said[: said.index("\n## ads\n")]
    missed = short(rows())
    for target, asked, ours in missed:
        assert f"| {target.case} | {target.metric} | {asked} | {ours} |" in top


def test_results_are_as_they_are_rendered(tmp_path: Path) -> None:
    before = (ROOT / "benchmarks" / "RESULTS.md").read_text()
    assert render(tmp_path / "RESULTS.md") == before
