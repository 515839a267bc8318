"""What capabilities wrote in English is read in Chinese on Chinese pages, and what is a name stays one."""

from __future__ import annotations

import string

import pytest

from regulars.console.spoken import spoken, spoken_chart
from regulars.console.words import catalogue

SENTENCES = {key: texts for key, texts in catalogue().items() if key.startswith("sentences.")}


def filled(text: str) -> str:
    names = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    return text.format(**{name: f"7{place}" for place, name in enumerate(dict.fromkeys(sorted(names)))})


def test_every_sentence_is_said_in_chinese():
    assert SENTENCES
    for key, texts in SENTENCES.items():
        assert spoken(filled(texts["en"]), "zh") == filled(texts["zh"]), key


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("You bought it 3 times, last 12 days ago.", "您买过它3次，最近一次在12天前。"),
        ("not lower: corridor; not higher: change in a week", "下限：价格区间；上限：一周内的变动"),
        ("EIRE", "爱尔兰"),
        ("United Kingdom", "英国"),
        ("2 customers came from 1 to 3", "2 customers came from 1 to 3"),
        ("days since the last order: 75 (typically 30)", "距最近一次下单的天数：75（通常为30）"),
        (
            "Better than recency only: AUROC .760 against .669 (difference .077 to .109 at 95 %). Fit for use.",
            "优于“仅看最近一次下单”：AUROC .760，对照.669（差值的95%区间为.077至.109）。适合使用。",
        ),
    ],
)
def test_reasons_and_verdicts_of_capabilities_are_said_in_chinese(english, chinese):
    assert spoken(english, "zh") == chinese


@pytest.mark.parametrize("name", ["RED RETROSPOT MINI CASES", "Earl Grey", "four days", "C10042", "李雷", ""])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_names_stay_names(name, language):
    assert spoken(name, language) == name


def test_a_chart_speaks_and_keeps_its_fields():
    spec = {
        "mark": "bar",
        "encoding": {
            "x": {"field": "share", "type": "quantitative", "axis": {"title": "Days ahead"}},
            "y": {"field": "stage", "sort": ["low", "high"]},
            "order": {"field": "orders", "sort": {"field": "orders"}},
        },
        "data": {"values": [{"share": 1}]},
    }
    found = spoken_chart(spec, "zh")
    assert found["encoding"]["x"]["axis"]["title"] == "未来天数"
    assert found["encoding"]["x"]["field"] == "share"
    assert found["encoding"]["y"]["sort"] == ["较低", "较高"]
    assert found["encoding"]["order"] == spec["encoding"]["order"]
    assert found["data"] == spec["data"]
    assert spoken_chart(spec, "en") == spec
