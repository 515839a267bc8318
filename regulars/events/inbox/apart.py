"""The fold in a process of its own: a second of work that takes no turn from whoever answers meanwhile.

Requests and answers are lines of JSON. The process ends when nobody can ask it any more; a fold that was asked for by
one who was killed is done to its end, or not at all, and the next begins behind it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from regulars.errors import RegularsError, UnavailableError
from regulars.events.compaction import MANY, TINY, compact
from regulars.events.inbox.folding import Folded, put_into_log
from regulars.events.inbox.opening import open_reader
from regulars.events.log import EventLog

NICE = 5
"""It gets a quarter of a core for which somebody who answers waits too."""

START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from regulars.events.inbox import apart
apart.main()
"""


@dataclass(frozen=True)
class Place:
    """Which inbox is folded into which log.

    Attributes
    ----------
    log, inbox, rejects : folders.
    url, name : of the inbox, as of `open_reader`.
    currency, timezone : as of `put_into_log`.
    """

    log: str
    inbox: str
    rejects: str
    url: str
    name: str
    currency: str
    timezone: str

    def fold(self, received_at: datetime) -> Folded:
        """See `put_into_log`; in this process."""
        with closing(open_reader(Path(self.inbox), self.url, self.name)) as inbox:
            return put_into_log(
                inbox,
                _log(self.log),
                currency=self.currency,
                timezone=self.timezone,
                received_at=received_at,
                rejects=Path(self.rejects),
            )

    def compact(self) -> None:
        """Put the small files together that many folds leave."""
        compact(_log(self.log), below=TINY, more_than=MANY)


@lru_cache(maxsize=1)
def _log(folder: str) -> EventLog:
    """The same for one fold after the other: it remembers which identities its files hold, and reads none again."""
    return EventLog(Path(folder))


class Folding:
    """Folds in a process that is started when there is something to fold, and again if it was killed.

    Examples
    --------
    >>> import tempfile
    >>> from regulars import clock
    >>> from regulars.events.inbox import Inbox, open_store
    >>> home = Path(tempfile.mkdtemp())
    >>> log, inbox = EventLog.create(home / "log"), Inbox(open_store(home / "inbox"))
    >>> view = {"type": "page", "userId": "ada", "messageId": "m1", "timestamp": "2024-05-01T10:00:00Z"}
    >>> _ = inbox.put([json.dumps(view).encode()]).result()
    >>> place = Place(str(home / "log"), str(home / "inbox"), str(home / "rejects"), "", "", "EUR", "UTC")
    >>> folding = Folding(place)
    >>> folding.fold(clock.now())
    Folded(read=1, added=1, duplicates=0, rejected=0, through=1)
    >>> folding.close()
    >>> inbox.close()
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None

    def fold(self, received_at: datetime) -> Folded:
        """See `Place.fold`.

        Raises
        ------
        UnavailableError
            Saying why it could not be done, or that the process was killed.
        """
        return Folded(*self._ask({"fold": received_at.isoformat()}))

    def compact(self) -> None:
        """See `Place.compact`; UnavailableError as of `fold`."""
        self._ask({})

    def close(self) -> None:
        """Let it end."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def _ask(self, what: dict[str, str]) -> Any:
        process = self._process = self._process or _started()
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both pipes were asked for")
        line = b""
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps({**what, "place": asdict(self._place)}).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        if not line.endswith(b"\n"):
            code = process.wait()
            self.close()
            raise UnavailableError(f"The process that puts events into the log ended ({code}). Another one goes on.")
        said = json.loads(line)
        if "failed" in said:
            raise UnavailableError(said["failed"])
        return said["done"]


def _started() -> subprocess.Popen[bytes]:
    paths = json.dumps([path or str(Path.cwd()) for path in sys.path])
    return subprocess.Popen(  # noqa: S603  (nothing in it comes from outside)
        [sys.executable, "-P", "-c", START, paths],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,  # Ctrl-C is for who asked: that one ends this
    )


def main() -> None:
    """Fold and compact until nobody asks any more."""
    # Answers have a pipe of their own: what a library prints must not end up among them.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # who stops a service stops all of it, and the last fold comes then
    os.nice(NICE)
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        try:
            said: dict[str, Any] = {"done": _done(asked, Place(**asked["place"]))}
        except (RegularsError, OSError) as error:
            said = {"failed": str(error)}
        except Exception:
            said = {"failed": traceback.format_exc()}
        with suppress(BrokenPipeError):
            answers.write(json.dumps(said).encode() + b"\n")
            answers.flush()
        # What a fold or a compaction took would else lie unused until the next.
        pa.default_memory_pool().release_unused()


def _done(asked: dict[str, Any], place: Place) -> Folded | None:
    if "fold" in asked:
        return place.fold(datetime.fromisoformat(asked["fold"]))
    place.compact()
    return None
