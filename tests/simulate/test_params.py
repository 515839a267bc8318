"""Parameters: every preset is whole, every mistake is named with its key and its remedy."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from regulars.errors import ConfigError
from regulars.simulate import load
from regulars.simulate.params import PRESETS, parse

TEXT = (files("regulars.simulate") / "presets" / "gifts.toml").read_text("utf-8")


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_whole_and_bilingual(preset: str) -> None:
    params = load(preset)
    words = [*params.catalogue.styles, *params.catalogue.categories, *sum(params.catalogue.categories.values(), ())]
    assert [word for word in words if not re.fullmatch(r"[A-Za-z0-9 &'-]+\|\w*[\u4e00-\u9fff]\w*", word)] == []


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        ("margin = 0.45", "margin = -0.1", r"\[catalogue\].*cost is above the price for all products; choose a margin"),
        ("products = 3900", "products = 9", r"10 categories share 9 products; give more products"),
        ("friend_share = 0.1", "friend_share = 0.9", "nobody comes two ways"),
        ("persuadable_share = 0.25", "persuadable_share = 0.95", "above 1 together; make one smaller"),
        ("weekdays = [154,", "weekdays = [-1,", r"\[visits\] weekdays.0 = -1"),
        ("outside = 2.0", "outsid = 2.0", r"\[visits\] there is no outsid. There are: hours"),
        ("outside = 2.0", "", r"\[visits\] outside is missing; copy it from a preset"),
        ("outside = 2.0", "outside = [", "not valid TOML"),
        ('auction = "second"', 'auction = "third"', r"\[ads\] auction = 'third': input should be 'first' or 'second'"),
        ('timezone = "Europe/London"', 'timezone = "London"', "is no time zone"),
        ("start = 2023-12-01", 'start = "soon"', "start = 'soon'"),
        ("start = 2023-12-01", "start = 9999-12-01", "start = .*: input should be less than or equal to 2200"),
        ("price_median = 2.1", "price_median = inf", r"\[catalogue\] price_median = inf: input should be"),
        ("price_median = 2.1", "price_median = nan", r"\[catalogue\] price_median = nan: input should be"),
        (
            "price_spread = 0.9",
            "price_spread = 1e9",
            r"\[catalogue\] price_spread = 1e?[+0-9]*.*: input should be less",
        ),
        ("needs = 38", "needs = 1e300", r"\[visits\] needs = 1e\+300: input should be less than or equal to 100"),
        (
            "visits_per_month = 0.46",
            "visits_per_month = 1e12",
            r"\[customers\] visits_per_month = .*less than or equal to 600",
        ),
        ("per_week = 3", "per_week = 1e12", r"\[ads\] per_week = .*: input should be less than or equal to 1000"),
        ("declined_share = 0.01", "declined_share = 1", r"\[visits\] declined_share = 1: input should be less than"),
        ("broken_share = 0.008", "broken_share = 0.99", r"\[orders\] broken_share, .* are above 1 together"),
        ('"11-11" =', '"11-99" =', r"\[visits\] festivals.11-99"),
    ],
)
def test_a_mistake_is_named_with_its_key(line: str, instead: str, message: str) -> None:
    assert line in TEXT
    with pytest.raises(ConfigError, match=message) as caught:
        parse(TEXT.replace(line, instead), "mine.toml")
    assert str(caught.value).startswith("mine.toml: ")


def test_nobody_ever_comes_is_refused() -> None:
    with pytest.raises(ConfigError, match="weekdays are all 0: nobody would ever come"):
        parse(re.sub(r"weekdays = .*", "weekdays = [0, 0, 0, 0, 0, 0, 0]", TEXT), "mine.toml")


def test_a_file_of_ones_own_is_a_preset(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TEXT.replace("Simulated gifts", "Mine"), "utf-8")
    assert load(tmp_path / "mine.toml").name == "Mine"


def test_a_preset_that_there_is_not_names_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no preset toys. Presets: gifts, grocery, fashion"):
        load("toys")


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(TEXT.encode("utf-16"))
    with pytest.raises(ConfigError, match=r"mine\.toml: not UTF-8"):
        load(tmp_path / "mine.toml")
