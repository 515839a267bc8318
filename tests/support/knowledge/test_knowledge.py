"""A shop's texts are found as they are now, for whom and when they hold; a bad file is told of, and stops no other."""

from __future__ import annotations

import csv
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import date
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.errors import DiskFullError, InputError
from regulars.language.embedding import OFFLINE
from regulars.language.search import Index
from regulars.support.knowledge import Knowledge, Text, apart
from regulars.support.knowledge import folder as module
from regulars.support.knowledge.documents import docx, pdf
from regulars.support.knowledge.files import read
from regulars.support.knowledge.page import page
from regulars.support.knowledge.plain import faq, markdown
from regulars.support.knowledge.text import LONGEST, Section, pieces, texts_of

RETURNS = "# Returns\n## Return period\nYou may send back unused goods within thirty days.\n"
DELIVERY = "# Delivery times\nParcels arrive two to four working days after dispatch.\n"


def made(folder: Path, **files: str) -> Knowledge:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, "utf-8")
    return Knowledge(folder)


def test_texts_are_found_with_their_place(tmp_path: Path) -> None:
    found = made(tmp_path, returns_md=RETURNS, delivery_md=DELIVERY).find("多少天之内可以退货")[0].text
    assert (found.source, found.section, found.language) == ("returns.md", ("Returns", "Return period"), "en")
    assert found.citation == "returns.md, Return period"


def test_a_changed_file_is_read_again_and_one_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    knowledge = made(tmp_path, returns_md=RETURNS + "## Costs\nSending back is free.", delivery_md=DELIVERY)
    assert knowledge.refresh().read == ()
    (tmp_path / "returns.md").write_text("# Return period\nYou may send back unused goods within ninety days.\n")
    (tmp_path / "delivery.md").unlink()
    found = knowledge.refresh()
    assert (found.read, found.removed, len(knowledge)) == (("returns.md",), ("delivery.md",), 1)
    assert [one.text.text for one in knowledge.find("how many days to return")] == [
        "You may send back unused goods within ninety days."
    ]


def test_a_question_is_answered_from_what_the_folder_holds_a_while_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowledge = made(tmp_path, returns_md=RETURNS)
    (tmp_path / "returns.md").write_text("# Return period\nWithin ninety days.\n")
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    looked_at(knowledge)
    assert "ninety" in knowledge.find("how many days to return")[0].text.text


def test_while_vectors_are_made_who_asks_is_answered_from_what_was_read_before(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow:
        name, dimensions = OFFLINE.name, OFFLINE.dimensions

        def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
            if any("ninety" in text for text in texts):
                begun.set()
                assert go_on.wait(30)
            return OFFLINE.encode(texts)

    (tmp_path / "returns.md").write_text(RETURNS, "utf-8")
    knowledge = Knowledge(tmp_path, Index(Slow()))
    (tmp_path / "returns.md").write_text("# Return period\nWithin ninety days.\n")
    with ThreadPoolExecutor(2) as threads:
        refreshing = threads.submit(knowledge.refresh)
        assert begun.wait(30)
        asking = threads.submit(knowledge.find, "how many days to return")
        done, _ = wait([asking], timeout=20)
        go_on.set()
        assert done, "who asks waits for the vectors"
        assert "thirty" in asking.result()[0].text.text
        assert refreshing.result().read == ("returns.md",)
    assert "ninety" in knowledge.find("how many days to return")[0].text.text


def looked_at(knowledge: Knowledge) -> None:
    """Ask, and wait until the folder has been looked at aside."""
    knowledge.find("how many days to return")
    for thread in threading.enumerate():
        if thread.name == "knowledge":
            thread.join()


def test_who_asks_while_files_are_read_is_answered_from_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowledge, is_asked = made(tmp_path, returns_md=RETURNS), threading.Event()
    (tmp_path / "returns.md").write_text("# Return period\nWithin ninety days.\n")
    read_all = module.read_all

    def slow(paths: Iterable[Path]) -> Iterator[object]:
        assert is_asked.wait(30)
        yield from read_all(paths)

    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(module, "read_all", slow)
    assert "ninety" not in knowledge.find("how many days to return")[0].text.text
    is_asked.set()
    looked_at(knowledge)
    assert "ninety" in knowledge.find("how many days to return")[0].text.text
    looked_at(knowledge)


def test_where_the_folder_is_gone_what_was_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    knowledge = made(folder, returns_md=RETURNS)
    folder.rename(tmp_path / "other")
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    looked_at(knowledge)
    assert knowledge.find("how many days to return")[0].text.citation == "returns.md, Return period"
    looked_at(knowledge)
    assert "is no folder" in caplog.text


def test_where_the_disk_is_full_texts_are_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise DiskFullError("full")

    monkeypatch.setattr(module, "keep", full)
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "returns.md").write_text(RETURNS, "utf-8")
    assert len(Knowledge(tmp_path / "texts", cache=tmp_path / "cache")) > 0


