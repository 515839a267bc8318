"""What is made aside is made once more where it grew old meanwhile."""

from __future__ import annotations

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
