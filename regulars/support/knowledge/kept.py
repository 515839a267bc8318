"""What was read of a folder of texts, kept: a program that starts again reads only what has changed since."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from regulars import storage
from regulars.errors import InputError
from regulars.language.embedding import OFFLINE
from regulars.language.retrieval import PASSAGES, is_installed
from regulars.language.search import Index
from regulars.language.text import clean
from regulars.support.knowledge.rank import Row
from regulars.support.knowledge.text import Text
from regulars.support.knowledge.topics import About

_ABOUT, _ROWS = "knowledge.json", "rows.safetensors"


class Read(NamedTuple):
    """What is known of a folder.

    Attributes
    ----------
    texts : id -> text.
    rows : id of a text, or of a question noted beside one -> what is compared of it.
    seen : file -> its time (nanoseconds) and size.
    faults : file -> why it cannot be read.
    """

    texts: dict[str, Text]
    rows: dict[str, Row]
    seen: dict[str, tuple[int, int]]
    faults: dict[str, str]


def keep(folder: Path, index: Index, read: Read) -> None:
    """Write it; nothing where there is no text."""
    if not read.rows:
        return
    index.save(folder)
    rows = list(read.rows.values())
    columns = {
        **{name: np.stack([getattr(row.about, name) for row in rows]) for name in About._fields},
        "answers": np.stack([row.answers for row in rows]),
    }
    storage.replace(folder / _ROWS, save(columns))
    about = {
        "of": _of(),
        "texts": [asdict(text) for text in read.texts.values()],
        "rows": {one: row.script for one, row in read.rows.items()},
        "seen": read.seen,
        "faults": read.faults,
    }
    # Last: what another process wrote in between does not fit to it, and is found out below.
    storage.replace(folder / _ABOUT, json.dumps(about, ensure_ascii=False, default=date.isoformat))


def kept(folder: Path, index: Index) -> tuple[Index, Read] | None:
    """What `keep` wrote, with an index of the same encoders; None where it is not whole, or of another version."""
    try:
        about = json.loads((folder / _ABOUT).read_bytes())
        columns = load_file(folder / _ROWS)
        if about["of"] != _of():
            return None
        texts = {said["id"]: _text(said) for said in about["texts"]}
        parts = zip(*(columns[name] for name in About._fields), strict=True)
        rows = {
            one: Row(About(*part), answers, script)
            for (one, script), part, answers in zip(about["rows"].items(), parts, columns["answers"], strict=True)
        }
        loaded = copy.copy(index)
        loaded.load(folder)
        passages = {one: loaded.get(one) for one in rows}
    except (OSError, ValueError, KeyError, TypeError, SafetensorError, InputError):
        return None
    is_whole = len(loaded) == len(rows) and all(passages.values())
    said = {one: text.text for one, text in texts.items()} | {
        f"{one}?{place}": question for one, text in texts.items() for place, question in enumerate(text.questions)
    }
    if not is_whole or {one: each.text for one, each in passages.items() if each} != {
        one: clean(text) for one, text in said.items()
    }:
        return None
    seen = {name: (mark[0], mark[1]) for name, mark in about["seen"].items()}
    return loaded, Read(texts, rows, seen, about["faults"])


def _of() -> list[str]:
    return [version("regulars"), OFFLINE.name, PASSAGES.name if is_installed() else ""]


def _text(said: dict[str, Any]) -> Text:
    days = {name: said[name] and date.fromisoformat(said[name]) for name in ("valid_from", "valid_to")}
    return Text(**{**said, **days, "section": tuple(said["section"]), "questions": tuple(said["questions"])})
