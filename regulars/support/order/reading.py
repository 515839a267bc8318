"""A shop's customers, orders and products from JSON files, every mistake with its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from regulars.errors import InputError

Thing = TypeVar("Thing", bound=BaseModel)
LARGEST = 1 << 30


def read_things(path: Path, kind: type[Thing], id_field: str) -> Iterator[Thing]:
    """The things in a file: a list of objects, or an object of them by id.

    Parameters
    ----------
    path : of a JSON file, UTF-8.
    kind : Customer, Order or Product; fields that it does not know are left out.
    id_field : what the key of an object by id is, where the things do not say it themselves.

    Raises
    ------
    InputError
        If the file cannot be read, or a thing in it is none: the message says which and why.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path} has more than {LARGEST >> 20:,} MiB. Load it in parts.")
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON: {error}.") from None
    rows: list[tuple[str, Any]]
    if isinstance(found, dict):
        rows = [(key, {id_field: key, **row} if isinstance(row, dict) else row) for key, row in found.items()]
    elif isinstance(found, list):
        rows = [(str(place), row) for place, row in enumerate(found, 1)]
    else:
        raise InputError(f"{path}: a list of objects is expected, or an object of them by id.")
    for key, row in rows:
        try:
            yield kind.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise InputError(f"{path}, {key}: {place}: {first['msg']}. Nothing of it was loaded.") from None
