"""What holds for every ready-made format, and which mapping reads a file."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pytest

from regulars.errors import ConfigError
from regulars.events.formats import FORMATS
from regulars.events.formats.format import latest
from regulars.events.mapping import Mapping

DOCS = (Path(__file__).parents[3] / "docs" / "formats.md").read_text("utf-8")
CALL = '{"type": "track", "messageId": "m1", "userId": "ada", "event": "Tasted", "timestamp": "2024-05-01T10:00:00Z"}'


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_documented_and_its_preset_names_columns_that_there_are(name):
    assert f"| `{name}` |" in DOCS
    preset = (files("regulars.events") / "presets" / f"{name}.toml").read_text("utf-8")
    columns = set(re.findall(r'^\S+ = "(.+)"$', preset.partition("[constants]")[0], re.MULTILINE))
    assert set(FORMATS[name].added) <= columns, "made, and used by no field"


def test_a_format_that_there_is_not_is_named_with_those_there_are(export):
    path = export.folder / "calls.jsonl"
    path.write_text(CALL)
    mapping = Mapping("mine", {"time": "timestamp", "type": "type"}, format="segmint")
    with pytest.raises(ConfigError, match=r'no format "segmint"\. There are: segment, shopify'):
        export.shop.import_(path, mapping=mapping)


def test_a_mapping_that_happens_to_fit_does_not_read_a_file_of_a_format(export):
    export.text("plain.jsonl", '{"type": "tasted", "userId": "bob", "timestamp": "2024-05-01T10:00:00Z"}')
    assert export.format() == [""]
    export.text("calls.jsonl", CALL)
    assert export.format() == ["", "segment"]
    assert export.rows("event_id")[-1] == ("m1",)


def test_headers_of_calls_in_a_table_are_no_calls(export):
    export.text("calls.csv", "type,messageId,userId,timestamp\ntasted,m1,ada,2024-05-01T10:00:00Z\n")
    assert export.format() == [""]


def test_the_latest_of_times_in_several_zones():
    early, late = pa.array(["2024-05-01 10:00:00 -0400", None]), pa.array(["2024-05-01 13:59:59 +0000", "2024-05-02"])
    assert latest([early, late, pa.nulls(2, pa.string())]).to_pylist() == ["2024-05-01 10:00:00 -0400", "2024-05-02"]
