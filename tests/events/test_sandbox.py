"""The process that reads files: it gives what the readers give, and what ends it ends nothing else."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars import Shop
from regulars.errors import InputError
from regulars.events import readers, sandbox
from regulars.events.sandbox import limits, process, wire

ROWS = "date,customer,product,price\n2024-05-01,ada,tea,4.50\n2024-05-03,bob,pot,30.00\n"

BROKEN = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
import os, signal, time
from regulars.events import readers
from regulars.events.sandbox import child

def broken(path):
    word = path.read_text().strip()
    if word == "spin":
        while True:
            pass
    if word == "sleep":
        time.sleep(1000)
    if word == "take":
        taken = [bytearray(1 << 20) for _ in range(10_000)]
    if word == "open":
        taken = [open("/dev/null") for _ in range(100)]
    if word == "write":
        (path.parent / "written").write_text("harm")
    if word == "print":
        print("a library says something", flush=True)
        os.write(1, b"and again")
        raise ValueError("odd")
    if word == "shout":
        os.write(3, b"no frame at all")
        os.write(4, b"no frame at all")
        os._exit(3)
    os.kill(os.getpid(), getattr(signal, word))

readers.KINDS[".txt"] = broken
child.main(*map(int, sys.argv[2:]))
"""
"""A process whose reader of .txt does as the file says."""


@pytest.fixture(autouse=True)
def fresh():
    process.end_all()
    yield
    process.end_all()


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """broken(word): what opening a file says that does so to its reader."""
    monkeypatch.setattr(process, "START", BROKEN)

    def ask(word):
        path = tmp_path / "hostile.txt"
        path.write_text(word)
        with pytest.raises(InputError) as caught:
            sandbox.open_source(path)
        assert str(path) in str(caught.value)
        return str(caught.value)

    return ask


