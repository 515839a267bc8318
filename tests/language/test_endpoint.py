"""Whatever a real server does: an answer, or a LanguageError, within the time and the memory allowed."""

from __future__ import annotations

import gzip
import json
import resource
import time
from collections.abc import Callable

import numpy as np
import pytest

from regulars.language.endpoint import Endpoint
from regulars.language.errors import AnswerError, DownError, LanguageError
from tests.language.conftest import Asking, Behaviour, Server, completion, says, sends, streams

REQUEST = {"model": "m", "messages": [{"role": "user", "content": "茶?"}], "max_tokens": 9, "temperature": 0}


def chat(server: Server, *behaviours: Behaviour, seconds: float = 5.0) -> object:
    server.behaviours = list(behaviours)
    return Endpoint(server.url, "secret").chat(REQUEST, seconds)


def test_a_chat_is_answered_with_text_tools_and_tokens(server: Server) -> None:
    server.behaviours = [says("Here: 茶", [("cancel", '{"order": "1"}')], prompt_tokens=7, completion_tokens=3)]
    reply = Endpoint(server.url, "secret").chat(REQUEST, 5.0)
    assert (reply.text, reply.tokens_in, reply.tokens_out, reply.finish) == ("Here: 茶", 7, 3, "stop")
    assert [(call.name, call.arguments) for call in reply.calls] == [("cancel", '{"order": "1"}')]
    assert server.requests == [REQUEST]
    assert server.headers[0]["authorization"] == "Bearer secret"


def test_arguments_that_are_an_object_are_those_of_a_text(server: Server) -> None:
    server.behaviours = [says("", [("cancel", {"cls": 1, "order": "茶"})])]
    call = Endpoint(server.url).chat(REQUEST, 5.0).calls[0]
    assert json.loads(call.arguments) == {"cls": 1, "order": "茶"}


def forever(line: bytes, pause: float = 0.0) -> Behaviour:
    def behaviour(asking: Asking) -> None:
        asking.begin()
        while not asking.server.stopping.is_set():
            asking.wfile.write(line)
            if pause:
                time.sleep(pause)

    return behaviour


def headers_forever(asking: Asking) -> None:
    asking.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not asking.server.stopping.is_set():
        asking.wfile.write(b"X: y\r\n")
        asking.wfile.flush()
        time.sleep(0.05)


def silent(asking: Asking) -> None:
    asking.server.stopping.wait(20)
    asking.close_connection = True


def cut(asking: Asking) -> None:
    asking.send_response(200)
    asking.send_header("Content-Length", "1000")
    asking.end_headers()
    asking.wfile.write(b'{"choices": [')
    asking.close_connection = True


