"""Data: importing a file by a wizard, what of it was refused, and the versions of the log."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.csv
from starlette.responses import Response

from regulars import clock, config, storage
from regulars.console.listing import Column, Listing
from regulars.console.roles import ALL, only
from regulars.console.screen import Screen
from regulars.console.screens import data_quality
from regulars.console.visit import Visit
from regulars.errors import InputError, NotFoundError
from regulars.events.guess import Guess, guess
from regulars.events.mapping import DESCRIBED, FIELDS, Mapping
from regulars.events.sandbox import open_source
from regulars.events.schema import TYPES

if TYPE_CHECKING:
    from regulars.console.jobs import Progress
    from regulars.events.readers import Source

screen = Screen("data", group="running")

VERSIONS = (Column("version", "number"), Column("at", "time"), Column("operation", "said"), Column("rows", "number"))
FILES = (Column("file"), Column("at", "time", is_wide=True), Column("kilobytes", "number"))
REJECTS = (
    Column("line", "number"),
    Column("column"),
    Column("value"),
    Column("reason", "said"),
    Column("detail", is_wide=True),
)
MOST_VERSIONS, MOST_REJECTS = 500, 100_000
SAMPLE, SHOWN = 1_000, 3
PIECE = 1 << 22
"""Bytes of an upload that are written at once."""
KEPT = timedelta(days=1)
"""Uploads that nobody imported are gone after that."""
IMPORTING = only("growth")


@screen.get("/data", may=ALL)
def index(visit: Visit) -> Response:
    """What the log holds and how fresh it is, its versions, and a place to begin an import."""
    log = visit.shop.log
    newest = log.snapshot()
    rows = [
        {"version": one.version, "at": one.time, "operation": one.operation, "rows": one.rows("events")}
        for one in islice(log.history(), MOST_VERSIONS)
    ]
    return visit.page(
        "data/index.html",
        found=Listing.of(visit, VERSIONS, sort="-version").of_rows(rows),
        version=newest.version,
        rows=newest.rows("events"),
        newest=max((file.last for file in newest.tables.get("events", ()) if file.last), default=None),
        unrated=visit.shop.unrated,
        job=visit.console.jobs.newest("data.job_import"),
        may_import=IMPORTING,
    )


@screen.post("/data/upload", may=IMPORTING)
def upload(visit: Visit) -> Response:
    """Keep a file until it is imported, and go to its mapping."""
    file = visit.file("file")
    name = re.sub(r"[^\w.-]", "_", Path(file.filename or "").name).lstrip(".") or "file"
    folder = visit.shop.folder / "uploads"
    oldest = (clock.now() - KEPT).timestamp()
    for old in folder.glob("*"):
        if old.stat().st_mtime < oldest:
            storage.remove(old)
    token = secrets.token_hex(8)
    path = storage.make_folder(folder / token) / name
    while piece := file.file.read(PIECE):
        storage.append(path, piece)
    visit.note("data.uploaded", name)
    return visit.go(f"/data/import/{token}")


@screen.get("/data/import/{upload}", may=IMPORTING)
def mapping(visit: Visit) -> Response:
    """Which column is which field, as it is guessed or was said before, with values of each."""
    path = _uploaded(visit)
    source = open_source(path)
    with visit.console.reading() as shop:
        try:
            found, problem = shop.mapping_for(source), ""
        except InputError as error:
            found, problem = None, str(error)
        guessed = _guessed(source, found, shop.config.shop.currency)
    sample = source.sample(SAMPLE)
    field_of = {header: field for field, header in found.columns.items()} if found else {}
    columns = [
        {
            "header": header,
            "field": field_of.get(header, ""),
            "values": list(dict.fromkeys(row[place] for row in sample if row[place]))[:SHOWN],
            "why": guessed.evidence.get(field_of.get(header, ""), "") if guessed else "",
        }
        for place, header in enumerate(source.headers)
    ]
    extra = {field for field in field_of.values() if field not in FIELDS}
    return visit.page(
        "data/import.html",
        upload=visit.request.path_params["upload"],
        name=path.name,
        mapping=found,
        mapping_name=found.name if found else re.sub(r"\W", "_", path.name.split(".")[0].lower()),
        columns=columns,
        problem=problem,
        notes=guessed.notes if guessed else (),
        fields=[*FIELDS, *sorted(extra)],
        types=[*TYPES, DESCRIBED],
    )


@screen.post("/data/import/{upload}", may=IMPORTING)
def import_(visit: Visit) -> Response:
    """Import the file by the mapping that was given, by work that goes on when its page is left."""
    path, console = _uploaded(visit), visit.console
    job = console.jobs.newest("data.job_import")
    if job is not None and job.status == "running":
        raise InputError(visit.t(".busy"))
    chosen = _mapping(visit, open_source(path))
    is_strict = visit.form.get("strict") == "yes"
    visit.note("data.imported", path.name, None, {"mapping": chosen.name, **chosen.to_dict()})

    def work(progress: Progress) -> str:
        # By a shop of its own, so that pages go on being read meanwhile.
        result = (
            type(console.shop)
            .open(console.shop.folder)
            .import_(
                path,
                mapping=chosen,
                strict=is_strict,
                on_progress=lambda rows, share: progress(round(share * 1000), 1000),
            )
        )
        console.shop.config = config.load(console.shop.folder)
        storage.remove(path.parent)
        counts = {name: f"{getattr(result, name):,}" for name in ("read", "added", "duplicates", "rejected")}
        return visit.t(".imported_said", file=path.name, **counts)

    console.jobs.begin("data.job_import", work, by=visit.who)
    return visit.go("/data")


@screen.get("/data/rejects", may=ALL)
def rejects(visit: Visit) -> Response:
    """The lists of refused rows, one an import."""
    rows = [
        {
            "file": path.name,
            "at": datetime.fromtimestamp(path.stat().st_mtime, UTC),
            "kilobytes": path.stat().st_size / 1024,
        }
        for path in (visit.shop.folder / "rejects").glob("*.csv")
    ]
    found = Listing.of(visit, FILES, sort="-at").of_rows(rows)
    return visit.page("data/rejects.html", found=found, may_import=IMPORTING)


@screen.get("/data/rejects/{file}", may=IMPORTING)
def refused(visit: Visit) -> Response:
    """The refused rows of an import: where, what, why."""
    path = _list_of_rejects(visit)
    text = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(("column", "value", "reason", "detail"), "string"))
    table = pyarrow.csv.read_csv(
        path, parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True), convert_options=text
    )
    reasons = [row["values"] for row in table["reason"].value_counts().to_pylist()]
    listing = Listing.of(visit, REJECTS, ("reason",), sort="line")
    rows: list[dict[str, Any]] = table.slice(0, MOST_REJECTS).to_pylist()
    reason = listing.filters["reason"]
    found = listing.of_rows([row for row in rows if reason in ("", row["reason"])])
    return visit.page("data/refused.html", found=found, file=path.name, reasons=sorted(reasons))


@screen.get("/data/rejects/{file}/download", may=IMPORTING)
def download(visit: Visit) -> Response:
    """The list as a file, to mend its rows and import them again."""
    path = _list_of_rejects(visit)
    headers = {"content-disposition": 'attachment; filename="rejects.csv"'}
    return Response(path.read_bytes(), media_type="text/csv", headers=headers)


def _uploaded(visit: Visit) -> Path:
    """The file of an upload; NotFoundError if it is imported or gone."""
    token: str = visit.request.path_params["upload"]
    files = list((visit.shop.folder / "uploads" / token).glob("*")) if re.fullmatch(r"[0-9a-f]{16}", token) else []
    if not files:
        raise NotFoundError(visit.t(".no_upload"))
    return files[0]


def _list_of_rejects(visit: Visit) -> Path:
    name = visit.request.path_params["file"]
    for path in (visit.shop.folder / "rejects").glob("*.csv"):
        if path.name == name:
            return path
    raise NotFoundError(visit.t(".no_rejects_file"))


def _guessed(source: Source, found: Mapping | None, currency: str) -> Guess | None:
    """The guess that a mapping is, with its reasons; None if somebody wrote it."""
    if found is None or found.format:
        return None
    try:
        guessed = guess(source.headers, source.sample(SAMPLE), name=found.name, currency=currency)
    except InputError:
        return None
    return guessed if guessed.mapping == found else None


def _mapping(visit: Visit, source: Source) -> Mapping:
    """The mapping that a form says; InputError if two columns are one field."""
    with visit.console.reading() as shop:
        if visit.form.get("format"):
            return shop.mapping_for(source)
    said = [str(visit.form.get(f"column-{place}") or "") for place in range(len(source.headers))]
    if twice := sorted({field for field in said if field and said.count(field) > 1}):
        raise InputError(visit.t(".twice", fields=", ".join(twice)))
    columns = {field: header for field, header in zip(said, source.headers, strict=True) if field}
    constants = {
        name.removeprefix("constant-"): str(value)
        for name, value in visit.form.items()
        if name.startswith("constant-") and value and name.removeprefix("constant-") not in columns
    }
    time_format, decimal = str(visit.form.get("time_format") or ""), str(visit.form.get("decimal") or ".")
    return Mapping(visit.given("mapping"), columns, constants, time_format, decimal)


screen.routes += data_quality.screen.routes
