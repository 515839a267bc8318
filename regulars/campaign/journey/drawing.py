"""A journey as a graph: as text for Mermaid, and as SVG laid out here, with the steps in layers from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from html import escape
from typing import NamedTuple

from regulars.campaign.journey.step import (
    END,
    Branch,
    Exit,
    Journey,
    Send,
    Split,
    Step,
    Trigger,
    Wait,
    WaitForEvent,
    WaitForTime,
)
from regulars.evaluation import palette

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 220, 54, 34, 50, 24
STEP_Y = 15
"""Ways that leave one box turn so far below each other, and their labels stand so."""
LETTERS = 28
"""So many letters of a line are drawn; a Chinese one takes two."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
COLOURS = {
    "trigger": palette.NEUTRAL,
    "send": palette.MODEL,
    "wait": palette.BASELINE,
    "part": palette.GOOD,
    "exit": palette.NEUTRAL,
}
START, GOAL = "\0start", "\0goal"


class _Node(NamedTuple):
    name: str
    title: str
    about: str
    kind: str


class _Edge(NamedTuple):
    source: str
    target: str
    label: str


def mermaid(journey: Journey, counts: Mapping[str, int] | None = None) -> str:
    """As text for Mermaid, that README files and wikis draw.

    Parameters
    ----------
    counts : how often each step was reached, to be written beside it.
    """
    nodes, edges = _graph(journey, counts or {})
    ids = {node.name: f"n{place}" for place, node in enumerate(nodes)}
    forms = {
        "send": ("[", "]"),
        "wait": ("([", "])"),
        "part": ("{", "}"),
        "trigger": ("((", "))"),
        "exit": ("((", "))"),
    }
    lines = ["flowchart TD"]
    for node in nodes:
        left, right = forms[node.kind]
        text = "<br/>".join(part for part in (node.title, node.about) if part).replace('"', "#quot;")
        lines.append(f'  {ids[node.name]}{left}"{text}"{right}')
    for edge in edges:
        label = f'|"{edge.label}"|' if edge.label else ""
        lines.append(f"  {ids[edge.source]} -->{label} {ids[edge.target]}")
    return "\n".join(lines) + "\n"


def svg(journey: Journey, counts: Mapping[str, int] | None = None) -> str:
    """As SVG, legible on white and on near-black.

    Parameters
    ----------
    counts : how often each step was reached, to be written beside it.
    """
    nodes, edges = _graph(journey, counts or {})
    layer = _layers(nodes, edges)
    place = _places(nodes, edges, layer)
    columns = max(place.values()) + 1
    width = 2 * MARGIN + columns * WIDTH + (columns - 1) * GAP_X + (60 if _goes_back(edges, layer) else 0)
    ports, tops = _ports(edges, place), _tops(edges, layer)
    height = tops[-1] + HEIGHT + MARGIN
    at = {name: (MARGIN + place[name] * (WIDTH + GAP_X), tops[layer[name]]) for name in layer}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" font-family="system-ui, sans-serif" role="img">',
        f"<title>Journey {escape(journey.name)}</title>",
        f"<desc>{escape(_in_words(journey))}</desc>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0,0L8,4L0,8Z" fill="{palette.NEUTRAL}"/></marker></defs>',
    ]
    labels = []
    for edge in edges:
        path, label_at = _way(edge, at, layer, ports[edge], width)
        parts.append(
            f'<path d="{path}" fill="none" stroke="{palette.NEUTRAL}" stroke-width="1.5" marker-end="url(#tip)"/>'
        )
        if edge.label:
            labels.append(_label(edge.label, *label_at))
    parts += [_box(node, *at[node.name]) for node in nodes]
    return "\n".join([*parts, *labels, "</svg>"]) + "\n"


def _graph(journey: Journey, counts: Mapping[str, int]) -> tuple[list[_Node], list[_Edge]]:
    first = journey.steps[0].name if journey.steps else END
    goal = f"goal: {journey.goal.event}" if journey.goal else ""
    leave = f"leave: {', '.join(each.event for each in journey.leave)}" if journey.leave else ""
    nodes = [_Node(START, _entering(journey.trigger), "; ".join(filter(None, (goal, leave))), "trigger")]
    edges = [_Edge(START, first, "")]
    for step in journey.steps:
        title, about, kind = _told(step)
        if step.name in counts:
            about = f"{about} · {counts[step.name]:,}" if about else f"{counts[step.name]:,}"
        nodes.append(_Node(step.name, title, about, kind))
        edges += [_Edge(step.name, target, way) for way, target in step.ways()]
    if any(edge.target == END for edge in edges):
        nodes.append(_Node(END, "exit", "", "exit"))
    return nodes, edges


