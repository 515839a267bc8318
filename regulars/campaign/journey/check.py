"""Can a journey be walked, and will what it sends hold? All that is wrong, at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from regulars.campaign.copy import Messages
from regulars.campaign.journey.audience import Audience
from regulars.campaign.journey.errors import Problem
from regulars.campaign.journey.happenings import FIELDS
from regulars.campaign.journey.step import (
    END,
    Awaited,
    Journey,
    Send,
    Step,
    Trigger,
    Wait,
    WaitForEvent,
    WaitForTime,
)
from regulars.errors import ConfigError, NotFoundError
from regulars.rules import Rule, RuleError
from regulars.rules.vocabulary import instead

TAKING_TIME = (Wait, WaitForEvent, WaitForTime)
LINK = "unsubscribe_url"


@dataclass(frozen=True)
class Surroundings:
    """What a journey may speak of.

    Attributes
    ----------
    audience : rules and segments.
    messages : the shop's.
    offers : names of offers; None where they are not to be looked at.
    events : the types of events there are.
    """

    audience: Audience
    messages: Messages
    offers: frozenset[str] | None
    events: frozenset[str]


def problems(journey: Journey, around: Surroundings) -> list[Problem]:
    """Everything that is wrong with a journey, by line; nothing if it can go live."""
    found = [*_graph(journey), *_trigger(journey.trigger, around)]
    for step in journey.steps:
        if isinstance(step, WaitForEvent):
            found += _of_event(step.event, step.name, around)
        if isinstance(step, Send):
            found += _of_send(step, journey.trigger, around)
    for awaited in (*journey.leave, *((journey.goal,) if journey.goal else ())):
        found += _of_event(awaited, "", around)
    for branch in journey.rules:
        found += _of_rule(branch.rule, branch.segment, branch.line, branch.name, around)
    return sorted(found)


def _graph(journey: Journey) -> Iterator[Problem]:
    steps = {step.name: step for step in journey.steps}
    is_whole = True
    for step in journey.steps:
        for way, target in step.ways():
            if target not in steps and target != END:
                by = f" ({way})" if way else ""
                yield Problem(
                    step.line, step.name, f'there is no step "{target}"{by}.{instead(target, [*steps, END])}.'
                )
                is_whole = False
    if not is_whole or not journey.steps:
        return
    reached = {journey.steps[0].name}
    waiting = [journey.steps[0]]
    while waiting:
        for _, target in waiting.pop().ways():
            if target in steps and target not in reached:
                reached.add(target)
                waiting.append(steps[target])
    for step in journey.steps:
        if step.name not in reached:
            yield Problem(step.line, step.name, "no way leads to it. Lead one there, or take it out.")
    yield from _loops(steps)


def _loops(steps: Mapping[str, Step]) -> Iterator[Problem]:
    """Ways that come back without a wait: nobody would ever leave them."""
    done: set[str] = set()
    for start in steps.values():
        path: list[str] = []
        yield from _loop_from(start, steps, path, done)


def _loop_from(step: Step, steps: Mapping[str, Step], path: list[str], done: set[str]) -> Iterator[Problem]:
    if step.name in path:
        ring = [*path[path.index(step.name) :], step.name]
        said = f"a loop without a wait: {' → '.join(ring)}. Put a wait into it, or lead it to another step."
        yield Problem(step.line, step.name, said)
        return
    if step.name in done or isinstance(step, TAKING_TIME):
        return
    path.append(step.name)
    for _, target in step.ways():
        if target in steps:
            yield from _loop_from(steps[target], steps, path, done)
    path.pop()
    done.add(step.name)


def _trigger(trigger: Trigger, around: Surroundings) -> Iterator[Problem]:
    match trigger.kind:
        case "segment" | "rule":
            rule, segment = (trigger.what, "") if trigger.kind == "rule" else ("", trigger.what)
            yield from _of_rule(rule, segment, trigger.line, "", around)
        case "birthday":
            return
        case _:
            yield from _of_event(Awaited(trigger.what, trigger.where, trigger.line), "", around)


def _of_event(awaited: Awaited, step: str, around: Surroundings) -> Iterator[Problem]:
    if awaited.event not in around.events:
        said = f'there is no type of event "{awaited.event}".{instead(awaited.event, around.events)}.'
        yield Problem(awaited.line, step, said.replace("?.", "?"))
    if awaited.where.strip():
        try:
            Rule.of(awaited.where, FIELDS)
        except RuleError as error:
            yield Problem(awaited.line, step, str(error))


def _of_rule(rule: str, segment: str, line: int, step: str, around: Surroundings) -> Iterator[Problem]:
    if segment:
        if segment not in around.audience.segments:
            said = f'there is no segment "{segment}".{instead(segment, around.audience.segments)}.'
            yield Problem(line, step, f"{said} Make it: regulars segment add {segment!r} RULE")
        return
    try:
        Rule.of(rule, around.audience.vocabulary)
    except RuleError as error:
        yield Problem(line, step, str(error))


def _of_send(step: Send, trigger: Trigger, around: Surroundings) -> Iterator[Problem]:
    try:
        message = around.messages.get(step.message)
    except (NotFoundError, ConfigError) as error:
        yield Problem(step.line, step.name, str(error))
        return
    wrong = list(message.problems())
    yield from (Problem(step.line, step.name, said) for said in wrong)
    if wrong:
        return
    said_fields = message.fields()
    if step.channel == "email":
        for variant in message.variants:
            if not variant.subject:
                yield Problem(
                    step.line, step.name, f'variant "{variant.name}" has no subject, and an e-mail needs one.'
                )
            if LINK not in variant.body:
                said = (
                    f'the body of variant "{variant.name}" has no {{{{ {LINK} }}}}: whoever wants no more must see how.'
                )
                yield Problem(step.line, step.name, said)
    if any(name.startswith("coupon.") for name in said_fields) and not step.offer:
        yield Problem(step.line, step.name, 'the message speaks of a coupon, and the step has none: add offer = "…".')
    if step.offer and around.offers is not None and step.offer not in around.offers:
        said = f'there is no offer "{step.offer}".{instead(step.offer, around.offers)}.'
        yield Problem(step.line, step.name, f"{said} Make it: regulars campaign offers add {step.offer!r}")
    if "product.price_before" in said_fields and trigger.kind != "price_drop":
        said = "product.price_before is known only of a journey whose trigger is price_drop."
        yield Problem(step.line, step.name, said)
