"""How are the times of a column written? Answers with a format that Python and Arrow both read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from regulars.events.times import ISO

ISO_8601 = ""
UNIX = "unix"
UNIX_MS = "unix_ms"

_ISO = re.compile(ISO, re.ASCII)
_NUMBER = re.compile(r"(\d{9,13})(?:\.\d+)?", re.ASCII)
_DATES = [
    (re.compile(pattern, re.ASCII), formats)
    for pattern, formats in (
        (r"\d{4}(?P<s>[-/.])\d{1,2}(?P=s)\d{1,2}", ("%Y{s}%m{s}%d",)),
        (r"\d{1,2}(?P<s>[-/.])\d{1,2}(?P=s)\d{4}", ("%d{s}%m{s}%Y", "%m{s}%d{s}%Y")),
        (r"\d{1,2}(?P<s>[-/.])\d{1,2}(?P=s)\d{2}", ("%d{s}%m{s}%y", "%m{s}%d{s}%y")),
        (r"\d{4}年\d{1,2}月\d{1,2}日", ("%Y年%m月%d日",)),
        (r"\d{1,2}(?P<s>[-/. ])[A-Za-z]{3}(?P=s)\d{4}", ("%d{s}%b{s}%Y",)),
        (r"\d{8}", ("%Y%m%d",)),
        (r"\d{14}", ("%Y%m%d%H%M%S",)),
    )
]
_CLOCK = re.compile(
    r"(?P<gap>,? +|T|)(?:\d{1,2}:\d\d(?P<sec>:\d\d)?(?P<half> ?[AP]M)?(?P<zone> ?[+-]\d\d:?\d\d)?"
    r"|(?P<zh>\d{1,2}时\d{1,2}分)(?P<zh_sec>\d{1,2}秒)?)",
    re.ASCII | re.IGNORECASE,
)
_SECONDS = (946_684_800, 4_102_444_800)  # 2000 to 2100: other numbers are rather ids than times
_SWAP = {"%d": "%m", "%m": "%d"}


@dataclass(frozen=True)
class TimeFormat:
    """The format of a column, and what it rests on.

    Attributes
    ----------
    format : as `Mapping.time_format`.
    share : cells that are a time in any known form, of all cells; in [0, 1].
    why : in words.
    """

    format: str
    share: float
    why: str


def detect(cells: Sequence[str], *, month_first: bool, candidates: Sequence[str] | None = None) -> TimeFormat | None:
    """In which format are these times?

    The format that reads most cells wins. Where day first and month first read equally many, the one
    under which the rows are in order of time wins; where that says nothing, `month_first`.

    Parameters
    ----------
    cells : not empty, stripped, in the order of the rows.
    month_first : what a date like 3/4/2024 means where nothing else tells.
    candidates : the only formats to consider; the first of those that read most wins.

    Returns
    -------
    None if no cell is a time.

    Examples
    --------
    >>> detect(["03/04/2024 9:30", "13/04/2024 10:05"], month_first=True).format
    '%d/%m/%Y %H:%M'
    >>> detect(["2024年5月1日 10时02分"], month_first=False).format
    '%Y年%m月%d日 %H时%M分'
    """
    known = {cell: dict(readings(cell)) for cell in set(cells)}
    reads = Counter(form for cell in cells for form in known[cell])
    if candidates is not None:
        reads = Counter({form: reads[form] for form in candidates if reads[form]})
    if not reads:
        return None
    most = max(reads.values())
    tied = [form for form in reads if reads[form] == most]
    form, reason = tied[0], ""
    if candidates is not None:
        reason = "as copies of this data set write them"
    elif ISO_8601 in tied:
        form = ISO_8601
    else:
        form, reason = _day_or_month(form, reads, [known[cell] for cell in cells], month_first)
    why = _in_words(form) + (f" ({reason})" if reason else "")
    if most < len(cells):
        why += f"; reads {most} of {len(cells)}"
    return TimeFormat(form, sum(bool(known[cell]) for cell in cells) / len(cells), why)


def readings(cell: str) -> Iterator[tuple[str, datetime]]:
    """Every format that reads this cell, with the moment it then is (UTC where no zone is written).

    >>> [form for form, _ in readings("03/04/2024")], [form for form, _ in readings("31/04/2024")]
    (['%d/%m/%Y', '%m/%d/%Y'], [])
    """
    if (iso := _ISO.fullmatch(cell)) and (moment := _read_iso(iso)):
        yield ISO_8601, moment
    if found := _NUMBER.fullmatch(cell):
        for form, per_second in ((UNIX, 1), (UNIX_MS, 1000)):
            seconds = int(found[1]) / per_second
            if _SECONDS[0] <= seconds < _SECONDS[1]:
                yield form, datetime.fromtimestamp(seconds, UTC)
    for date, forms in _DATES:
        if (found := date.match(cell)) and (clock := _clock(cell[found.end() :], found[0])) is not None:
            for form in forms:
                written = form.format(s=found.groupdict().get("s", "")) + clock
                if moment := _read(cell, written):
                    yield written, moment


def is_bare_number(form: str) -> bool:
    """Would an id do as well? Such a format is a time only where the header says so."""
    return form in (UNIX, UNIX_MS, "%Y%m%d", "%Y%m%d%H%M%S")


def _clock(rest: str, date: str) -> str | None:
    """The format of what follows the date; None if that is no time of day."""
    if not rest:
        return ""
    found = _CLOCK.fullmatch(rest)
    if not found or (not found["gap"] and not date.endswith("日")):
        return None
    gap = found["gap"].rstrip() + " " if " " in found["gap"] else found["gap"]
    if found["zh"]:
        return gap + "%H时%M分" + ("%S秒" if found["zh_sec"] else "")
    form = gap + ("%I" if found["half"] else "%H") + ":%M" + (":%S" if found["sec"] else "")
    if half := found["half"]:
        form += " %p" if half.startswith(" ") else "%p"
    if zone := found["zone"]:
        form += " %z" if zone.startswith(" ") else "%z"
    return form


def _read(cell: str, form: str) -> datetime | None:
    try:
        moment = datetime.strptime(cell, form)  # noqa: DTZ007
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read_iso(found: re.Match[str]) -> datetime | None:
    """Through all its zeros: Python refuses 2024-5-1 9:02, and a blank before the zone."""
    part = found.groupdict(default="")
    clock = f"{part['hour']:0>2}:{part['minute']:0>2}:{part['second']:0>2}.{part['fraction'][:6]:0<6}"
    zone = part["zone"].replace("UTC", "Z") or "Z"
    try:
        return datetime.fromisoformat(f"{part['year']}-{part['month']:0>2}-{part['day']:0>2}T{clock}{zone}")
    except ValueError:
        return None


def _day_or_month(
    form: str, reads: Counter[str], rows: list[dict[str, datetime]], month_first: bool
) -> tuple[str, str]:
    """Of a format and the one with day and month changed about, the right one, and the reason."""
    if form.startswith("%Y") or "%b" in form or form in (UNIX, UNIX_MS):
        return form, ""
    twin = re.sub("%[dm]", lambda part: _SWAP[part[0]], form)
    if reads[form] != reads[twin]:
        only = sum(form in row and twin not in row for row in rows)
        return form, f"{only} of {len(rows)} have a {'first' if form[1] == 'd' else 'second'} part over 12"
    in_order = [each for each in (form, twin) if _in_order([row[each] for row in rows if each in row])]
    if len(in_order) == 1:
        return in_order[0], "the rows are then in order of time; the dates themselves could be either"
    wanted = "%m" if month_first else "%d"
    return (form if form.startswith(wanted) else twin), "the dates could be either; this is usual with the currency"


def _in_order(moments: list[datetime]) -> bool:
    ascending = sorted(moments)
    return moments in (ascending, ascending[::-1]) and len(set(moments)) > 1


def _in_words(form: str) -> str:
    if form in (ISO_8601, UNIX, UNIX_MS):
        return {
            ISO_8601: "times in ISO 8601",
            UNIX: "seconds since 1970",
            UNIX_MS: "milliseconds since 1970",
        }[form]
    if form.startswith(("%d", "%m")):
        return f"times, {'day' if form.startswith('%d') else 'month'} first"
    return f"times as {form}"
