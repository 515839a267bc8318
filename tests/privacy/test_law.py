"""The pages of duties and of promises name tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@pytest.mark.parametrize("page", ["law.md", "reliability.md"])
def test_each_test_that_a_page_names_exists(page):
    named = NAMED.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert len(named) > 15
    missing = [
        (file, name)
        for file, name in named
        if not (ROOT / file).is_file() or f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_each_duty_names_a_test():
    lines = (ROOT / "docs" / "law.md").read_text(encoding="utf-8").splitlines()
    start = lines.index("| Duty | Feature | Test |") + 2
    duties = lines[start : lines.index("", start)]
    assert [duty for duty in duties if not NAMED.search(duty)] == []