BAD: dict[str, tuple[Behaviour, type[LanguageError]]] = {
    "html": (sends(b"<html><body>Bad gateway</body></html>", Content_Type="text/html"), AnswerError),
    "nothing": (sends(b""), AnswerError),
    "invalid json": (sends(b'{"choices": [{"message": '), AnswerError),
    "another object": (sends(b'{"error": {"message": "no"}}'), AnswerError),
    "no choices": (sends(b'{"choices": []}'), AnswerError),
    "wrong types": (sends(b'{"choices": [{"message": {"content": 7}}]}'), AnswerError),
    "10 MB": (sends(completion("x" * 10_000_000)), AnswerError),
    "deep": (sends(b'{"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"), AnswerError),
    "no utf-8": (sends(b'{"choices": [{"message": {"content": "\xff\xfe"}}]}'), AnswerError),
    "a bomb": (sends(gzip.compress(b" " * 50_000_000), Content_Encoding="gzip"), AnswerError),
    "elsewhere": (sends(b"", 307, Location="http://127.0.0.1:9/v1"), AnswerError),
    "no key": (sends(b'{"error": {"message": "bad key"}}', 401), AnswerError),
    "no model": (sends(b'{"error": {"message": "no such model"}}', 404), AnswerError),
    "busy": (sends(b"", 429), DownError),
    "down": (sends(b"<html>", 503), DownError),
    "endless error": (lambda asking: (asking.send_response(500), asking.end_headers(), forever(b"x" * 65536)(asking))[0], LanguageError),
    "cut": (cut, DownError),
    "endless": (forever(b" " * 65536), AnswerError),
    "drops": (forever(b" ", 0.05), DownError),
    "endless headers": (headers_forever, DownError),
    "silent": (silent, DownError),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_whatever_is_answered_the_call_ends_in_time_and_within_memory(name: str, server: Server) -> None:
    behaviour, kind = BAD[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(kind) as caught:
        chat(server, behaviour, seconds=0.4)
    assert len(str(caught.value)) < 600
    # In KiB: the server of the test holds its 10 MB in the same process.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000


def test_nobody_there_is_said_with_the_address() -> None:
    with pytest.raises(DownError, match=r"http://127\.0\.0\.1:9/v1 cannot be reached"):
        Endpoint("http://127.0.0.1:9/v1").chat(REQUEST, 5.0)


def test_a_busy_endpoint_says_how_long_to_wait(server: Server) -> None:
    with pytest.raises(DownError) as caught:
        chat(server, sends(b"", 429, Retry_After="7"))
    assert caught.value.wait_seconds == 7
    with pytest.raises(DownError) as caught:
        chat(server, sends(b"", 429, Retry_After="tomorrow"))
    assert caught.value.wait_seconds == 0


def refuses(field: str) -> Behaviour:
    said = {"error": {"message": f"Unsupported parameter: '{field}'", "param": field}}
    return sends(json.dumps(said).encode(), 400)


def test_what_an_endpoint_does_not_know_is_said_otherwise_and_remembered(server: Server) -> None:
    server.behaviours = [refuses("max_tokens"), refuses("temperature"), says("yes")]
    endpoint = Endpoint(server.url)
    assert endpoint.chat(REQUEST, 5.0).text == "yes"
    assert endpoint.chat(REQUEST, 5.0).text == "yes"
    told = [set(request) - {"model", "messages"} for request in server.requests]
    assert told == [{"max_tokens", "temperature"}, {"max_completion_tokens", "temperature"}] + 2 * [
        {"max_completion_tokens"}
    ]


def test_who_refuses_everything_is_asked_no_more_than_once_for_each_field(server: Server) -> None:
    with pytest.raises(AnswerError):
        chat(server, refuses("max_tokens"))
    assert len(server.requests) == 2


def test_a_stream_comes_in_pieces(server: Server) -> None:
    server.behaviours = [streams("Your ", "tea ", "茶")]
    pieces = list(Endpoint(server.url).stream(REQUEST, 5.0))
    assert [piece.text for piece in pieces if piece.text] == ["Your ", "tea ", "茶"]
    assert server.requests[0]["stream"] is True


def raw(data: bytes) -> Behaviour:
    def behaviour(asking: Asking) -> None:
        asking.begin()
        asking.wfile.write(data)

    return behaviour


PIECE = b'data: {"choices": [{"delta": {"content": "tea "}}]}\n\n'


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (forever(PIECE, 0.01), DownError),
        (forever(PIECE), LanguageError),
        (forever(b"data: {}\n\n", 0.01), LanguageError),
        (forever(b": still here\n\n", 0.05), DownError),
        (forever(b"x" * 65536), LanguageError),
        (streams("half", finish=None), AnswerError),
        (raw(b"<html>"), AnswerError),
        (raw(b"data: <html>\n\n"), AnswerError),
        (silent, DownError),
        (sends(b"", 500), DownError),
    ],
)
def test_no_stream_is_endless_or_cut_without_being_told(
    behaviour: Behaviour, kind: type[LanguageError], server: Server
) -> None:
    server.behaviours = [behaviour]
    with pytest.raises(kind):
        for _ in Endpoint(server.url).stream(REQUEST, 0.4):
            pass


def test_a_stream_that_is_left_is_closed_and_the_endpoint_goes_on(server: Server) -> None:
    server.behaviours = [forever(PIECE, 0.01), says("next")]
    endpoint = Endpoint(server.url)
    stream = endpoint.stream(REQUEST, 5.0)
    assert next(stream).text == "tea "
    stream.close()  # type: ignore[attr-defined]
    assert endpoint.chat(REQUEST, 5.0).text == "next"


def vectors(*rows: object, reverse: bool = False) -> Behaviour:
    found = [{"index": place, "embedding": row} for place, row in enumerate(rows)]
    return sends(json.dumps({"data": found[::-1] if reverse else found}).encode())


def test_vectors_come_in_the_order_of_the_texts_and_of_length_one(server: Server) -> None:
    server.behaviours = [vectors([3, 4], [0, 2], reverse=True)]
    assert np.allclose(Endpoint(server.url).embed("e", ["a", "b"], 5.0), [[0.6, 0.8], [0, 1]])


@pytest.mark.parametrize(
    "behaviour",
    [
        vectors([1, 0]),
        vectors([1, 0], [1]),
        vectors([0, 0], [0, 1]),
        vectors([1e999, 0], [0, 1]),
        vectors("x", "y"),
        says("hello"),
    ],
)
def test_vectors_that_are_none_are_refused(behaviour: Callable[[Asking], None], server: Server) -> None:
    server.behaviours = [behaviour]
    with pytest.raises(AnswerError):
        Endpoint(server.url).embed("e", ["a", "b"], 5.0)
