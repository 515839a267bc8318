"""Sealed files: what was written comes back, and any changed bit is told."""

from __future__ import annotations

import json

import pytest

from regulars.seal import sealed, unsealed


@pytest.mark.parametrize("indent", [None, 2])
def test_what_is_sealed_comes_back_and_stays_json(indent):
    card = {"名": "茶", "files": {"a.txt": {"size": 3}}}
    data = sealed(json.dumps(card, indent=indent, ensure_ascii=False))
    assert unsealed(data) == card
    assert json.loads(data).keys() == {"名", "files", "sha256"}


def test_every_flipped_bit_and_every_cut_is_told():
    data = sealed('{"version": 3}')
    changed = [data[:at] for at in range(len(data))]
    changed += [
        data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :] for at in range(len(data)) for bit in range(8)
    ]
    for bad in changed:
        with pytest.raises(ValueError, match="not those that were written"):
            unsealed(bad)