@pytest.fixture
def orders(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(ROWS)
    return path


def everything(source, columns=None):
    pieces = [chunk() for chunk in source.chunks(columns or source.headers)]
    return (
        [row for piece in pieces for row in piece.table.to_pylist()],
        [line for piece in pieces for line in piece.lines.tolist()],
        [reject for piece in pieces for reject in piece.rejects],
    )


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl", "a.parquet", "a.xlsx"])
def test_it_gives_what_the_readers_give(tmp_path, name):
    path = tmp_path / name
    if name == "a.csv":
        path.write_text('a,b\n1,"x\ny"\n2\n3,é\n')
    elif name == "a.csv.gz":
        import gzip

        path.write_bytes(gzip.compress(b"a,b\n1,2\n3,\n"))
    elif name == "a.jsonl":
        path.write_text('{"a": 1, "b": {"c": "\\ud83d\\ude00"}}\nno\n{"a": null}\n')
    elif name == "a.parquet":
        pq.write_table(pa.table({"a": [1, None], "b": ["x", "x"], "c": [[1], []]}), path)
    else:
        import openpyxl

        book = openpyxl.Workbook()
        for row in (("a", "b"), (1, "x"), (2.5, None)):
            book.active.append(row)
        book.save(path)
    here, there = readers.open_source(path), sandbox.open_source(path)
    assert (there.path, there.headers, there.encoding) == (here.path, here.headers, here.encoding)
    assert there.sample(10) == here.sample(10)
    assert everything(there) == everything(here)
    assert there.share_read == here.share_read
    assert everything(there, here.headers[:1]) == everything(here, here.headers[:1])


def test_what_the_readers_refuse_is_refused_in_the_same_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.csv").write_text("")
    for path in (readers.Path("empty.csv"), tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError) as here:
            readers.open_source(path)
        with pytest.raises(InputError) as there:
            sandbox.open_source(path)
        assert str(there.value) == str(here.value)


def test_a_column_that_is_not_there_is_named_when_reading_begins(orders):
    source = sandbox.open_source(orders)
    with pytest.raises(InputError, match=r'no column "who". Found: date'):
        everything(source, ["who"])
    assert len(everything(source)[0]) == 2


def test_a_relative_path_is_that_of_this_moment(tmp_path, orders, monkeypatch):
    sandbox.open_source(orders)
    (tmp_path / "below").mkdir()
    orders.rename(tmp_path / "below" / "orders.csv")
    monkeypatch.chdir(tmp_path / "below")
    assert sandbox.open_source(readers.Path("orders.csv")).headers[0] == "date"


def test_a_file_that_changed_is_opened_anew(orders):
    source = sandbox.open_source(orders)
    orders.write_text(ROWS + "2024-05-04,eve,tea,4.50\n")
    assert len(everything(source)[0]) == 3


def test_one_process_serves_file_after_file(orders):
    sandbox.open_source(orders)
    first = process._idle[0]
    for _ in range(3):
        everything(sandbox.open_source(orders))
    assert process._idle == [first]


def test_a_process_that_was_left_in_the_middle_is_not_asked_again(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("a\n" + "1\n" * 10_000_000)
    source = sandbox.open_source(path)
    reader = process._idle[0]
    pieces = source.chunks(["a"])
    next(pieces)
    pieces.close()
    assert process._idle == []
    assert not reader.is_alive
    assert sandbox.open_source(path).headers == ("a",)


def test_a_process_that_died_while_it_waited_is_replaced(orders):
    sandbox.open_source(orders)
    process._idle[0]._process.kill()
    process._idle[0]._process.wait()
    assert len(everything(sandbox.open_source(orders))[0]) == 2


def test_threads_have_a_process_each(orders):
    found = []
    threads = [threading.Thread(target=lambda: found.append(everything(sandbox.open_source(orders)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(rows) for rows, _, _ in found] == [2, 2, 2, 2]
    assert len(process._idle) <= process.MOST_IDLE


@pytest.mark.forks
def test_a_fork_asks_a_process_of_its_own(orders):
    sandbox.open_source(orders)
    child = os.fork()
    if child == 0:
        os._exit(bool(process._idle))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(process._idle) == 1


@pytest.mark.parametrize("word", ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGKILL"])
def test_a_crash_ends_the_reading_and_nothing_else(broken, orders, word):
    assert f"the process that read it ended ({word}); nothing else did" in broken(word)
    assert len(everything(sandbox.open_source(orders))[0]) == 2


def test_more_memory_than_the_limit_is_refused(broken, monkeypatch):
    monkeypatch.setattr(limits, "MEMORY_BYTES", 512 << 20)
    assert "takes more than 512 MiB of memory to read" in broken("take")


def test_more_processor_time_than_the_limit_is_refused(broken, monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", 1)
    assert "a piece of it takes more than 1 seconds to read" in broken("spin")


def test_a_process_that_waits_for_ever_is_ended(broken, monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", 1)
    assert "a piece of it takes more than 1 seconds to read" in broken("sleep")


@pytest.mark.parametrize(("word", "said"), [("open", "Too many open files"), ("write", "File too large")])
def test_it_opens_few_files_and_writes_none(broken, tmp_path, word, said):
    assert said in broken(word)
    assert not (tmp_path / "written").exists() or (tmp_path / "written").read_text() == ""


def test_what_a_library_prints_is_no_answer(broken):
    assert "cannot be read (ValueError: odd)" in broken("print")


def test_an_answer_that_is_no_frame_is_refused(broken):
    assert "hostile.txt" in broken("shout")


def test_an_answer_longer_than_any_is_refused_before_it_is_read(orders, monkeypatch):
    sandbox.open_source(orders)
    monkeypatch.setattr(limits, "BYTES_AT_ONCE", 100)
    with pytest.raises(InputError, match="of memory to read"):
        everything(sandbox.open_source(orders))


def test_rows_that_do_not_hold_together_are_refused(orders):
    broken = pa.DictionaryArray.from_arrays(pa.array([7], pa.int32()), pa.array(["x"]), safe=False)
    rows = readers.RawRows(pa.table({"a": broken}), np.array([1]))
    sink = io.BytesIO()
    frame = wire.pack(rows, 1.0)
    wire.send(sink, frame)
    sent = pa.py_buffer(sink.getvalue())
    with pytest.raises(InputError, match="damaged inside"):
        sandbox._Source(orders, "")._rows(frame.head, sent.slice(sent.size - sum(frame.sizes)))


def test_an_import_whose_reader_dies_leaves_the_log_as_it_was(shop: Shop, tmp_path, monkeypatch):
    path = tmp_path / "orders.csv"
    path.write_text(ROWS + "2024-05-03,bob,pot,30.00\n" * 2_000_000)
    killed = []

    def kill(rows, share):
        if not killed:
            killed.append(share)
            for each in readings:
                each._process.kill()

    readings = []
    made = process.Reader.__init__
    monkeypatch.setattr(process.Reader, "__init__", lambda self: (made(self), readings.append(self))[0])
    with pytest.raises(InputError, match=r"the process that read it ended \(SIGKILL\)"):
        shop.import_(path, on_progress=kill)
    assert killed[0] < 1
    assert shop.log.version == 0
    assert list((shop.folder / "log" / "data").iterdir()) == []
    path.write_text(ROWS)
    assert shop.import_(path).added == 2


def test_it_ends_with_the_process_that_started_it(orders):
    program = f"""
from pathlib import Path
from regulars.events import sandbox
from regulars.events.sandbox import process
sandbox.open_source(Path({str(orders)!r}))
print(process._idle[0]._process.pid, flush=True)
import os; os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    deadline = time.monotonic() + 20
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:  # noqa: PTH110
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            if stat.read().split()[2] == "Z":
                break
        time.sleep(0.02)
    else:
        assert not os.path.exists(f"/proc/{pid}")  # noqa: PTH110


def test_modules_in_the_folder_where_it_is_called_are_not_loaded(orders, tmp_path, monkeypatch):
    for name in ("json", "numpy", "regulars"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the code of a stranger')")
    monkeypatch.chdir(tmp_path)
    assert sandbox.open_source(orders).headers[0] == "date"


def test_the_process_loads_no_engine():
    program = "import sys; import regulars.events.sandbox.child; print(sorted({'duckdb', 'ibis'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
