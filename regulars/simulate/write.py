"""A simulated shop on disk: its log as an import would make it, and its truth in a folder beside."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from regulars import clock, storage
from regulars.config import ShopSettings
from regulars.errors import ShopError
from regulars.events.transaction import Transaction
from regulars.shop import Shop
from regulars.simulate import everyday
from regulars.simulate.encode import Names, to_events
from regulars.simulate.raw import Rows, joined
from regulars.simulate.record import record
from regulars.simulate.world import World

DAYS_A_COMMIT = 30
ROWS_A_FILE = 400_000
SOURCE = "simulation"

Progress = Callable[[int, int], None]
"""Called with the days played and the events written so far."""


class Simulated(NamedTuple):
    """What `simulate` made: the shop, its rows, and the world as it stands after the last day."""

    shop: Shop
    events: int
    world: World


def simulate(folder: str | Path, world: World, on_progress: Progress = lambda days, events: None) -> Simulated:
    """Play a world for the days it is planned for, and write what happened as a new shop.

    The shop without a policy contacts by lot (`everyday`). The folder appears when all is done, or not at
    all. The same world gives the same bytes.

    Raises
    ------
    ShopError
        If the folder is there and not empty.
    """
    folder = Path(folder).absolute()  # "." has no name
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ShopError(f"{folder} is there already. Choose a new folder for the simulated shop.")
    making = folder.with_name(f".{folder.name}.simulated")
    storage.remove(making)  # of a simulation that was killed
    params = world.params
    settings = ShopSettings(name=params.name, currency=params.currency, timezone=params.timezone)
    try:
        storage.make_folder(folder.parent)
        shop = Shop.create(making, settings)
        events = 0
        while world.day < world.days:
            events += _play_month(shop, world, partial(_report, on_progress, events))
        record(making, world)
        storage.move_folder(making, folder)
    except BaseException:
        storage.remove(making)
        raise
    return Simulated(Shop.open(folder), events, world)


def _report(on_progress: Progress, before: int, days: int, events: int) -> None:
    on_progress(days, before + events)


def _play_month(shop: Shop, world: World, on_progress: Progress) -> int:
    """Up to thirty days, in one commit, made at the moment at which they end."""
    last = min(world.day + DAYS_A_COMMIT, world.days)
    with (
        clock.held_at(world.moment(last)),
        shop.log.transaction(f"days {world.day + 1} to {last} of a simulation") as transaction,
        closing(_Writer(transaction, world.workers)) as writer,
    ):
        transaction.add("catalogue", world.catalogue())
        while world.day < last:
            transaction.add("catalogue", world.catalogue(launched_only=True))
            rows, names = world.advance(everyday.decide(world))
            writer.add(rows, names)
            on_progress(world.day, writer.rows)
        writer.finish()
        # No event bears the number of another, so there are no duplicates to look for.
        transaction.commit()
    return writer.rows


class _Writer:
    """Gathers days until a data file is worth its name, and writes files beside the simulation."""

    def __init__(self, transaction: Transaction, workers: int) -> None:
        self._transaction, self._workers = transaction, workers
        self._pool = ThreadPoolExecutor(workers)
        self._waiting: deque[Future[None]] = deque()
        self._rows: list[Rows] = []
        self._names: Names | None = None
        self.rows = 0

    def add(self, rows: Rows, names: Names) -> None:
        """Rows of the next day."""
        self._rows.append(rows)
        self._names = names
        self.rows += len(rows)
        if sum(map(len, self._rows)) >= ROWS_A_FILE:
            self._send()

    def finish(self) -> None:
        """Write what is left, and wait for all files."""
        self._send()
        while self._waiting:
            self._waiting.popleft().result()

    def _send(self) -> None:
        if not self._rows or self._names is None:
            return
        rows = joined(self._rows)
        self._rows = []
        # A busy day fills several files: as text a row takes many times what it takes as numbers.
        for first in range(0, len(rows), ROWS_A_FILE):
            while len(self._waiting) >= self._workers:  # or memory would grow where the disk is slow
                self._waiting.popleft().result()
            some = rows[first : first + ROWS_A_FILE]
            self._waiting.append(self._pool.submit(self._write, some, self._names, self._transaction.reserve()))

    def _write(self, rows: Rows, names: Names, number: int) -> None:
        self._transaction.write(to_events(rows, names), SOURCE, np.arange(len(rows)), number)

    def close(self) -> None:
        """Stop; no thread may write on once the transaction is abandoned."""
        for future in self._waiting:
            future.cancel()
        self._pool.shutdown()
