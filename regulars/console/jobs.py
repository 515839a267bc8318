"""Long work: it runs on while its page is left, and tells how far it is from the shop's state."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from regulars import clock
from regulars.console.tables import jobs
from regulars.errors import NotFoundError, RegularsError
from regulars.serve.logs import LOG
from regulars.state import State

TOLD_SECONDS = 0.5
"""How far it is is written down only so often."""

Progress = Callable[[int, int], None]
"""progress(done, total)"""


class Job(NamedTuple):
    """A piece of work: status is running, done or failed; `said` is its result or what went wrong, in words."""

    id: int
    kind: str
    begun_by: str
    begun_at: datetime
    status: str
    done: int
    total: int
    said: str
    ended_at: datetime | None


_COLUMNS = [jobs.c[name] for name in Job._fields]


class Jobs:
    """The long work of a console: one piece after the other, in a thread."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="job")
        cut_off = {
            "status": "failed",
            "said": "The console was stopped meanwhile. Begin again.",
            "ended_at": clock.now(),
        }
        with state.write() as change:
            change.execute(sa.update(jobs).where(jobs.c.status == "running").values(cut_off))

    def begin(self, kind: str, work: Callable[[Progress], str], *, by: str) -> Job:
        """Begin a piece of work; the one of this kind that is under way, if there is one.

        Parameters
        ----------
        kind : a key of the words of the console, which names it.
        work : is given what it tells its progress to; what it returns is said at its end.
        """
        row = {
            "kind": kind, "begun_by": by, "begun_at": clock.now(), "status": "running", "done": 0, "total": 0,
            "said": "",
        }  # fmt: skip
        with self._state.write(alone="jobs") as change:
            under_way = sa.select(*_COLUMNS).where(jobs.c.kind == kind, jobs.c.status == "running")
            found = change.execute(under_way).first()
            if found is not None:
                return Job(*found)
            job = Job(*change.execute(sa.insert(jobs).values(row).returning(*_COLUMNS)).one())
        self._pool.submit(self._run, job.id, work)
        return job

    def one(self, number: int) -> Job:
        """A piece of work; NotFoundError if there is none."""
        with self._state.read() as view:
            row = view.execute(sa.select(*_COLUMNS).where(jobs.c.id == number)).first()
        if row is None:
            raise NotFoundError(f"There is no job {number}.")
        return Job(*row)

    def newest(self, kind: str) -> Job | None:
        """The newest piece of work of a kind."""
        asked = sa.select(*_COLUMNS).where(jobs.c.kind == kind).order_by(jobs.c.id.desc()).limit(1)
        with self._state.read() as view:
            row = view.execute(asked).first()
        return None if row is None else Job(*row)

    def close(self) -> None:
        """Begin nothing more; what is under way comes to its end."""
        self._pool.shutdown(cancel_futures=True)

    def _run(self, number: int, work: Callable[[Progress], str]) -> None:
        told = 0.0

        def progress(done: int, total: int) -> None:
            nonlocal told
            if time.monotonic() - told >= TOLD_SECONDS:
                told = time.monotonic()
                self._set(number, done=done, total=total)

        try:
            said = work(progress)
        except RegularsError as error:
            self._set(number, status="failed", said=str(error), ended_at=clock.now())
        except Exception as error:
            LOG.error("a job failed", exc_info=error)
            self._set(
                number, status="failed", said="A mistake of the program; its log tells which.", ended_at=clock.now()
            )
        else:
            self._set(number, status="done", said=said, ended_at=clock.now())

    def _set(self, number: int, **values: object) -> None:
        with self._state.write() as change:
            change.execute(sa.update(jobs).where(jobs.c.id == number).values(**values))
