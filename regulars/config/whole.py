"""All of shop.toml, as it is read: every mistake is named with its line."""

from __future__ import annotations

import re
import tomllib
from collections import abc
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import Field, ValidationError

from regulars import storage
from regulars.config.acting import (
    AdsSettings,
    CampaignSettings,
    FraudSettings,
    LifecycleSettings,
    PricingSettings,
    SupportSettings,
)
from regulars.config.foundations import (
    EngineSettings,
    LanguageSettings,
    LogSettings,
    SendingSettings,
    ServeSettings,
    ShopSettings,
    StateSettings,
)
from regulars.config.learning import (
    BehaviorSettings,
    ChurnSettings,
    ProfileSettings,
    RealtimeSettings,
    RecommendSettings,
)
from regulars.config.section import Section
from regulars.errors import ConfigError
from regulars.events.mapping import Mapping

FILE = "shop.toml"


class Config(Section):
    """All of shop.toml."""

    shop: ShopSettings = ShopSettings()
    log: LogSettings = LogSettings()
    engine: EngineSettings = EngineSettings()
    behavior: BehaviorSettings = BehaviorSettings()
    profile: ProfileSettings = ProfileSettings()
    churn: ChurnSettings = ChurnSettings()
    recommend: RecommendSettings = RecommendSettings()
    realtime: RealtimeSettings = RealtimeSettings()
    fraud: FraudSettings = FraudSettings()
    campaign: CampaignSettings = CampaignSettings()
    pricing: PricingSettings = PricingSettings()
    ads: AdsSettings = AdsSettings()
    support: SupportSettings = SupportSettings()
    lifecycle: LifecycleSettings = LifecycleSettings()
    sending: SendingSettings = SendingSettings()
    language: LanguageSettings = LanguageSettings()
    state: StateSettings = StateSettings()
    serve: ServeSettings = ServeSettings()
    mapping: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="[mapping.NAME]: which columns of a kind of file are which fields; `regulars import` writes it.",
    )

    def with_behavior(self, size: str) -> Config:
        """The same, with another size of the behaviour model.

        Raises
        ------
        ConfigError
            If there is no such size.
        """
        try:
            section = BehaviorSettings.model_validate({**self.behavior.model_dump(), "size": size})
        except ValidationError as error:
            raise ConfigError(f'"{size}" is no size of the behaviour model. {error.errors()[0]["msg"]}.') from None
        return self.model_copy(update={"behavior": section})

    def mappings(self) -> dict[str, Mapping]:
        """The mappings, by name."""
        return {name: Mapping.from_dict(name, section) for name, section in self.mapping.items()}


SECTIONS: dict[str, type[Section]] = {
    name: type(field.default) for name, field in Config.model_fields.items() if isinstance(field.default, Section)
}


def load(folder: Path) -> Config:
    """Read a shop's settings.

    Raises
    ------
    ConfigError
        Naming file, line, what stands there and what is expected.
    """
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a mark before the first letter
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text: {error}. Save it as UTF-8.") from None
    return _read(path, text)


def change(folder: Path, section: str, values: abc.Mapping[str, Any]) -> Config:
    """Write settings of a section into shop.toml, keeping what else stands there, comments and all.

    Raises
    ------
    ConfigError
        If it would then be none; nothing is written.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = storage.replace(folder / FILE, "[fraud]\\nfee = 15.0  # of our bank\\n")
    >>> change(folder, "fraud", {"fee": 20.0, "insult_share": 0.4}).fraud.insult_share
    0.4
    >>> print((folder / FILE).read_text().strip())
    [fraud]
    fee = 20.0  # of our bank
    insult_share = 0.4
    """
    path = folder / FILE
    document = tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    table = document.setdefault(section, tomlkit.table())
    for key, value in values.items():
        # As `sample` writes it: a table of its own would take the lines after it for its own.
        table[key] = tomlkit.value(_toml(value))
    text = tomlkit.dumps(document)
    config = _read(path, text)
    storage.replace(path, text)
    return config


