"""The daily turn: events from the inbox, learning that is due, decisions of each capability, the one next best action,
messages into the queue, the proof, once a week the letter; once a day."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from regulars import capability as capabilities
from regulars import clock, storage
from regulars.campaign.actions import Action
from regulars.campaign.sending import queue_decided
from regulars.campaign.training import in_use as campaign_in_use
from regulars.errors import ConfigError, InputError, NotEnoughError, NotFoundError, ShopError
from regulars.events import inbox
from regulars.lifecycle.calendar import Calendar, missed
from regulars.lifecycle.decide import situation
from regulars.lifecycle.letter import letter, write
from regulars.lifecycle.model import NAME
from regulars.lifecycle.proof import DAYS, acted, decided_by, proofs

if TYPE_CHECKING:
    from regulars.shop import Shop

FOLDER = "runs"
FIRST = ("behavior", "profile", "churn", "segment", "recommend", "fraud")
"""What others read is learned before them; lifecycle reads all, and comes last."""

Working = Callable[[str], AbstractContextManager[object]]


@dataclass
class Turn:
    """What a turn did.

    Attributes
    ----------
    day : of the turn. as_of : the moment that it decided as of.
    done : step -> what came of it, in a sentence.
    skipped : steps that an earlier turn of the same day had done already.
    missed : days since the turn before this one on which there was none.
    """

    day: str
    as_of: datetime
    done: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


def turn(shop: Shop, working: Working, as_of: datetime | None = None) -> Turn:
    """Do what is due today. Done again on the same day, or after it was killed, it goes on where it stopped.

    What a capability cannot do (too little data, nothing learned) is told and stops nobody else. A day that was missed
    is not made up for: decisions are of today. On a day of rest nothing is decided or sent.

    Parameters
    ----------
    as_of : decide as of then, and take it for today; default: as of just after the newest event, today. The turn of a
        day keeps the moment it began with.

    Raises
    ------
    ShopError
        If another turn is running.
    """
    folder = storage.make_folder(shop.folder / FOLDER)
    with storage.lock(folder / "lock", "the daily turn"):
        folded = _folded(shop)
        # The log ends when the shop last exported it, the day is the one on which this runs.
        today = (as_of or clock.now()).astimezone(UTC)
        path = folder / f"{today:%Y-%m-%d}.json"
        kept: dict[str, Any] = {"as_of": (as_of or shop.now).astimezone(UTC).isoformat(), "done": {}}
        if path.is_file():
            kept = json.loads(path.read_text("utf-8"))
        day = path.stem
        found = Turn(day, datetime.fromisoformat(kept["as_of"]), {"fold": folded})
        found.missed = missed((each.stem for each in folder.glob("*.json")), day)
        for step, act in _steps(shop, found.as_of, today):
            if step in kept["done"]:
                found.skipped.append(step)
                continue
            with working(step):
                found.done[step] = _done(act)
            kept["done"][step] = found.done[step]
            kept["at"] = clock.now().isoformat()
            storage.replace(path, json.dumps(kept, ensure_ascii=False, indent=2))
    return found


def _done(act: Callable[[], str]) -> str:
    try:
        return act()
    except (NotEnoughError, NotFoundError, InputError, ConfigError) as error:
        return f"Not done: {error}"


def _steps(shop: Shop, as_of: datetime, today: datetime) -> Iterator[tuple[str, Callable[[], str]]]:
    there = [name for name in capabilities.names() if name != NAME]
    order = [*sorted(there, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name)), NAME]
    for name in order:
        if _is_due(shop, name, as_of):
            yield f"learn {name}", lambda name=name: shop.learn(name, as_of)[1].verdict  # type: ignore[misc]
    calendar = Calendar.of(shop)
    if calendar.is_rest(today):
        yield "rest", lambda: "A day of rest by [lifecycle] rest: nothing is decided or sent."
    else:
        is_pilot = "campaign" in order and _is_pilot(shop)
        for name in order:
            # Whom to contact is decided once: two that draw lots and send would each spoil what the other measures.
            if hasattr(capabilities.load(name), "decide") and (name != "campaign" or is_pilot):
                yield f"decide {name}", lambda name=name: _decided(shop, name, as_of)  # type: ignore[misc]
        yield "send", lambda: " ".join(_queued(shop, as_of, by) for by in (["campaign"] if is_pilot else []) + [NAME])
    yield "prove", lambda: prove(shop, as_of)
    if calendar.has_letter(today):
        yield "letter", lambda: _written(shop, as_of)


def _folded(shop: Shop) -> str:
    """Put what waits in the inbox into the log, unless a server that runs does that."""
    settings, folder = shop.config, shop.folder / inbox.FOLDER
    if not folder.is_dir() and not settings.serve.inbox:
        return "No server has run: no events wait."
    try:
        store = inbox.open_store(
            folder, settings.serve.inbox, shop.state.secret("inbox") if settings.serve.inbox else ""
        )
    except ShopError as error:
        return f"Left to the server that runs: {error}"
    opened, added = inbox.Inbox(store), 0
    try:
        while found := inbox.fold(
            opened, shop.log, currency=settings.shop.currency, timezone=settings.shop.timezone,
            received_at=clock.now(), rejects=shop.folder / "rejects",
        ):  # fmt: skip
            added += found.added
    finally:
        opened.close()
    return f"{added:,} events."


def _is_pilot(shop: Shop) -> bool:
    """Whether nothing is known yet of what messages bring: then campaign measures it, by lot."""
    try:
        return campaign_in_use(shop).uplift is None
    except NotFoundError:
        return False


def _queued(shop: Shop, as_of: datetime, by: str = NAME) -> str:
    """Put messages that were decided today into the queue, if their texts are approved: `regulars campaign run` sends
    them."""
    table = shop.tables.read(by, "decisions")
    if datetime.fromisoformat((table.schema.metadata or {})[b"as_of"].decode()) != as_of:
        return f"{by} decided nothing today: nothing of an earlier day is sent."
    said = []
    for name in sorted({name for name in table["action"].to_pylist() if Action.of(name).channel}):
        try:
            found = queue_decided(shop, Action.of(name).what, as_of, [name], by)
            said.append(f"{name}: {found.contacts[name]:,} in the queue.")
        except (ConfigError, NotFoundError, InputError) as error:
            said.append(f"{name} is not sent: {error}")
    return " ".join(said) or "No message was decided."


def _is_due(shop: Shop, name: str, as_of: datetime) -> bool:
    """Whether nothing was learned yet, or too long ago."""
    history = shop.models.history(name)
    if not history:
        return True
    age = as_of - datetime.fromisoformat(history[0].card["until"])
    return age >= timedelta(days=shop.config.lifecycle.learn_days)


def _decided(shop: Shop, name: str, as_of: datetime) -> str:
    found = shop.decide(name, as_of)
    return f"{found.table.num_rows:,} decisions"


def _written(shop: Shop, as_of: datetime) -> str:
    found = letter(shop, situation(shop, as_of), shop.config.lifecycle.language)
    return f"{write(shop, found, as_of)[0]}"


def prove(shop: Shop, as_of: datetime) -> str:
    """What the program brought lately, and its parts; if it lost money by the decisions of one version alone, the one
    before is used again."""
    found, *parts = proofs(shop, as_of - timedelta(days=DAYS), as_of, acted(shop))
    said = (
        f"{found.each:,.2f} a customer in {DAYS} days ({found.low:,.2f} to {found.high:,.2f} at 95 %), "
        f"{found.customers:,} customers beside {found.left_out:,} left out"
    )
    for part in parts:
        said += f"; {part.what} {part.each:,.2f} ({part.low:,.2f} to {part.high:,.2f})"
    version = shop.models.version_in_use(NAME)
    earlier = [number for number in shop.models.versions(NAME) if version is not None and number < version]
    if found.has_failed and earlier and decided_by(shop, as_of - timedelta(days=DAYS), as_of) == {version}:
        shop.models.use(NAME, earlier[-1])
        return f"{said}. It loses money, at 95 %: version {earlier[-1]} is in use again."
    return f"{said}."
