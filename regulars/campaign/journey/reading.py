"""Journeys from TOML: every mistake with its file, line and step."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, get_args

from regulars.campaign.journey.errors import JourneyError, Problem
from regulars.campaign.journey.step import (
    END,
    Awaited,
    Branch,
    Channel,
    Exit,
    Journey,
    Part,
    Send,
    Split,
    Step,
    Trigger,
    TriggerKind,
    Wait,
    WaitForEvent,
    WaitForTime,
)
from regulars.rules.durations import WORDS, duration
from regulars.rules.vocabulary import instead

KINDS = ("wait", "wait_until", "branch", "split", "send", "exit")
"""What a step may be: each by the key that says it."""
CHANNELS = get_args(Channel)
TRIGGERS: tuple[str, ...] = get_args(TriggerKind)
WEEKDAYS = {
    **{name: day for day, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
                                             "sunday"))},
    **{name: day for day, name in enumerate(("周一", "周二", "周三", "周四", "周五", "周六", "周日"))},
}  # fmt: skip
LONGEST_NAME = 60
SHORTEST = timedelta(minutes=1)
"""A wait, at least."""
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([^\d\s]+)\s*")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def read(text: str, name: str, file: str = "") -> Journey:
    """A journey from the text of its file. That it can be walked is for `check.problems` to say.

    Parameters
    ----------
    name : of the file, without its ending.
    file : as messages call it; default: the name.

    Raises
    ------
    JourneyError
        Naming file, line and step of everything that cannot be read.

    Examples
    --------
    >>> journey = read('''
    ... [trigger]
    ... event = "signed_up"
    ... [[step]]
    ... name = "hello"
    ... send = "welcome"
    ... channel = "email"
    ... ''', "welcome")
    >>> [step.name for step in journey.steps], journey.steps[0].line
    (['hello'], 4)
    """
    file = file or name
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+)", str(error))
        said = f"this is no TOML: {str(error).partition(' (at')[0]}."
        raise JourneyError(file, [Problem(int(place[1]) if place else text.count("\n") + 1, "", said)]) from None
    return _Reader(text, raw, name, file).journey()


def read_duration(text: object) -> timedelta | None:
    """How long; None if it says nothing of the kind.

    >>> read_duration("1 hour"), read_duration("3 天"), read_duration("soon")
    (datetime.timedelta(seconds=3600), datetime.timedelta(days=3), None)
    """
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    return duration(float(found[1]), found[2].lower()) if found and found[2].lower() in WORDS else None


class _Reader:
    """Reads one file, and remembers what is wrong with it."""

    def __init__(self, text: str, raw: Mapping[str, Any], name: str, file: str) -> None:
        self.raw, self.name, self.file, self.text = raw, name, file, text
        self.problems: list[Problem] = []
        self.lines = text.splitlines()
        headers = [
            (number, re.sub(r"[\s\"']", "", line.partition("#")[0]))
            for number, line in enumerate(self.lines, 1)
            if line.lstrip().startswith("[")
        ]
        self.steps_at = [number for number, header in headers if header == "[[step]]"]
        self.at = {header: number for number, header in headers}
        self.headers = [number for number, _ in headers]

    def journey(self) -> Journey:
        raw = self.raw
        self._refuse_other(raw, ("note", "trigger", "goal", "leave", "step"), 1, "")
        steps = self._steps(raw.get("step"))
        found = Journey(
            self.name,
            self._text(raw, "note", 1, ""),
            self._trigger(raw.get("trigger")),
            self._awaited(raw["goal"], self._header("goal"), "goal") if "goal" in raw else None,
            tuple(self._awaited(each, self._header("leave"), "leave") for each in self._list(raw.get("leave", []))),
            steps,
            self.text,
        )
        if self.problems:
            raise JourneyError(self.file, self.problems)
        return found

    def _list(self, found: Any) -> list[Any]:
        return found if isinstance(found, list) else [found]

    def _header(self, name: str) -> int:
        return self.at.get(f"[{name}]", self.at.get(f"[[{name}]]", self._line(1, name)))

    def _line(self, start: int, key: str) -> int:
        """Where a key stands in the table that begins at a line; that line if it is not found."""
        end = next((line for line in self.headers if line > start), len(self.lines) + 1)
        for number in range(start, end):
            if re.match(rf'\s*"?{re.escape(key)}"?\s*[.=]', self.lines[number - 1] if self.lines else ""):
                return number
        return start

    def _wrong(self, line: int, step: str, said: str) -> None:
        self.problems.append(Problem(line, step, said))

    def _refuse_other(self, table: Mapping[str, Any], known: tuple[str, ...], line: int, step: str) -> None:
        for key in table:
            if key not in known:
                self._wrong(self._line(line, key), step, f'there is no key "{key}" here.{instead(key, known)}.')

    def _text(self, table: Mapping[str, Any], key: str, line: int, step: str, default: str = "") -> str:
        value = table.get(key, default)
        if isinstance(value, str):
            return value
        self._wrong(self._line(line, key), step, f"{key} = {value!r}: a text in quotes is expected.")
        return default

    def _duration(self, table: Mapping[str, Any], key: str, line: int, step: str, default: timedelta) -> timedelta:
        if key not in table:
            return default
        found = read_duration(table[key])
        if found is None or found < SHORTEST:
            said = f'{key} = {table[key]!r}: how long is expected, from a minute on, such as "1 hour" or "3 天".'
            self._wrong(self._line(line, key), step, said)
            return default
        return found

    def _trigger(self, raw: Any) -> Trigger:
        line = self._header("trigger")
        if not isinstance(raw, Mapping):
            self._wrong(line, "", 'who enters is not said. Write a table [trigger] with such as event = "signed_up".')
            return Trigger("event")
        known = (*TRIGGERS, "where", "of", "within", "again", "late")
        self._refuse_other(raw, known, line, "")
        kinds = [kind for kind in TRIGGERS if kind in raw]
        if len(kinds) != 1:
            found = " and ".join(kinds) or "none"
            self._wrong(line, "", f"[trigger] needs one of {', '.join(TRIGGERS)}; found {found}.")
            return Trigger("event")
        kind: Any = kinds[0]
        share, what = 0.0, ""
        if kind == "price_drop":
            value = raw[kind]
            share = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
            if not 0 < share < 1:
                said = f"price_drop = {value!r}: a share between 0 and 1 is expected. For 10 %, write 0.1."
                self._wrong(self._line(line, kind), "", said)
        elif kind == "back_in_stock":
            if raw[kind] is not True:
                self._wrong(self._line(line, kind), "", "back_in_stock = true is expected.")
        else:
            what = self._text(raw, kind, line, "")
            if not what.strip():
                self._wrong(self._line(line, kind), "", f"{kind} is empty.")
        if kind in ("price_drop", "back_in_stock"):
            what = self._text(raw, "of", line, "", "product_viewed")
        again = None if raw.get("again") == "never" else self._duration(raw, "again", line, "", timedelta(days=30))
        return Trigger(
            kind,
            what,
            self._text(raw, "where", line, ""),
            share,
            self._duration(raw, "within", line, "", timedelta(days=30)),
            again,
            self._duration(raw, "late", line, "", timedelta(days=2)),
            self._line(line, kind),
        )

    def _awaited(self, raw: Any, line: int, what: str, step: str = "") -> Awaited:
        raw = {"event": raw} if isinstance(raw, str) else raw
        if not isinstance(raw, Mapping) or not isinstance(raw.get("event"), str):
            self._wrong(line, step, f'{what} needs the type of an event, such as event = "order_completed".')
            return Awaited("order_completed", "", line)
        self._refuse_other(raw, ("event", "where", "most"), line, step)
        return Awaited(raw["event"], self._text(raw, "where", line, step), self._line(line, "event"))

    def _steps(self, raw: Any) -> tuple[Step, ...]:
        if not isinstance(raw, list) or not raw or not all(isinstance(each, Mapping) for each in raw):
            self._wrong(len(self.lines) or 1, "", "there are no steps. Write at least one table [[step]].")
            return ()
        names = [each.get("name") for each in raw]
        lines = [*self.steps_at, *[self.steps_at[-1] if self.steps_at else 1] * len(raw)]
        found = []
        for place, (each, name) in enumerate(zip(raw, names, strict=True)):
            line = lines[place]
            if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME or name == END:
                said = f'a name of 1 to {LONGEST_NAME} characters, other than "{END}", is expected for each step.'
                self._wrong(line, "", said)
                continue
            if names.index(name) != place:
                self._wrong(line, name, "there is a step of this name already. Choose another.")
            following = next((other for other in names[place + 1 :] if isinstance(other, str)), END)
            step = self._step(each, name, line, following)
            if step is not None:
                found.append(step)
        return tuple(found)

    def _step(self, raw: Mapping[str, Any], name: str, line: int, following: str) -> Step | None:
        kinds = [kind for kind in KINDS if kind in raw]
        if len(kinds) != 1:
            there = " and ".join(kinds) or "none"
            self._wrong(line, name, f"a step needs one of {', '.join(KINDS)}; found {there}.")
            return None
        make: Callable[[Mapping[str, Any], str, int, str], Step | None] = getattr(self, f"_{kinds[0]}")
        return make(raw, name, line, following)

    def _wait(self, raw: Mapping[str, Any], name: str, line: int, following: str) -> Step:
        self._refuse_other(raw, ("name", "wait", "next"), line, name)
        how_long = self._duration(raw, "wait", line, name, timedelta(hours=1))
        return Wait(name, line, how_long, self._text(raw, "next", line, name, following))

    def _wait_until(self, raw: Mapping[str, Any], name: str, line: int, following: str) -> Step | None:
        at = self._line(line, "wait_until")
        until = raw["wait_until"]
        if isinstance(until, Mapping) and "time" in until:
            self._refuse_other(raw, ("name", "wait_until", "next"), line, name)
            self._refuse_other(until, ("time", "weekday"), at, name)
            found = _TIME.fullmatch(str(until["time"]))
            day = until.get("weekday")
            if found is None or (day is not None and str(day).lower() not in WEEKDAYS):
                said = 'a time of day such as "10:00" is expected, and a weekday such as "monday" if one is meant.'
                self._wrong(at, name, said)
                return None
            weekday = None if day is None else WEEKDAYS[str(day).lower()]
            minute = int(found[1]) * 60 + int(found[2])
            return WaitForTime(name, line, minute, weekday, self._text(raw, "next", line, name, following))
        self._refuse_other(raw, ("name", "wait_until", "then", "otherwise"), line, name)
        event = self._awaited(until, at, "wait_until", name)
        until = until if isinstance(until, Mapping) else {}
        if "most" not in until:
            self._wrong(at, name, 'how long at most is not said. Add most = "2 days".')
        most = self._duration(until, "most", at, name, timedelta(days=1))
        then, otherwise = self._two_ways(raw, line, name, following)
        return WaitForEvent(name, line, event, most, then, otherwise)

    def _two_ways(self, raw: Mapping[str, Any], line: int, name: str, following: str) -> tuple[str, str]:
        if "then" not in raw and "otherwise" not in raw:
            self._wrong(line, name, "it leads nowhere: say where to, by then = and otherwise =.")
        return self._text(raw, "then", line, name, following), self._text(raw, "otherwise", line, name, following)

    def _branch(self, raw: Mapping[str, Any], name: str, line: int, following: str) -> Step | None:
        self._refuse_other(raw, ("name", "branch", "then", "otherwise"), line, name)
        asked, at = raw["branch"], self._line(line, "branch")
        if not isinstance(asked, Mapping) or len(asked) != 1 or not {"rule", "segment"} & set(asked):
            self._wrong(at, name, 'a rule or a segment is expected: branch = { rule = "orders > 0" }.')
            return None
        then, otherwise = self._two_ways(raw, line, name, following)
        rule, segment = self._text(asked, "rule", at, name), self._text(asked, "segment", at, name)
        return Branch(name, line, rule, segment, then, otherwise)

    def _split(self, raw: Mapping[str, Any], name: str, line: int, following: str) -> Step | None:
        self._refuse_other(raw, ("name", "split"), line, name)
        parts, at = raw["split"], self._line(line, "split")
        found = []
        for each in self._list(parts):
            share = each.get("share") if isinstance(each, Mapping) else None
            is_number = isinstance(share, int | float) and not isinstance(share, bool)
            if share is None or not is_number or not 0 < share <= 1 or not isinstance(each.get("name"), str):
                said = 'each part needs a name and a share: split = [{ name = "a", share = 0.5, next = "…" }, …].'
                self._wrong(at, name, said)
                return None
            found.append(Part(each["name"], float(share), self._text(each, "next", at, name, following)))
        if abs(sum(part.share for part in found) - 1) > 1e-9 or len({part.name for part in found}) < len(found):
            total = sum(part.share for part in found)
            self._wrong(at, name, f"the shares come to {total:g}; names that differ and a sum of 1 are expected.")
        return Split(name, line, tuple(found))

    def _send(self, raw: Mapping[str, Any], name: str, line: int, following: str) -> Step:
        self._refuse_other(raw, ("name", "send", "channel", "offer", "at", "next"), line, name)
        channel: Any = raw.get("channel", "email")
        if channel not in CHANNELS:
            at = self._line(line, "channel")
            self._wrong(at, name, f'there is no channel "{channel}".{instead(str(channel), CHANNELS)}.')
        if raw.get("at", "best hour") != "best hour":
            self._wrong(self._line(line, "at"), name, 'at = "best hour" is expected, or nothing: then it goes at once.')
        return Send(
            name,
            line,
            self._text(raw, "send", line, name),
            channel,
            self._text(raw, "offer", line, name),
            "at" in raw,
            self._text(raw, "next", line, name, following),
        )

    def _exit(self, raw: Mapping[str, Any], name: str, line: int, following: str) -> Step:
        self._refuse_other(raw, ("name", "exit"), line, name)
        return Exit(name, line)