def _read(path: Path, text: str) -> Config:
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(path, text, problem) for problem in error.errors())) from None
    for name, section in config.mapping.items():
        try:
            Mapping.from_dict(name, section)
        except ConfigError as error:
            raise ConfigError(f"{path}, line {_line_of(text, 'mapping', name)}: {error}") from None
    return config


def _explain(path: Path, text: str, problem: Any) -> str:
    where = [str(part) for part in problem["loc"]]
    section, key = where[0], where[-1]
    line = _line_of(text, section, key if len(where) > 1 else None)
    if problem["type"] == "extra_forbidden":
        known = SECTIONS[section].model_fields if section in SECTIONS and len(where) > 1 else Config.model_fields
        kind = "setting" if len(where) > 1 else "section"
        return f'{path}, line {line}: there is no {kind} "{key}". There are: {", ".join(known)}.'
    message = problem["msg"].removeprefix("Value error, ")
    return f"{path}, line {line}: [{section}] {key} = {problem['input']!r}: {message[0].lower()}{message[1:]}."


def _line_of(text: str, section: str, key: str | None) -> int:
    """Where a key, or a section's section, stands; the section's own line if it has none, 1 if neither is found."""
    inside, found = False, 1
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
            parts = [part.strip(" \"'") for part in header[1].split(".")]
            inside = parts[0] == section
            if inside and parts[1:2] == [key]:
                return number
            found = number if inside else found
        elif found == 1 and re.match(rf'\s*"?{re.escape(section)}"?\s*=', line):
            found = number
        elif inside and key is not None and re.match(rf'\s*"?{re.escape(key)}"?\s*=', line):
            return number
    return found


def sample(settings: ShopSettings) -> str:
    """A shop.toml that is its own manual: each key with what it does and its default."""
    values = Config(shop=settings)
    parts = ["# Settings of this shop. What is left out is as by default.\n"]
    for name, section in SECTIONS.items():
        parts.append(f"\n[{name}]\n")
        for key, field in section.model_fields.items():
            value = getattr(getattr(values, name), key)
            line = f"{key} = {_toml(value)}"
            is_default = value == field.default
            parts.append(f"# {field.description}\n{'# ' * (is_default and name != 'shop')}{line}\n")
    return "".join(parts)


def _toml(value: Any) -> str:
    """A setting as it stands in a file, on one line.

    >>> _toml(("a", "b")), _toml({"a": 1}), _toml({})
    ('["a", "b"]', '{a = 1}', '{}')
    """
    if isinstance(value, dict):
        table = tomlkit.inline_table()
        table.update(value)
        return str(table.as_string())
    text: str = tomlkit.item(list(value) if isinstance(value, tuple) else value).as_string()
    return text


def add_mapping(folder: Path, mapping: Mapping) -> None:
    """Write a mapping into shop.toml, keeping what else stands there, comments and all."""
    path = folder / FILE
    text = path.read_text(encoding="utf-8-sig")
    section = tomlkit.table()
    for key, value in mapping.to_dict().items():
        if isinstance(value, dict):
            # Dotted keys such as "properties.country" would else become tables of their own.
            inner = tomlkit.table()
            for field, header in value.items():
                inner.add(tomlkit.key(field), header)
            section.add(key, inner)
        else:
            section.add(key, value)
    alone = tomlkit.table(is_super_table=True)
    alone[mapping.name] = section
    added = f"{text.rstrip()}\n\n{tomlkit.dumps({'mapping': alone})}"
    try:
        tomllib.loads(added)
    except tomllib.TOMLDecodeError:
        # It is there already. To change it where it stands takes longer than to import a small file.
        document = tomlkit.parse(text)
        mappings = document.setdefault("mapping", tomlkit.table(is_super_table=True))
        # What was written on one line, mapping = {…}, cannot hold a section.
        is_inline = isinstance(mappings, tomlkit.items.InlineTable)
        mappings[mapping.name] = tomlkit.value(_toml(mapping.to_dict())) if is_inline else section
        added = tomlkit.dumps(document)
    storage.replace(path, added)
