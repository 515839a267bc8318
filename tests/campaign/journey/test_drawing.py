"""Journeys as graphs: whole, in both forms, whatever their names hold."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from regulars.campaign.journey import mermaid, read, ready, svg

HEAD = '[trigger]\nevent = "signed_up"\n'
SVG = "{http://www.w3.org/2000/svg}"


def boxes(text: str) -> list[tuple[float, float]]:
    found = ElementTree.fromstring(text).iter(f"{SVG}rect")  # noqa: S314 our own
    return [
        (float(box.get("x", 0)), float(box.get("y", 0)))
        for box in found
        if box.get("fill") == "#fff" and box.get("rx") != "4"
    ]


@pytest.mark.parametrize("name", sorted(ready()))
def test_every_step_has_a_box_of_its_own(name: str) -> None:
    journey = read(ready()[name], name)
    places = boxes(svg(journey))
    assert len(places) == len(set(places)) >= len(journey.steps) + 1
    text = mermaid(journey)
    assert text.count("-->") == svg(journey).count("marker-end")
    assert all(step.name in text for step in journey.steps)


def test_names_are_text_and_no_markup() -> None:
    journey = read(HEAD + "[[step]]\nname = '<b>\"&茶'\nwait = '1 day'", "j")
    assert "&lt;b&gt;" in svg(journey)
    assert boxes(svg(journey, {'<b>"&茶': 1204}))
    assert "1,204" in svg(journey, {'<b>"&茶': 1204})
    assert '"<b>#quot;&茶<br/>wait 1 day"' in mermaid(journey)


def test_a_loop_is_drawn() -> None:
    text = '[[step]]\nname="a"\nwait="1 day"\n[[step]]\nname="b"\nsend="m"\nnext="a"'
    assert len(boxes(svg(read(HEAD + text, "j")))) == 3
