"""What the guard refuses before any application sees it, through real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from portal.edge.guard import Guard
from portal.web.asgi import read_head, send_answer
from tests.serving import served, talk

LIMIT = 1_000


class Echo:
    """Answers with what it got, and remembers that it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        head = read_head(scope)
        size, more = 0, head.path != "/unread"
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        await send_answer(send, 200, [], json.dumps({"path": head.path, "size": size, "fields": dict(read_head(scope).fields)}).encode())


@pytest.fixture(scope="module")
def echo() -> Echo:
    return Echo()


@pytest.fixture(scope="module")
def port(echo: Echo) -> Iterator[int]:
    with served(Guard(echo, body_limit=lambda path: LIMIT, host_allowed=lambda host: host != "evil.example", body_seconds=0.6)) as port:
        yield port


@pytest.fixture(autouse=True)
def forget(echo: Echo) -> None:
    echo.asked = 0


def problem(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    document: dict[str, Any] = json.loads(body)
    return document


@pytest.mark.parametrize(
    ("request_bytes", "code"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "malformed_host"),
        (b"GET / HTTP/1.1\r\n\r\n", "malformed_host"),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "malformed_host"),
        (b"GET http://elsewhere.example/ HTTP/1.1\r\nHost: a\r\n\r\n", "malformed_target"),
    ],
)
def test_a_request_that_could_mean_two_things_never_reaches_an_application(port: int, echo: Echo, request_bytes: bytes, code: str) -> None:
    document = problem(talk(port, request_bytes))
    assert (document["status"], document["code"]) == (400, code)
    assert echo.asked == 0


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    ],
)
def test_ambiguous_framing_is_refused(port: int, echo: Echo, fields: bytes) -> None:
    answer = talk(port, b"POST / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n3\r\nabc\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert echo.asked == 0


def test_a_body_that_stops_coming_is_408_in_its_budget(port: int) -> None:
    started = time.monotonic()
    document = problem(talk(port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhello", timeout=5))
    assert (document["status"], document["code"]) == (408, "request_timeout")
    assert time.monotonic() - started < 2


def test_a_body_that_drips_is_408_too(port: int) -> None:
    drops = [b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n", *([b"x"] * 12)]
    assert problem(talk(port, *drops, pause=0.1))["status"] == 408


def test_a_chunked_body_is_refused_as_soon_as_it_passes_the_limit(port: int) -> None:
    chunk = b"1f4\r\n" + b"x" * 500 + b"\r\n"
    document = problem(talk(port, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", *([chunk] * 40)))
    assert (document["status"], document["limit"]) == (413, LIMIT)
    assert LIMIT < document["size"] <= 20_000


def test_an_answer_before_the_end_of_the_body_closes_the_connection_and_can_be_read(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n" + b"x" * 300)
        received = b""
        while piece := connection.recv(65_536):
            received += piece
    assert received.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in received


def test_a_body_within_the_limit_passes(port: int) -> None:
    answer = talk(port, b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + b"x" * LIMIT)
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["size"] == LIMIT
    assert b"connection: close" not in answer


def test_a_client_that_waits_for_100_continue_is_refused_without_it(port: int) -> None:
    answer = talk(port, b"POST /unread HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 900\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")


def test_a_head_that_never_ends_is_cut_off(port: int, echo: Echo) -> None:
    lines = [b"GET / HTTP/1.1\r\nHost: a\r\n", *(b"X-%d: %s\r\n" % (number, b"y" * 1_000) for number in range(90)), b"\r\n"]
    assert problem(talk(port, *lines))["code"] == "header_fields_too_large"
    assert problem(talk(port, b"GET / HTTP/1.1\r\nHost: a\r\n", *([b"X: y\r\n"] * 150), b"\r\n"))["status"] == 431
    assert echo.asked == 0


@pytest.mark.parametrize(
    "request_bytes", [b"GET / HTTP/1.1\r\nHost: a\r\nX A: b\r\n\r\n", b"get / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\r\n\r\n"]
)
def test_what_is_no_request_is_answered_with_a_problem(port: int, echo: Echo, request_bytes: bytes) -> None:
    document = problem(talk(port, request_bytes))
    assert (document["status"], document["code"]) == (400, "malformed")
    assert document["request_id"]
    assert echo.asked == 0


def test_a_trailer_is_not_a_field_of_the_head(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = talk(port, head + b"3\r\nabc\r\n0\r\nAuthorization: Bearer stolen\r\nX-Portal-Confirm: production\r\nHost: b\r\n\r\n")
    seen = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert seen["size"] == 3
    assert set(seen["fields"]) == {"host", "transfer-encoding"}


def test_keep_alive_serves_several_requests(port: int, echo: Echo) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        for _ in range(3):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            received = b""
            while not received.endswith(b"}"):
                received += connection.recv(65_536)
            assert received.startswith(b"HTTP/1.1 200")
    assert echo.asked == 3


def test_other_scopes_pass_untouched() -> None:
    seen: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(Guard(application, body_limit=lambda path: None)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
