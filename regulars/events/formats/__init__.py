"""Ready-made formats: exports of platforms that are read without a mapping of one's own."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from regulars.errors import ConfigError
from regulars.events import readers
from regulars.events.formats.format import Format, Unfolded
from regulars.events.formats.ga4 import GoogleAnalytics
from regulars.events.formats.olist import Olist, OlistFolder
from regulars.events.formats.segment import Segment
from regulars.events.formats.shopify import Shopify
from regulars.events.formats.shopify_products import ShopifyProducts
from regulars.events.formats.woocommerce import Analytics, WooCommerce
from regulars.events.mapping import Mapping
from regulars.events.readers import WHOLE, Source

__all__ = ["FORMATS", "Format", "open_source", "preset", "recognise", "takes_whole", "unfolded"]

_ALL: tuple[Format, ...] = (
    Segment(), Shopify(), ShopifyProducts(), WooCommerce(), Analytics(), Olist(), GoogleAnalytics(),
)  # fmt: skip
FORMATS = {form.name: form for form in _ALL}
"""By name. The first that recognises a file reads it."""


def open_source(path: Path) -> Source:
    """Open what is to be imported: a file, or a folder of files that belong together.

    Raises
    ------
    InputError
        As `regulars.events.readers.open_source`.
    """
    return OlistFolder(path) if OlistFolder.is_at(path) else readers.open_source(path)


def takes_whole(path: Path, names: Sequence[str]) -> bool:
    """Whether a folder, with these names in it, is one source (see `regulars.events.files.find`)."""
    return path.is_dir() and OlistFolder.is_at(path)


def recognise(source: Source) -> Format | None:
    """The format of a file, by its headers; None if it is no export that is known."""
    headers = source.headers
    return next(
        (
            form
            for form in FORMATS.values()
            if form.recognises(headers) and (source.gives_whole or WHOLE not in form.reads(headers))
        ),
        None,
    )


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
