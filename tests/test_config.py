"""shop.toml: mistakes are named with their line, and what is written keeps what stood there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars import config
from regulars.config import Config, ShopSettings
from regulars.errors import ConfigError
from regulars.events.mapping import FIELDS, Mapping


def loaded(folder: Path, text: str) -> Config:
    (folder / config.FILE).write_text(text, encoding="utf-8")
    return config.load(folder)


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") == Config()


def test_the_sample_parses_to_the_defaults(tmp_path: Path) -> None:
    assert loaded(tmp_path, config.sample(ShopSettings())) == Config()


def test_the_sample_keeps_the_shops_own_settings(tmp_path: Path) -> None:
    own = ShopSettings(name='Tea "and" 茶\\', currency="CNY", timezone="Asia/Shanghai")
    assert loaded(tmp_path, config.sample(own)) == Config(shop=own)


def test_the_sample_with_every_comment_taken_off_is_still_all_defaults(tmp_path: Path) -> None:
    lines = [
        line.removeprefix("# ") if line.startswith("# ") and " = " in line else line
        for line in config.sample(ShopSettings()).splitlines()
    ]
    assert loaded(tmp_path, "\n".join(lines)) == Config()


def test_the_sample_explains_every_setting() -> None:
    text = config.sample(ShopSettings())
    for section in config.SECTIONS.values():
        for key, field in section.model_fields.items():
            assert f"# {field.description}\n" in text
            assert f"{key} = " in text


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[shop]\nname = "Tea"\ncurrency = "pounds"\n', 3, "currency"),
        ('[shop]\n\ntimezone = "London"\n', 3, "is no time zone"),
        ('[shop]\nnmae = "Tea"\n', 2, 'no setting "nmae". There are: name, currency, timezone'),
        ("[churn]\nhorizon_days = 3\n", 2, "greater than or equal to 7"),
        ('# first\n[churn]\nhorizon_days = "a while"\n', 3, "'a while'"),
        ("[engine]\nthreads = -1\n", 2, "threads"),
        ('[engine]\nmemory = "lots"\n', 2, "memory"),
        ("[shop]\n[chrun]\n", 2, 'no section "chrun". There are: shop, log, engine, behavior, profile, churn'),
        ("[churn]\ncontacts = 10\n[profile]\nnew_days = 0\n", 4, "new_days"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert f"{tmp_path / config.FILE}, line {line}: " in str(caught.value)
    assert said in str(caught.value)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, '[shop]\ncurrency = "x"\n[churn]\ncontacts = 0\n')
    assert "line 2" in str(caught.value)
    assert "line 4" in str(caught.value)


def test_what_is_no_toml_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"shop\.toml.*not valid TOML.*line 2"):
        loaded(tmp_path, "[shop]\nname = Tea\n")


def test_what_is_no_utf8_is_a_mistake_that_a_user_can_mend(tmp_path: Path) -> None:
    (tmp_path / config.FILE).write_bytes('[shop]\nname = "茶"\n'.encode("gb18030"))
    with pytest.raises(ConfigError, match="UTF-8"):
        config.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[mapping.till.columns]\ntime = "When"\n', "nothing gives the type"),
        ('[mapping.till.columns]\ntime = "When"\ntype = "T"\nwhat = "W"\n', 'no field "what"'),
        ('[mapping.till]\ndecimals = ","\n', "no setting decimals"),
        ('[mapping.till]\ncolumns = "time"\n', "columns"),
        ('[mapping.till]\n[mapping.till.columns]\ntime = 3\ntype = "T"\n', "time"),
        ("[mapping.till]\n", "nothing gives the time"),
        ("mapping = 3\n", "mapping"),
    ],
)
def test_a_mapping_that_cannot_be_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        loaded(tmp_path, text)
    assert f"{tmp_path / config.FILE}, line 1" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('# ours\n\n[shop]\nname = "Tea"\n\n[mapping.till.columns]\ntime = "When"\n', 6),
        ('[mapping.a.columns]\ntime = "T"\ntype = "K"\n[mapping."b c"]\ndecimal = "."\n', 4),
        ("# ours\n\nshop = 3\n", 3),
    ],
)
def test_the_line_is_that_of_the_mapping_or_the_section(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(ConfigError, match=rf"shop.toml, line {line}: "):
        loaded(tmp_path, text)


def test_the_mark_that_some_editors_put_first_is_no_mistake(tmp_path: Path) -> None:
    assert loaded(tmp_path, '\ufeff[shop]\nname = "Tea"\n').shop.name == "Tea"
    config.add_mapping(tmp_path, TILL)
    assert config.load(tmp_path).mappings() == {"till": TILL}


TILL = Mapping("till", {"time": "When", "customer_id": "Who"}, {"type": "order_completed"}, "%d/%m/%Y", ",")


def test_adding_a_mapping_keeps_comments_and_settings(tmp_path: Path) -> None:
    text = '# ours\n[shop]\nname = "Tea" # the best\n\n[churn]\n# why not 90\nhorizon_days = 60\n'
    loaded(tmp_path, text)
    config.add_mapping(tmp_path, TILL)
    written = (tmp_path / config.FILE).read_text(encoding="utf-8")
    assert written.startswith(text)
    found = config.load(tmp_path)
    assert found.churn.horizon_days == 60
    assert found.mappings() == {"till": TILL}


def test_adding_a_mapping_again_replaces_it_and_keeps_the_others(tmp_path: Path) -> None:
    loaded(tmp_path, "")
    config.add_mapping(tmp_path, TILL)
    other = Mapping("web", {"time": "ts", "type": "event"})
    config.add_mapping(tmp_path, other)
    changed = Mapping("till", {"time": "Datum"}, {"type": "order_completed"})
    config.add_mapping(tmp_path, changed)
    assert config.load(tmp_path).mappings() == {"till": changed, "web": other}


@pytest.mark.parametrize("line", ["mapping = {}", 'mapping = {till = {columns = {time = "T", type = "K"}}} # ours'])
def test_mappings_on_one_line_stay_on_it(tmp_path: Path, line: str) -> None:
    loaded(tmp_path, f'{line}\nshop = {{name = "Tea"}}\n')
    config.add_mapping(tmp_path, TILL)
    nested = Mapping("web", {"time": "ts", "type": "event", "properties.country": "Land"})
    config.add_mapping(tmp_path, nested)
    found = config.load(tmp_path)
    assert found.mappings() == {"till": TILL, "web": nested}
    assert found.shop.name == "Tea"
    assert ("# ours" in line) == ("# ours" in (tmp_path / config.FILE).read_text())


headers = st.text(min_size=1, max_size=12)
names = st.from_regex(r"[a-z0-9_一-鿿]{1,12}", fullmatch=True)
fields = st.sampled_from([name for name in FIELDS if name not in ("time", "type")]) | names.map(
    lambda name: f"properties.{name}"
)


@st.composite
def mappings(draw: st.DrawFn) -> Mapping:
    columns = draw(st.dictionaries(fields, headers, max_size=5)) | {"time": draw(headers)}
    constants = {"type": draw(headers)}
    constants |= {
        key: value for key, value in draw(st.dictionaries(fields, headers, max_size=3)).items() if key not in columns
    }
    return Mapping(
        draw(names), columns, constants, draw(st.sampled_from(["", "unix", "%d/%m/%Y"])), draw(st.sampled_from(".,"))
    )


@settings(max_examples=80, deadline=None)
@given(mapping=mappings())
def test_any_mapping_goes_round(tmp_path_factory: pytest.TempPathFactory, mapping: Mapping) -> None:
    folder = tmp_path_factory.mktemp("config")
    (folder / config.FILE).write_text(config.sample(ShopSettings()), encoding="utf-8")
    config.add_mapping(folder, mapping)
    config.add_mapping(folder, mapping)
    assert config.load(folder).mappings() == {mapping.name: mapping}