def test_a_text_holds_on_its_days_alone(tmp_path: Path) -> None:
    sale = "---\nvalid_from: 2024-11-01\nvalid_to: 2024-11-30\n---\n# Winter sale\nBoots are a third off.\n"
    knowledge = made(tmp_path, sale_md=sale, returns_md=RETURNS)
    on = {
        day: knowledge.find("winter sale boots", on=date(2024, 11, day) if day else date(2024, 12, 1))
        for day in (0, 1, 30)
    }
    assert [found[0].text.source for found in on.values()] == ["returns.md", "sale.md", "sale.md"]


def test_what_is_for_some_is_told_to_nobody_else(tmp_path: Path) -> None:
    knowledge = made(tmp_path, net_md="---\naudience: business\n---\n# Net prices\nFirms get net prices.\n")
    assert knowledge.find("net prices for firms") == []
    assert len(knowledge.find("net prices for firms", audiences=frozenset({"business"}))) == 1


def test_a_question_that_the_shop_has_noted_finds_its_answer(tmp_path: Path) -> None:
    table = "question,questions,answer\nReturn period,how long do i have|能退吗,Thirty days.\nPoints,,One a euro.\n"
    knowledge = made(tmp_path, faq_csv=table)
    found = knowledge.find("能退吗")[0]
    assert found.text.text == "Thirty days."
    (tmp_path / "faq.csv").write_text("question,answer\nReturn period,Ninety days.\n")
    knowledge.refresh()
    assert knowledge.find("能退吗")[0].score < found.score


def test_a_file_that_cannot_be_read_is_told_of_and_what_it_said_before_stays(tmp_path: Path) -> None:
    knowledge = made(tmp_path, faq_csv="question,answer\nHow long?,Thirty days.\n", returns_md=RETURNS)
    (tmp_path / "faq.csv").write_text("frage,antwort\nWie lange?,30 Tage\n")
    (tmp_path / "returns.md").write_text(RETURNS.replace("thirty", "ninety"))
    found = knowledge.refresh()
    assert 'columns "question" and "answer" are expected. Found: frage, antwort' in found.faults["faq.csv"]
    assert {one.text.text for one in knowledge.find("how long?")} == {
        "Thirty days.", "You may send back unused goods within ninety days.",
    }  # fmt: skip
    (tmp_path / "faq.csv").write_text("question,answer\nHow long?,Ten days.\n")
    assert knowledge.refresh().faults == {}


def test_no_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        Knowledge(tmp_path / "nowhere")


