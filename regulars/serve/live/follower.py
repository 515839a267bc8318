"""The live state, brought forward by the inbox in its order, and kept on the disk now and then."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import ibis

from regulars import clock, storage
from regulars.errors import CorruptLogError, NotFoundError
from regulars.events.convert import AHEAD
from regulars.events.erased import Erased
from regulars.events.inbox import Entry
from regulars.events.schema import NOTED
from regulars.realtime import Fired, Live, Triggers, numbered, snapshot
from regulars.realtime.live import LINES
from regulars.realtime.snapshot import Snapshot
from regulars.realtime.triggers import read
from regulars.seal import sealed, unsealed
from regulars.serve.live.reading import Reading, Row
from regulars.serve.logs import LOG

if TYPE_CHECKING:
    from regulars.realtime.foresight import Foresight
    from regulars.shop import Shop

FOLDER = "realtime"
AT_ONCE = 2_000
"""Calls that are read at a time."""
PART = 100
"""Calls that are made known at a time, between which others are answered."""
REMEMBERED = 100_000
"""So many ids of events are remembered: what is sent again, for its answer was lost, counts once."""
FIRST = clock.micros(datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
"""Positions are counted on from the microseconds since then: above those of any run before, for fewer events came."""

Hears = Callable[[Sequence[Row], Mapping[str, str]], None]
"""Takes rows of events, and whose the ids of visitors turned out to be."""


class Followed(Protocol):
    """An inbox, by whoever follows it."""

    @property
    def identity(self) -> str:
        """See `Reader.identity`."""

    def read(self, after: int, most: int = ...) -> list[Entry]:
        """See `Reader.read`."""

    def newest(self, after: int) -> list[Entry]:
        """See `Inbox.newest`."""


class Follower:
    """What is known of the inbox, by whoever asks: `reach` a number, and all up to it has had its effect.

    One reading runs at a time, for all who wait; what comes meanwhile is the next one's. It reads the inbox itself, so
    the order is the inbox's, whoever was answered first.

    Parameters
    ----------
    inbox : open.
    hears : makes those who are told of every row as well, once it is known up to which number the log has all calls:
        what they read of the log lacks nothing then that another process puts there meanwhile.
    keeps : False for who follows beside another process: nothing is set off, and nothing kept on the disk.

    Attributes
    ----------
    live : the state.
    number : of the last call that is in it.
    was_kept : whether it was on the disk when this one began; else it was made of the log.
    """

    def __init__(
        self, shop: Shop, inbox: Followed, hears: Callable[[], Sequence[Hears]], *, keeps: bool = True
    ) -> None:
        self._shop, self._inbox, self._keeps = shop, inbox, keeps
        self._hears: Sequence[Hears] = ()
        self._reading = Reading(shop.config.shop.currency, shop.config.shop.timezone)
        self._folder = shop.folder / FOLDER
        self._ids: OrderedDict[str, datetime] = OrderedDict()
        self._turn = asyncio.Lock()
        self._under_way: asyncio.Future[None] | None = None
        self._fired: list[Fired] = []
        self._remembered: list[tuple[int, list[Row]]] | None = None
        self._again: set[int] = set()  # calls that told nothing new, of those that the log may lack
        self._is_sure = True  # that the log a model is made from lacks just what is remembered
        self.live: Live
        self.number: int
        self._since: datetime  # what the log received before is known; of what it received later, `_ids` is
        self._triggers: Triggers
        self._begin()
        self._hears = hears()
        self.catch_up()

    @property
    def position(self) -> int:
        """The place of the last call in the stream of the live state."""
        return self.live.position // LINES

    async def reach(self, number: int) -> None:
        """Let all calls up to a number be known."""
        while self.number < number:
            if self._under_way is None or self._under_way.done():
                self._under_way = asyncio.ensure_future(self._read())
            await asyncio.shield(self._under_way)

    async def set_off(self, moment: datetime) -> tuple[list[Fired], int]:
        """The triggers that were set off since this was asked last, by time that has passed as well; and up to where in
        the stream of the live state."""
        async with self._turn:
            found = [*self._fired, *self._triggers.pass_time(moment)]
            self._fired = []
            return found, self.live.position

    def tell(
        self, customer: str, facts: Mapping[str, Any], moment: datetime, cause: str, *, is_news: bool = True
    ) -> None:
        """Something became known of a customer that no event says; see `Triggers.tell`. What is no news sets nothing
        off."""
        fired = self._triggers.tell(customer, facts, moment, cause)
        if is_news:
            self._fired += fired

    async def renew(self, triggers: Sequence[str]) -> None:
        """Other triggers from now on; ConfigError if they cannot be read, and then all stays as it was."""
        made = read(triggers if self._keeps else ())
        async with self._turn:
            self._triggers.change(made)

    async def remember(self) -> None:
        """Keep what the log has not yet, and what comes, until `foresee`: a log that is read from now on lacks no more
        than that."""
        async with self._turn:
            self._remembered, self._is_sure = await asyncio.to_thread(self._waiting), True

    async def foresee(self, foresight: Foresight | None, folded: int) -> bool:
        """Let a behaviour model be asked that was made from the log with all calls up to a number.

        Returns
        -------
        False where it cannot be told what that log lacked, for calls were folded before they were read: make it again.
        """
        async with self._turn:
            if foresight is not None and not self._is_sure:
                return False
            remembered, self._remembered = self._remembered or [], None
            self.live.foresee(foresight, (row for number, rows in remembered if number > folded for row in rows))
            return True

    def catch_up(self) -> None:
        """Let all be known that waits, before anybody asks."""
        while True:
            try:
                entries = self._inbox.read(self.number, AT_ONCE)
            except NotFoundError:  # another process put them into the log before they were read
                number, missed = self._missed()
                if number <= self.number:
                    raise  # the log is an older one than the inbox
                for event in missed:
                    self._add(event, number)
                self.number = number
                continue
            if not entries:
                return
            self._know(entries)

    async def keep(self) -> None:
        """Keep the state on the disk while the server runs. Events wait until it is copied, not until it is written."""
        async with self._turn:
            card, taken = await asyncio.to_thread(self._taken)
        await asyncio.to_thread(self._write, card, taken)

    async def forget(self, erased: Erased) -> None:
        """Let go of who was erased, in memory and in what is kept of it on the disk."""
        async with self._turn:
            known = {*self.live.store.names(), *self.live.aliases, *self.live.aliases.values()}
            self.live.forget(await asyncio.to_thread(erased.among, known))
            self._ids.clear()
            self._since = clock.now()
            if self._keeps:
                for kept in ("state", "followed"):  # snapshots of before
                    storage.remove(self._folder / kept)
                await asyncio.to_thread(self._save)

    async def end(self) -> None:
        """The same when it stops: all that was taken is known then."""
        async with self._turn:
            if self._keeps:
                await asyncio.to_thread(self.catch_up)
                await asyncio.to_thread(self._save)

    def _save(self) -> None:
        self._write(*self._taken())

    def _taken(self) -> tuple[dict[str, Any], Snapshot]:
        """The state and what goes with it. Nothing may be made known meanwhile; questions may be asked."""
        since = next(iter(self._ids.values()), None)
        card = {
            "identity": self._inbox.identity,
            "number": self.number,
            "since": (since or self._since).isoformat(),
            "ids": list(self._ids),
        }
        return card, self.live.taken()

    def _write(self, card: Mapping[str, Any], taken: Snapshot) -> None:
        path = self._folder / "followed"
        storage.make_folder(path)
        storage.replace(path / f"{taken.position:020d}.json", sealed(json.dumps(card)))
        snapshot.write(self._folder / "state", taken)
        for old in sorted(path.glob("*.json"))[:-2]:
            storage.remove(old)

    async def _read(self) -> None:
        async with self._turn:
            try:
                entries = self._inbox.newest(self.number)
                if not entries:
                    entries = await asyncio.to_thread(self._inbox.read, self.number, AT_ONCE)
            except NotFoundError:  # they were folded before they were read
                await self._take_up()
                return
            for start in range(0, len(entries), PART):
                if start:
                    await asyncio.sleep(0)
                self._know(entries[start : start + PART])

    def _know(self, entries: Sequence[Entry]) -> None:
        events, heard = [], []
        position = self.position
        for entry in entries:
            said = self._reading.rows(entry.body)
            rows = self._new(said)
            if said and not rows:
                self._again.add(entry.sequence)
            heard += rows
            if self._remembered is not None:
                self._remembered.append((entry.sequence, rows))
            if rows:
                position += 1
                events += numbered(position, rows)
        for hears in self._hears:
            hears(heard, self.live.aliases)
        self._fired += self._triggers.add(events)
        self.number = entries[-1].sequence

    def _new(self, rows: list[Row]) -> list[Row]:
        if not rows or (name := rows[0]["event_id"]) is None:
            return rows
        if name in self._ids:
            return []
        self._ids[name] = rows[0]["received_at"] or clock.now()
        if len(self._ids) > REMEMBERED:
            self._ids.popitem(last=False)
        return rows

    async def _take_up(self) -> None:
        """Go on with what the log received meanwhile: what triggers were told stays, and what they missed fires."""
        number, missed = await asyncio.to_thread(self._missed)
        self._is_sure = self._remembered is None
        for place, event in enumerate(missed, 1):
            if place % PART == 0:
                await asyncio.sleep(0)
            self._add(event, number)
        self.number = max(self.number, number)

    def _missed(self) -> tuple[int, Iterable[list[Row]]]:
        """Up to which number the log has all calls, and its events among which those are that were not read."""
        number, since = self.folded(), next(iter(self._ids.values()), self._since)
        return number, _by_event(_received_since(self._shop, since))

    def _add(self, rows: list[Row], number: int) -> None:
        """Let an event of the log be known, if it is new; the log has all calls up to a number."""
        if new := self._new(rows):
            if self._remembered is not None:
                self._remembered.append((number, new))
            for hears in self._hears:
                hears(new, self.live.aliases)
            self._fired += self._triggers.add(numbered(self.position + 1, new))

    def _follow(self, live: Live, number: int, since: datetime) -> None:
        self.live, self.number, self._since = live, number, since
        self._triggers = Triggers.of(self._shop, live) if self._keeps else Triggers(live, ())

    def _begin(self) -> None:
        try:
            live = Live.restored(self._shop, self._folder / "state")
        except CorruptLogError as error:
            LOG.error(str(error))
            live = None
        card = self._card(live) if live is not None else None
        self.was_kept = live is not None and card is not None
        if live is None or card is None:
            self._follow(*self._from_log())
            return
        self._follow(live, card["number"], datetime.fromisoformat(card["since"]))
        self._ids = OrderedDict.fromkeys(card["ids"], self._since)
        number = self.folded()
        for rows in _by_event(_received_since(self._shop, self._since)):
            self._add(rows, number)
        self.number = max(self.number, number)

    def _card(self, live: Live) -> Mapping[str, Any] | None:
        path = self._folder / "followed" / f"{live.position:020d}.json"
        try:
            card: Mapping[str, Any] = unsealed(path.read_bytes())
        except (OSError, ValueError):
            return None
        return card if card["identity"] == self._inbox.identity else None

    def _from_log(self) -> tuple[Live, int, datetime]:
        while True:  # until no fold came between: one that was asked for by a server before may
            number, now = self.folded(), clock.now()
            live = Live.of(self._shop, now + AHEAD, (clock.micros(now) - FIRST) * LINES)
            if number == self.folded():
                return live, number, now

    def _waiting(self) -> list[tuple[int, list[Row]]]:
        """The rows of all calls that are known and that the log has not yet, each call once, with their numbers."""
        found: dict[str, tuple[int, list[Row]]] = {}
        number = self.folded()
        self._again = {each for each in self._again if each > number}
        while number < self.number:
            try:
                entries = self._inbox.read(number, AT_ONCE)
            except NotFoundError:  # they were folded meanwhile
                number = self.folded()
                continue
            for entry in entries:
                is_news = entry.sequence <= self.number and entry.sequence not in self._again
                rows = self._reading.rows(entry.body) if is_news else []
                if rows:
                    found.setdefault(rows[0]["event_id"] or str(entry.sequence), (entry.sequence, rows))
            number = entries[-1].sequence if entries else self.number
        return list(found.values())

    def folded(self) -> int:
        """Up to which number calls are in the log."""
        return self._shop.log.snapshot().folded.get(self._inbox.identity, 0)


def _received_since(shop: Shop, since: datetime) -> list[Row]:
    """The rows that the log received from a moment on, in the order of their times."""
    events = shop.events
    rows = events.filter(events.received_at >= ibis.literal(since, "timestamp('UTC')"), ~events.type.isin(NOTED))
    rows = rows.order_by("time", "event_id", "line")
    columns = ["event_id", "type", "time", "received_at", "customer_id", "anonymous_id", "text", "properties",
               "product_id", "unit_price", "quantity", "device_id", "ip", "payment_id", "channel"]  # fmt: skip
    found: list[Row] = shop.engine.to_arrow(rows.select(*columns)).to_pylist()
    return [{**row, "properties": json.loads(row["properties"] or "{}")} for row in found]


def _by_event(rows: Iterable[Row]) -> Iterable[list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["event_id"], []).append(row)
    return found.values()
