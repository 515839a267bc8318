"""A mapping: which column of a file is which field of an event."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from typing import Any

from regulars.errors import ConfigError

FIELDS: dict[str, str] = {
    "event_id": "text",
    "line": "whole number",
    "time": "time",
    "received_at": "time",
    "customer_id": "text",
    "anonymous_id": "text",
    "session_id": "text",
    "type": "text",
    "product_id": "text",
    "quantity": "number",
    "unit_price": "money",
    "amount": "money",  # of the whole line; unit_price is then amount / quantity
    "currency": "text",
    "order_id": "text",
    "query": "text",
    "text": "text",
    "channel": "text",
    "campaign_id": "text",
    "variant": "text",
    "propensity": "number",
    "device_id": "text",
    "ip": "text",
    "payment_id": "text",
    "outcome": "text",
    "granted": "yes or no",  # no makes consent_given consent_withdrawn, and objection_made objection_withdrawn
    "title": "text",
    "category": "text",
    "brand": "text",
    "list_price": "money",
    "unit_cost": "money",
    "stock": "number",
    "properties.signed_up_at": "time",
    "properties.label_known_at": "time",
}
"""What a column can be mapped to, and the kind of value it holds. `properties.NAME` is open besides, for texts."""

PRODUCT_FIELDS = ("title", "category", "brand", "list_price", "unit_cost", "stock")
"""Fields that go to the catalogue, not to the log."""

EXTRA = "properties."
DESCRIBED = "product_described"
"""The constant for `type` of a file about products."""


@dataclass(frozen=True)
class Mapping:
    """How to read one kind of file.

    Attributes
    ----------
    name : of the mapping; its section in shop.toml is `[mapping.NAME]`.
    columns : {field: header of the file}, fields as in `FIELDS` or `properties.NAME`.
    constants : {field: the one value that all rows have}; of time, "import" is the moment of the import.
    time_format : strptime format of times, e.g. "%d/%m/%Y %H:%M"; "" for ISO 8601,
        "unix" for seconds, "unix_ms" for milliseconds since 1970.
    decimal : what stands before the cents, "." or ",".
    format : how rows are made of the file's, e.g. "shopify"; "" for one row a line, as they stand.

    Examples
    --------
    >>> m = Mapping("till", {"time": "Date", "customer_id": "Who"}, {"type": "order_completed"})
    >>> Mapping.from_dict("till", m.to_dict()) == m
    True
    """

    name: str
    columns: MappingABC[str, str]
    constants: MappingABC[str, str] = field(default_factory=dict)
    time_format: str = ""
    decimal: str = "."
    format: str = ""

    def __post_init__(self) -> None:
        for name in (*self.columns, *self.constants):
            if name not in FIELDS and not name.startswith(EXTRA):
                raise ConfigError(
                    f'mapping "{self.name}": there is no field "{name}". Fields are: '
                    f"{', '.join(FIELDS)}; anything else goes under {EXTRA}NAME."
                )
        if twice := set(self.columns) & set(self.constants):
            raise ConfigError(
                f'mapping "{self.name}": {", ".join(sorted(twice))} is given both as a column and as a '
                "constant; remove one of the two."
            )
        for needed in ("time", "type"):
            if needed not in self.columns and needed not in self.constants:
                raise ConfigError(
                    f'mapping "{self.name}": nothing gives the {needed} of an event. '
                    + (
                        'Add time = "COLUMN" under columns.'
                        if needed == "time"
                        else 'Add type = "COLUMN" under columns, or type = "order_completed" under constants.'
                    )
                )
        if self.decimal not in (".", ","):
            raise ConfigError(f'mapping "{self.name}": decimal = "{self.decimal}"; "." or "," is expected.')

    @property
    def is_about_products(self) -> bool:
        """Whether rows describe products, and are no events: that is said of a whole file, never by a column."""
        return self.constants.get("type") == DESCRIBED

    @classmethod
    def from_dict(cls, name: str, section: MappingABC[str, Any]) -> Mapping:
        """From a section of TOML, as `to_dict` gives it."""
        allowed = {"columns", "constants", "time_format", "decimal", "format"}
        if unknown := set(section) - allowed:
            raise ConfigError(
                f'mapping "{name}": no setting {", ".join(sorted(unknown))}. There are: {", ".join(sorted(allowed))}.'
            )
        for key in ("columns", "constants"):
            said = section.get(key, {})
            if not isinstance(said, MappingABC) or not all(isinstance(value, str) for value in said.values()):
                raise ConfigError(
                    f'mapping "{name}": {key} = {said!r}; fields and texts are expected, as in time = "Date".'
                )
        for key in ("time_format", "decimal", "format"):
            if not isinstance(section.get(key, ""), str):
                raise ConfigError(f'mapping "{name}": {key} = {section[key]!r}; a text is expected.')
        return cls(name, **{"columns": {}, **section})

    def to_dict(self) -> dict[str, Any]:
        """As it stands in TOML; what is as by default is left out."""
        section: dict[str, Any] = {"format": self.format} if self.format else {}
        section["columns"] = dict(self.columns)
        if self.constants:
            section["constants"] = dict(self.constants)
        if self.time_format:
            section["time_format"] = self.time_format
        if self.decimal != ".":
            section["decimal"] = self.decimal
        return section
