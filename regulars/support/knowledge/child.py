"""The process that reads a shop's texts: a path in, its sections out, each one line of JSON. It may die of any file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from regulars.errors import InputError
from regulars.events.sandbox.limits import renew_seconds, set_limits
from regulars.support.knowledge.files import read


def main(memory_bytes: int, seconds: int) -> None:
    """Answer until nobody asks any more."""
    # Answers have a pipe of their own: what a library prints must not end up among them.
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    sys.dont_write_bytecode = True
    set_limits(memory_bytes)
    for line in sys.stdin:
        renew_seconds(seconds)
        path = Path(json.loads(line))
        try:
            said: dict[str, Any] = {"sections": [[*found] for found in read(path)]}
        except (InputError, OSError) as error:
            said = {"error": str(error)}
        except MemoryError:
            said = {"error": f"{path}: takes more than {memory_bytes >> 20:,} MiB of memory to read. Cut it in parts."}
        except Exception as error:
            # Whatever a library makes of a broken file.
            said = {"error": f"{path}: cannot be read ({type(error).__name__}: {str(error)[:200]}). Export it again."}
        print(json.dumps(said), file=answers, flush=True)