def _entering(trigger: Trigger) -> str:
    match trigger.kind:
        case "price_drop":
            return f"price drop of {trigger.share:.0%}"
        case "back_in_stock":
            return "back in stock"
        case "birthday":
            return f"day of {trigger.what}"
    return f"{trigger.kind}: {trigger.what}" + (f" where {trigger.where}" if trigger.where else "")


def _told(step: Step) -> tuple[str, str, str]:  # noqa: PLR0911 one for each kind of step
    """Title, a second line, and kind."""
    match step:
        case Wait(duration=duration):
            return step.name, f"wait {_long(duration)}", "wait"
        case WaitForEvent(event=event, most=most):
            return step.name, f"until {event.event}, {_long(most)} at most", "wait"
        case WaitForTime(minute_of_day=minute, weekday=weekday):
            day = f"{WEEKDAYS[weekday]} " if weekday is not None else ""
            return step.name, f"until {day}{minute // 60:02d}:{minute % 60:02d}", "wait"
        case Branch(rule=rule, segment=segment):
            return step.name, rule or f"in {segment}", "part"
        case Split():
            return step.name, "split by chance", "part"
        case Send(message=message, channel=channel, offer=offer):
            return step.name, f"{channel}: {message}" + (f" + {offer}" if offer else ""), "send"
        case Exit():
            return step.name, "leave", "exit"
    raise TypeError(f"no journey has a {type(step).__name__}")


def _long(duration: timedelta) -> str:
    for seconds, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        count = duration.total_seconds() / seconds
        if count >= 1:
            return f"{count:g} {unit}{'s' if count != 1 else ''}"
    return f"{duration.total_seconds():g} seconds"


def _layers(nodes: list[_Node], edges: list[_Edge]) -> dict[str, int]:
    """The longest way to each step, over ways that do not go back."""
    ways: dict[str, list[str]] = {node.name: [] for node in nodes}
    for edge in edges:
        ways[edge.source].append(edge.target)
    order: list[str] = []
    state: dict[str, int] = {}
    back: set[tuple[str, str]] = set()

    def visit(name: str) -> None:
        state[name] = 1
        for target in ways[name]:
            if state.get(target) == 1:
                back.add((name, target))
            elif target not in state:
                visit(target)
        state[name] = 2
        order.append(name)

    for node in nodes:
        if node.name not in state:
            visit(node.name)
    layer = dict.fromkeys(ways, 0)
    for name in reversed(order):
        for target in ways[name]:
            if (name, target) not in back:
                layer[target] = max(layer[target], layer[name] + 1)
    if END in layer:
        layer[END] = max(layer.values()) if list(layer.values()).count(max(layer.values())) == 1 else layer[END]
    return layer


def _places(nodes: list[_Node], edges: list[_Edge], layer: Mapping[str, int]) -> dict[str, float]:
    """Where each stands in its layer: near the middle of those above it, none over another."""
    above: dict[str, list[tuple[str, int]]] = {node.name: [] for node in nodes}
    for edge in edges:
        if layer[edge.source] < layer[edge.target]:
            ways = [other.target for other in edges if other.source == edge.source]
            above[edge.target].append((edge.source, ways.index(edge.target)))
    place: dict[str, float] = {}
    for number in range(max(layer.values()) + 1):
        here = [node.name for node in nodes if layer[node.name] == number]
        wanted = {
            name: sum(place[source] + turn for source, turn in above[name]) / max(len(above[name]), 1) for name in here
        }
        taken = -1.0
        for name in sorted(here, key=lambda name: wanted[name]):
            place[name] = max(wanted[name], taken + 1)
            taken = place[name]
    return place


def _goes_back(edges: list[_Edge], layer: Mapping[str, int]) -> bool:
    return any(layer[edge.target] <= layer[edge.source] for edge in edges)


