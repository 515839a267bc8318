"""The server's log: a JSON object a line on the error output, without personal data."""

from __future__ import annotations

import logging
import sys
import time
from datetime import UTC, datetime
from logging.handlers import BufferingHandler
from threading import Thread
from typing import Any

import orjson

LOG = logging.getLogger("regulars.serve")
GATHER_SECONDS = 0.1
"""Lines of so long are written together, for each write costs more than its line; a warning or worse is written at
once, with those before it."""
GATHERED = 10_000


class Lines(logging.Formatter):
    """Each record as a line of JSON; what is given as `extra={"about": {…}}` are fields of it.

    Parameters
    ----------
    process : which one of several it is that writes; "" for the only one.
    """

    def __init__(self, process: str = "") -> None:
        super().__init__()
        self._own = {"process": process} if process else {}

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **self._own,
            **getattr(record, "about", {}),
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(said, default=str).decode()


class _Together(BufferingHandler):
    """Writes the lines of a while as one."""

    def __init__(self) -> None:
        super().__init__(GATHERED)
        Thread(target=self._write, name="log", daemon=True).start()

    def shouldFlush(self, record: logging.LogRecord) -> bool:
        """Whether there are many, or the last one is urgent."""
        return super().shouldFlush(record) or record.levelno >= logging.WARNING

    def flush(self) -> None:
        """Write what waits; the interpreter asks for it too when it ends."""
        self.acquire()
        try:
            some, self.buffer = self.buffer, []
            if some:
                sys.stderr.write("".join(f"{self.format(record)}\n" for record in some))
                sys.stderr.flush()
        finally:
            self.release()

    def _write(self) -> None:
        while True:
            time.sleep(GATHER_SECONDS)
            self.flush()


def begin(process: str = "", *, together: bool = True) -> None:
    """Write the log of this process to its error output.

    Its lines say nothing of threads, processes and places in the code; to find these out for each costs as much as all
    the rest of it (logging's documentation, Optimization).

    Parameters
    ----------
    process : as of `Lines`.
    together : False for few lines: each is written at once, and no thread waits for more.
    """
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    handler = _Together() if together else logging.StreamHandler()
    handler.setFormatter(Lines(process))
    LOG.handlers = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
