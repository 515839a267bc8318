"""The examples run as they stand, and say what they promise to."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
WITH_A_SERVER = "over_http.py"
"""Run beside the other tests of the client: tests/serve/test_client.py."""

SAID = {
    "own_file.py": ("9 of 10 rows added", "3 orders in 60 days", "show T-01: who looked at C-07 went on to it"),
    "ab_campaign.py": ("customers were written to", "revenue"),
    "price_test.py": ("The data can tell. Elasticity -1.8", "3.00: best 2.6"),
}


def test_every_example_is_listed_and_run() -> None:
    listed = (EXAMPLES / "README.md").read_text("utf-8")
    there = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")}
    assert [name for name in there if f"]({name})" not in listed] == []
    assert there == {*SAID, WITH_A_SERVER, "first_look.ipynb"}


@pytest.mark.parametrize("name", SAID)
def test_an_example_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [name, str(ROOT / "docs" / "examples" / "orders.csv")])
    runpy.run_path(str(EXAMPLES / name))
    said = capsys.readouterr().out
    assert [words for words in SAID[name] if words not in said] == []


def test_the_notebook_prints_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "orders.csv").write_bytes((ROOT / "docs" / "examples" / "orders.csv").read_bytes())
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    cells = json.loads((EXAMPLES / "first_look.ipynb").read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 3
    for cell in code:
        exec("".join(cell["source"]), names)  # noqa: S102
        shown = "".join(line for output in cell["outputs"] for line in output["text"])
        assert capsys.readouterr().out == shown
