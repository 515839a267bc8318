"""Where the writer of a shop is asked by its workers: two sockets in the shop's folder, for its user alone."""

from __future__ import annotations

import os
from pathlib import Path

from regulars import storage

FOLDER = "serving"
"""In the shop's."""
MODE = 0o600


class Sockets:
    """The paths of the sockets, by a handle of their folder: the kernel takes no path of more than 107 bytes.

    Attributes
    ----------
    calls : frames, see `Frames`.
    requests : HTTP, for what the writer alone answers.
    """

    def __init__(self, shop_folder: Path) -> None:
        self._handle = os.open(storage.make_folder(shop_folder / FOLDER), os.O_RDONLY | os.O_DIRECTORY)
        folder = Path(f"/proc/self/fd/{self._handle}")
        self.calls, self.requests = folder / "calls", folder / "requests"
