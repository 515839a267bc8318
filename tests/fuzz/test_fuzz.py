"""Every parser ends in an answer or a sentence: on what once broke one, and on mutations of what is right."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS, attempt, spoiled

CORPUS = Path(__file__).parent / "corpus"
MUTATIONS = 40
"""Of each; `make fuzz` goes on for minutes, guided by coverage."""


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_right_is_read(name):
    for seed in TARGETS[name].seeds:
        TARGETS[name].read(seed)


@pytest.mark.parametrize("name", TARGETS)
def test_no_mutation_ends_in_anything_but_a_sentence(name):
    target, rng = TARGETS[name], random.Random(0)
    for _ in range(MUTATIONS):
        attempt(target, spoiled(target, rng))


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name[:8]}")
def test_what_once_broke_a_parser_breaks_it_no_more(path):
    attempt(TARGETS[path.parent.name.replace("_", " ")], path.read_bytes())
