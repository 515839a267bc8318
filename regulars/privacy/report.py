"""The record of processing (GDPR 30) and a draft of the impact assessment (GDPR 35, PIPL 55), of the shop as it is.

They are made from the shop's own settings and data, so they are true on the day they are made. What only people know
(who answers for it, on which ground) is left open, and marked. No legal advice: have somebody who knows read them.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

import ibis
import pyarrow.compute as pc

from regulars import clock
from regulars.customers import ledger
from regulars.errors import InputError
from regulars.events.erased import Erased
from regulars.events.schema import TYPES
from regulars.privacy.retention import LEDGER, OTHERS

if TYPE_CHECKING:
    from regulars.shop import Shop

Kind = Literal["record", "assessment"]
KINDS: tuple[Kind, ...] = ("record", "assessment")
LANGUAGES = ("en", "zh")
PERSONAL = ("customer_id", "anonymous_id", "session_id", "query", "text", "device_id", "ip", "payment_id", "properties")
"""Columns of the log that say something of a person, or of a device that leads to one."""


def report(shop: Shop, kind: Kind, language: str = "en") -> str:
    """One of the two as Markdown.

    Parameters
    ----------
    kind : "record" or "assessment".
    language : "en" or "zh".

    Raises
    ------
    InputError
        If there is no such kind or language.
    """
    if kind not in KINDS or language not in LANGUAGES:
        raise InputError(f"There is {' and '.join(KINDS)}, in {' and '.join(LANGUAGES)}.")
    words = tomllib.loads((files("regulars.privacy") / f"report_{language}.toml").read_text(encoding="utf-8"))
    facts = _facts(shop, words)
    template: str = words[kind]
    return template.format(**facts)


def _facts(shop: Shop, words: dict[str, Any]) -> dict[str, Any]:
    now = clock.now()
    events = shop.events
    by_type = events.group_by("type").agg(
        rows=events.count(), first=events.time.min(), last=events.time.max(),
        customers=ibis.coalesce(events.customer_id, events.anonymous_id).nunique(),
    )  # fmt: skip
    kinds = shop.engine.to_arrow(by_type.order_by("type")).to_pylist()
    filled = {name: events[name].count() for name in PERSONAL}
    (held,) = shop.engine.to_arrow(events.aggregate(**filled)).to_pylist()
    said = ledger(shop, now)
    settings = shop.config
    keep = settings.log.keep_events
    uses = [name for name in words["uses"] if _is_used(shop, name)]
    return {
        "shop": settings.shop.name,
        "date": f"{now:%Y-%m-%d}",
        "types": "\n".join(_type_row(row, keep, words) for row in kinds) or "| - | - | - | - | - |",
        "columns": ", ".join(f"`{name}` ({count:,})" for name, count in held.items() if count) or "-",
        "uses": "\n".join(f"- **{name}**: {words['uses'][name]}" for name in uses) or "-",
        "recipients": "\n".join(f"- {text}" for text in _recipients(shop, words)),
        "keep_days": settings.log.keep_days,
        "erased": len(Erased.read(shop.log.folder).until),
        "consents": _counted(said, "consent_given"),
        "withdrawals": _counted(said, "consent_withdrawn"),
        "objections": _counted(said, "objection_made"),
        "consent_rule": words["consent_rule"][settings.sending.consent],
        "pricing_mode": words["pricing_mode"][settings.pricing.mode],
        "automated": "\n".join(f"- {text}" for name, text in words["automated"].items() if name in uses) or "-",
    }


def _type_row(row: dict[str, Any], keep: dict[str, int], words: dict[str, Any]) -> str:
    days = keep.get(row["type"], None if row["type"] in LEDGER else keep.get(OTHERS))
    kept = words["days"].format(days=days) if days else words["for_ever"]
    first, last = (f"{row[name]:%Y-%m-%d}" for name in ("first", "last"))
    about = TYPES.get(row["type"], "")
    return f"| `{row['type']}` | {about} | {row['rows']:,} | {row['customers']:,} | {first} – {last} | {kept} |"


def _is_used(shop: Shop, name: str) -> bool:
    return bool(shop.models.versions(name)) or any((shop.tables.folder / name).glob("*.parquet"))


def _recipients(shop: Shop, words: dict[str, Any]) -> list[str]:
    """Who else gets something: read off what is set."""
    settings, said = shop.config, words["recipients"]
    found = {
        "language": settings.language.url,
        "smtp": settings.sending.smtp,
        "state": settings.state.url,
        "inbox": settings.serve.inbox,
    }
    return [said[name] for name, value in found.items() if value] or [said["nobody"]]


def _counted(said: Any, kind: str) -> int:
    return int(pc.sum(pc.equal(said["type"], kind)).as_py() or 0)
