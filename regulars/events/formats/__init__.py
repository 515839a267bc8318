"""Ready-made formats: exports of platforms that are read without a mapping of one's own."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.resources import files

from regulars.errors import ConfigError
from regulars.events.formats.format import Format, Unfolded
from regulars.events.formats.segment import Segment
from regulars.events.formats.shopify import Shopify
from regulars.events.formats.woocommerce import Analytics, WooCommerce
from regulars.events.mapping import Mapping
from regulars.events.readers import Source

__all__ = ["FORMATS", "Format", "preset", "recognise", "unfolded"]

FORMATS: dict[str, Format] = {form.name: form for form in (Segment(), Shopify(), WooCommerce(), Analytics())}
"""By name. The first that recognises a file reads it."""


def recognise(headers: Sequence[str]) -> Format | None:
    """The format of a file with these headers; None if it is no export that is known."""
    return next((form for form in FORMATS.values() if form.recognises(headers)), None)


def unfolded(source: Source, name: str) -> Source:
    """A file as a format reads it; as it stands where the name is "".

    Raises
    ------
    ConfigError
        If there is no such format.
    """
    if not name:
        return source
    if name not in FORMATS:
        raise ConfigError(f'there is no format "{name}". There are: {", ".join(FORMATS)}.')
    return Unfolded(source, FORMATS[name])


def preset(form: Format, headers: Sequence[str], name: str) -> Mapping:
    """The ready-made mapping of a format: of its columns those that the file has.

    Parameters
    ----------
    headers : of the file, as the format reads it.
    name : of the mapping that comes out.
    """
    text = (files("regulars.events") / "presets" / f"{form.name}.toml").read_text("utf-8")
    section = tomllib.loads(text)
    columns = {field: header for field, header in section.get("columns", {}).items() if header in headers}
    return Mapping.from_dict(name, {**section, "format": form.name, "columns": columns})
