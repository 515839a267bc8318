"""What is made aside is made once more where it grew old meanwhile."""

from __future__ import annotations

import pytest

from regulars.errors import NotFoundError, UnavailableError
from regulars.serve.live import part as parts
from regulars.serve.live.part import Part


def test_what_grows_old_while_it_is_made_is_made_again() -> None:
    made: list[int] = []

    def make() -> int:
        made.append(len(made))
        if len(made) == 1:  # an erasure, say, when the log was read already
            part.age()
        return made[-1]

    part = Part("a number", lambda: "the same", make)
    assert [part.refresh(), part.refresh(), part.refresh()] == [True, True, False]
    assert part.get() == 1


def test_what_is_made_of_another_is_made_again_whenever_that_was() -> None:
    versions = [1]
    first = Part("the catalogue", lambda: versions[-1], lambda: versions[-1])
    second = Part("the search", lambda: first.makings, lambda: first.get() * 10)
    assert first.refresh()
    assert second.refresh()
    versions.append(2)
    assert [second.refresh(), first.refresh(), second.refresh(), second.refresh()] == [False, True, True, False]
    assert second.get() == 20


@pytest.mark.parametrize(("error", "times"), [(UnavailableError, 3), (NotFoundError, 1)])
def test_what_cannot_be_made_is_tried_again_but_what_is_not_there_only_with_another_key(
    error, times, monkeypatch
) -> None:
    monkeypatch.setattr(parts, "RETRY_SECONDS", 0.0)
    tried, versions = [], [1]

    def make() -> None:
        tried.append(versions[-1])
        raise error("none")

    part = Part("a model", lambda: versions[-1], make)
    assert [part.refresh() for _ in range(3)] == [False, False, False]
    assert len(tried) == times
    versions.append(2)
    assert not part.refresh()
    assert tried[-1] == 2
    with pytest.raises(error):
        part.get()