def _ports(edges: list[_Edge], place: Mapping[str, float]) -> dict[_Edge, tuple[int, int]]:
    """Of each edge, the how manieth of how many ways it is from its box, from left to right."""
    found: dict[_Edge, tuple[int, int]] = {}
    for source in {edge.source for edge in edges}:
        own = sorted((edge for edge in edges if edge.source == source), key=lambda edge: (place[edge.target], edge))
        found |= {edge: (number, len(own)) for number, edge in enumerate(own)}
    return found


def _tops(edges: list[_Edge], layer: Mapping[str, int]) -> list[float]:
    """Where each layer begins: further down where more ways leave the boxes above it."""
    tops = [float(MARGIN)]
    for number in range(max(layer.values())):
        ways = max((sum(edge.source == name for edge in edges) for name in layer if layer[name] == number), default=1)
        tops.append(tops[-1] + HEIGHT + GAP_Y + STEP_Y * max(ways - 1, 0))
    return tops


def _way(
    edge: _Edge, at: Mapping[str, tuple[float, float]], layer: Mapping[str, int], port: tuple[int, int], width: float
) -> tuple[str, tuple[float, float]]:
    """The line of an edge, and where its label stands."""
    (x1, y1), (x2, y2) = at[edge.source], at[edge.target]
    number, count = port
    if layer[edge.target] <= layer[edge.source]:
        right = width - MARGIN - 10
        y1, y2 = y1 + HEIGHT / 2, y2 + HEIGHT / 2
        return f"M{x1 + WIDTH:g},{y1:g}H{right:g}V{y2:g}H{x2 + WIDTH:g}", (right - 30, y1 - 6)
    start, end, top = x1 + WIDTH * (number + 1) / (count + 1), x2 + WIDTH / 2, y1 + HEIGHT
    # The last way turns first: so none crosses the label of another.
    label = top + 14 + STEP_Y * (count - 1 - number)
    turn = label + 8
    between = [at[name][0] for name in at if layer[edge.source] < layer[name] < layer[edge.target]]
    blocking = [x for x in between if x - GAP_X < end < x + WIDTH + GAP_X]
    if not blocking:
        return f"M{start:g},{top:g}V{turn:g}H{end:g}V{y2:g}", (start, label)
    # Down beside the boxes in between, and back to where it goes.
    lane = min(max(blocking) + WIDTH + GAP_X / 2, width - 8)
    return f"M{start:g},{top:g}V{turn:g}H{lane:g}V{y2 - 14:g}H{end:g}V{y2:g}", (start, label)


def _box(node: _Node, x: float, y: float) -> str:
    colour = COLOURS[node.kind]
    radius = {"wait": HEIGHT / 2, "trigger": HEIGHT / 2, "exit": HEIGHT / 2}.get(node.kind, 6)
    middle = x + WIDTH / 2
    lines = [line for line in (node.title, node.about) if line]
    first = y + HEIGHT / 2 + (4 if len(lines) == 1 else -5)
    styles = ('font-size="13" font-weight="600"', 'font-size="11"')
    text = "".join(
        f'<text x="{middle:g}" y="{first + 18 * row:g}" text-anchor="middle" {style} fill="#1d2733">'
        f"{escape(_short(line))}"
        "</text>"
        for row, (line, style) in enumerate(zip(lines, styles, strict=False))
    )
    full = escape(" – ".join(lines))
    return (
        f'<g><title>{full}</title><rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="{radius:g}" '
        f'fill="#fff" stroke="{colour}" stroke-width="2"/>'
        f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="{radius:g}" fill="{colour}" '
        f'fill-opacity="0.14"/>{text}</g>'
    )


def _label(text: str, x: float, y: float) -> str:
    width = 8 + 6.5 * _wide(text)
    return (
        f'<g><rect x="{x - width / 2:g}" y="{y - 11:g}" width="{width:g}" height="15" rx="4" fill="#fff"/>'
        f'<text x="{x:g}" y="{y:g}" text-anchor="middle" font-size="11" fill="#4a5361">{escape(text)}</text></g>'
    )


def _wide(text: str) -> int:
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)


def _short(text: str) -> str:
    if _wide(text) <= LETTERS:
        return text
    kept = ""
    for letter in text:
        if _wide(kept + letter) >= LETTERS:
            break
        kept += letter
    return f"{kept}…"


def _in_words(journey: Journey) -> str:
    steps = "; ".join(f"{title}: {about}" for title, about, _ in map(_told, journey.steps))
    return f"Who enters: {_entering(journey.trigger)}. Steps: {steps}."
