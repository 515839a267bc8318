"""The starter set's intents, kept where they were learned, so that a program does not learn them at each start."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from safetensors import SafetensorError

from regulars import storage
from regulars.language.embedding import OFFLINE
from regulars.language.retrieval import is_installed
from regulars.support.intent.closer import mark
from regulars.support.intent.features import has_english
from regulars.support.intent.model import FORMAT, Intents
from regulars.support.intent.starter import starter

_OF = "of.json"


def starter_kept(folder: Path) -> Intents:
    """`Intents.starter()`, read from a folder: in milliseconds; learned and kept there if it is not, or of other texts.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "intents"
    >>> starter_kept(folder).of(["where is my parcel?"]) == starter_kept(folder).of(["where is my parcel?"])
    True
    """
    closer = mark()["encoder"] if is_installed() else ""
    of = json.dumps(
        [FORMAT, hashlib.blake2b(repr(starter()).encode()).hexdigest(), OFFLINE.name, has_english(), closer]
    ).encode()
    try:
        if (folder / _OF).read_bytes() == of:
            return Intents.from_files({path.name: path.read_bytes() for path in folder.iterdir() if path.name != _OF})
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        pass  # as good as none
    learned = Intents.starter()
    storage.make_folder(folder)
    # What they are of is written last: half of them is never taken for all.
    for name, content in {**learned.to_files(), _OF: of}.items():
        storage.replace(folder / name, content)
    return Intents.from_files(learned.to_files())