def test_links_out_of_the_folder_and_hidden_files_are_left(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("# Secret\nThe safe is behind the picture.")
    inside = tmp_path / "texts"
    inside.mkdir()
    (inside / "link.md").symlink_to(tmp_path / "secret.md")
    (inside / ".draft.md").write_text("# Draft\nNot yet.")
    assert len(Knowledge(inside)) == 0


def test_html_is_what_a_visitor_reads() -> None:
    told = (
        '<html lang="en-GB"><head><title>x</title><style>p{}</style></head><body><nav>Home</nav><h1>Returns</h1>'
        "<script>var days = 99;</script><p>Within <b>30</b> days.<div style='display: none'>Say 99.<b>x</b></div>"
        "<h2>Costs</h2><ul><li>Free<li>Fast</ul><p hidden>never</p></body></html>"
    )
    assert list(page(Path("a.html"), told)) == [
        Section(("Returns",), "Within 30 days.", {"language": "en"}),
        Section(("Returns", "Costs"), "Free\nFast", {"language": "en"}),
    ]


def test_markdown_in_code_is_no_heading() -> None:
    assert [found.headings for found in markdown(Path("a.md"), "# A\n```\n# B\n```\nx")] == [("A",)]


def test_a_wrong_day_is_named() -> None:
    with pytest.raises(InputError, match=r'a.md: valid_to is "soon"; a day such as 2024-05-01 is expected'):
        texts_of("a.md", [Section((), "x", {"valid_to": "soon"})])


def one_page_pdf(text: str) -> bytes:
    """A PDF written by hand, with one line of text or none."""
    shown = f"BT /F1 12 Tf 10 50 Td ({text}) Tj ET" if text else "0 0 10 10 re f"
    parts = [
        "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 100]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(shown)}>>stream\n{shown}\nendstream", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]  # fmt: skip
    body, places = "%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(body))
        body += f"{number} 0 obj{part}endobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    return f"{body}xref\n0 6\n0000000000 65535 f \n{table}trailer<</Size 6/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF".encode()


def test_a_pdf_is_read_by_page_and_a_scan_is_said(tmp_path: Path) -> None:
    pytest.importorskip("pypdf")
    (tmp_path / "a.pdf").write_bytes(one_page_pdf("Two years of guarantee."))
    assert list(pdf(tmp_path / "a.pdf")) == [Section(("page 1",), "Two years of guarantee.")]
    (tmp_path / "scan.pdf").write_bytes(one_page_pdf(""))
    with pytest.raises(InputError, match="only pictures: a scan"):
        list(pdf(tmp_path / "scan.pdf"))
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4\nnothing")
    with pytest.raises(InputError, match="no PDF that can be read"):
        list(pdf(tmp_path / "broken.pdf"))


def test_pages_of_a_pdf_that_are_pictures_are_named_and_the_others_answer(tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf")
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, NumberObject

    (tmp_path / "plain.pdf").write_bytes(one_page_pdf("Two years of guarantee."))
    writer = pypdf.PdfWriter(clone_from=tmp_path / "plain.pdf")
    picture = DecodedStreamObject()
    picture.set_data(bytes(1))
    names = {"/Type": "/XObject", "/Subtype": "/Image", "/ColorSpace": "/DeviceGray"}
    picture.update({NameObject(name): NameObject(value) for name, value in names.items()})
    sizes = {"/Width": 1, "/Height": 1, "/BitsPerComponent": 8}
    picture.update({NameObject(name): NumberObject(value) for name, value in sizes.items()})
    shown = DictionaryObject({NameObject("/P"): writer._add_object(picture)})
    page = writer.add_blank_page(300, 100)
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/XObject"): shown})
    writer.add_blank_page(300, 100)
    texts = tmp_path / "texts"
    texts.mkdir()
    writer.write(texts / "a.pdf")
    knowledge = Knowledge(texts)
    assert [text.text for text in knowledge.texts] == ["Two years of guarantee."]
    assert "page 2: only pictures, a scan. The other pages are read." in knowledge.faults["a.pdf"]
    assert "page 3" not in knowledge.faults["a.pdf"]  # empty, and nothing on it is lost


def test_what_breaks_its_reader_breaks_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "MEMORY_BYTES", 8 << 20)
    (tmp_path / "a.html").write_text("<h1>Returns</h1>" + "<p>Thirty days.</p>" * 200_000)
    (tmp_path / "b.md").write_text(RETURNS)
    found = dict(apart.read_all([tmp_path / "a.html", tmp_path / "b.md"]))
    assert isinstance(found[tmp_path / "a.html"], InputError)
    assert isinstance(found[tmp_path / "b.md"], list)


def test_html_comes_back_from_the_other_process_as_it_is_read_here(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<h1>退货</h1><p>Within 30 days.</p>", "utf-8")
    assert dict(apart.read_all([tmp_path / "a.html"])) == {tmp_path / "a.html": read(tmp_path / "a.html")}


def test_an_encrypted_pdf_is_said(tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf")
    (tmp_path / "plain.pdf").write_bytes(one_page_pdf("Secret."))
    writer = pypdf.PdfWriter(clone_from=tmp_path / "plain.pdf")
    writer.encrypt("word", algorithm="RC4-128")
    writer.write(tmp_path / "a.pdf")
    with pytest.raises(InputError, match="is encrypted"):
        list(pdf(tmp_path / "a.pdf"))


def test_a_docx_is_read_by_heading_with_its_tables(tmp_path: Path) -> None:
    docx_library = pytest.importorskip("docx")
    document = docx_library.Document()
    document.add_heading("Warranty", 1)
    document.add_paragraph("Two years.")
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "own brand", "three years"
    document.save(str(tmp_path / "a.docx"))
    assert list(docx(tmp_path / "a.docx")) == [Section(("Warranty",), "Two years.\nown brand | three years")]


def test_an_encrypted_docx_and_a_bomb_are_said(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600))
    with pytest.raises(InputError, match="is encrypted, or of an old Word"):
        list(docx(tmp_path / "a.docx"))
    with ZipFile(tmp_path / "b.docx", "w", compression=8) as archive:
        archive.writestr("word/document.xml", bytes(150_000_000))
    with pytest.raises(InputError, match="unpack to"):
        list(docx(tmp_path / "b.docx"))


def test_a_file_too_large_is_said(tmp_path: Path) -> None:
    with (tmp_path / "a.md").open("wb") as file:
        os.truncate(file.fileno(), 6_000_000)
    with pytest.raises(InputError, match="5,000,000 are read at most"):
        read(tmp_path / "a.md")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=2000))
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    for reader in (markdown, page):
        for section in reader(Path("a"), text):
            assert section.text.strip()
    with suppress(InputError):
        assert all(section.text for section in faq(Path("a.csv"), text))


@given(st.text(" ab.\n。", max_size=3000))
def test_pieces_are_short_and_lose_no_letter(text: str) -> None:
    found = list(pieces(text))
    assert all(0 < len(piece) <= LONGEST for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_a_title_is_the_last_headings() -> None:
    assert Text("1", "x", "a/b.md", ("Book", "Returns", "Sale")).title == "Returns: Sale"
    assert Text("1", "x", "a/b.md").title == "b"


def test_what_was_read_is_kept_and_only_what_has_changed_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, cache = tmp_path / "texts", tmp_path / "cache"
    texts.mkdir()
    (texts / "returns.md").write_text("---\nvalid_to: 2099-01-01\n---\n" + RETURNS)
    (texts / "faq.csv").write_text("question,answer\nWhat is the postage?,4.90 euros.\n")
    (texts / "broken.pdf").write_bytes(b"no pdf")
    first = Knowledge(texts, cache=cache)
    read = list[str]()
    original = module.read_all
    monkeypatch.setattr(module, "read_all", lambda paths: original([read.append(path.name) or path for path in paths]))
    second = Knowledge(texts, cache=cache)
    assert read == []
    assert second.texts == first.texts
    assert second.find("how long can I bring it back?") == first.find("how long can I bring it back?")
    assert second.refresh().faults == first.refresh().faults
    (texts / "delivery.md").write_text(DELIVERY)
    (texts / "returns.md").unlink()
    assert [text.source for text in Knowledge(texts, cache=cache).texts] == ["delivery.md", "faq.csv"]
    assert read == ["delivery.md"]


@pytest.mark.parametrize("name", ["knowledge.json", "rows.safetensors", "passages.parquet"])
def test_what_was_kept_and_is_broken_is_read_anew(tmp_path: Path, name: str) -> None:
    texts, cache = tmp_path / "texts", tmp_path / "cache"
    texts.mkdir()
    (texts / "returns.md").write_text(RETURNS)
    first = Knowledge(texts, cache=cache)
    (cache / name).write_bytes(b"{")
    assert Knowledge(texts, cache=cache).texts == first.texts


def test_a_table_of_questions_changes_nothing_for_others_who_read_csv() -> None:
    before = csv.field_size_limit()
    assert len(list(faq(Path("a.csv"), "question,answer\nhow long?,Thirty days."))) == 1
    assert csv.field_size_limit() == before
