from __future__ import annotations

import asyncio
import gzip
from collections.abc import Coroutine
from typing import Any

import pytest

from portal.errors import Malformed, PortalError, Unavailable, UpstreamFailed, UpstreamTimeout
from tests.upstream.peers import OK, Behaviour, Peer, peer, says, then_closes
from upstream import blocking, breaker, bulkhead, connections
from upstream.client import send
from upstream.messages import Answer, Limits, Outgoing

QUICK = Limits(connect=1.0, first_byte=0.6, total=1.0, body=65_536)  # where time is what is tested
PATIENT = Limits(connect=5.0, first_byte=10.0, total=15.0, body=65_536)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    async def and_close() -> Any:
        try:
            return await work
        finally:
            await connections.close_all()

    return asyncio.run(and_close())


def ask(behave: Behaviour, *, limits: Limits = PATIENT, outgoing: dict[str, Any] | None = None) -> tuple[Answer, Peer]:
    async def work() -> tuple[Answer, Peer]:
        async with peer(behave) as other:
            values = {"method": "GET", "url": other.url("/things"), "headers": []} | (outgoing or {})
            return await send(other.target(), Outgoing(**values), limits=limits), other

    answered: tuple[Answer, Peer] = run(work())
    return answered


def test_an_answer_comes_back_as_it_was_sent() -> None:
    body = gzip.compress(b"hello")
    wire = b"HTTP/1.1 404 Nope\r\nContent-Encoding: gzip\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    answer, _other = ask(says(wire))
    assert (answer.status, answer.body, answer.truncated) == (404, body, False)
    assert [value for name, value in answer.headers if name == "X-A"] == ["1", "2"]
    assert answer.connect_ms > 0
    assert answer.connect_ms <= answer.first_byte_ms <= answer.total_ms


def test_only_the_callers_headers_go_out_and_the_query_is_not_rewritten() -> None:
    async def work() -> bytes:
        async with peer(says(OK)) as other:
            outgoing = Outgoing(
                "POST", other.url("/a%2Fb/c?x=%41&y=+&z"), [("Accept-Encoding", "br"), ("x-twice", "1"), ("x-twice", "2")], b"{}"
            )
            await send(other.target(), outgoing, limits=PATIENT)
            return other.requests[0]

    head, _, body = run(work()).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /a%2Fb/c?x=%41&y=+&z HTTP/1.1"
    names = sorted(line.split(":")[0].lower() for line in lines[1:])
    assert names == ["accept-encoding", "content-length", "host", "x-twice", "x-twice"]
    assert body == b"{}"


def test_cookies_and_answers_of_one_caller_never_reach_the_next() -> None:
    poisoned = (
        b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=alice\r\nContent-Length: 2\r\n\r\nok" + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON"
    )

    async def work() -> tuple[list[bytes], list[bytes]]:
        async with peer(says(poisoned)) as other:
            outgoing = Outgoing("GET", other.url(), [])
            bodies = []
            for _ in range(4):
                bodies.append((await send(other.target(), outgoing, limits=PATIENT)).body)
                await asyncio.sleep(0.01)
            return bodies, other.requests

    bodies, requests = run(work())
    assert bodies == [b"ok"] * 4
    assert not any(b"cookie" in request.lower() for request in requests)


def test_a_connection_is_kept_and_used_again() -> None:
    async def work() -> int:
        async with peer(says(OK)) as other:
            for _ in range(5):
                answer = await send(other.target(), Outgoing("GET", other.url(), []), limits=PATIENT)
            assert answer.connect_ms == 0.0
            return other.connections

    assert run(work()) == 1


def test_a_request_is_never_sent_twice() -> None:
    async def first_ok_then_reset(request: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"/second" in request:
            writer.transport.abort()
            raise ConnectionResetError
        writer.write(OK)

    async def work() -> list[bytes]:
        async with peer(first_ok_then_reset) as other:
            await send(other.target(), Outgoing("GET", other.url("/first"), []), limits=PATIENT)
            with pytest.raises(UpstreamFailed) as caught:
                await send(other.target(), Outgoing("DELETE", other.url("/second"), []), limits=PATIENT)
            assert caught.value.code == "upstream_broken"
            return other.requests

    assert sum(b"/second" in request for request in run(work())) == 1


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (says(), "did not begin to answer"),
        (says(b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 20, pause=0.2), "did not begin to answer"),
        (says(*[b"HTTP/1.1 102 Processing\r\n\r\n"] * 20, pause=0.1), "did not begin to answer"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", *[b"."] * 20, pause=0.2), "did not end"),
    ],
    ids=["silent", "headers drip", "only 1xx", "body drips"],
)
def test_the_total_time_ends_every_kind_of_slowness(behave: Behaviour, words: str) -> None:
    async def work() -> float:
        async with peer(behave) as other:
            loop = asyncio.get_running_loop()
            started = loop.time()
            with pytest.raises(UpstreamTimeout, match=words) as caught:
                await send(other.target(), Outgoing("GET", other.url(), []), limits=QUICK)
            assert caught.value.code == "upstream_timeout"
            return loop.time() - started

    assert run(work()) < 1.5


def test_an_endless_answer_is_cut_at_the_cap_and_its_socket_closed() -> None:
    async def flood(_request: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            await writer.drain()

    async def work() -> tuple[Answer, Peer]:
        async with peer(flood) as other:
            answer = await send(other.target(), Outgoing("GET", other.url(), []), limits=PATIENT)
            for _ in range(100):
                if other.closed_by_client:
                    break
                await asyncio.sleep(0.02)
            return answer, other

    answer, other = run(work())
    assert answer.truncated
    assert len(answer.body) == PATIENT.body
    assert other.closed_by_client == 1


def test_a_compressed_bomb_stays_as_small_as_it_arrived() -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * 4_000_000))
    answer, _other = ask(says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb))
    assert answer.body == bomb


@pytest.mark.parametrize(
    "wire",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 000 X\r\n\r\n",
        b"HTTP/1.1 099 X\r\n\r\n",
        b"HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(400)) + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"",
    ],
    ids=["no http", "000", "099", "600", "999", "101", "two lengths", "short", "bad chunk", "NUL", "400 headers", "long header", "nothing"],
)
def test_what_is_not_proper_http_is_broken(wire: bytes) -> None:
    with pytest.raises(UpstreamFailed) as caught:
        ask(then_closes(says(wire)))
    assert (caught.value.code, caught.value.status) == ("upstream_broken", 502)


def test_a_length_beside_chunks_never_poisons_the_connection() -> None:
    both = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"

    async def work() -> set[bytes | str]:
        async with peer(says(both)) as other:
            seen: set[bytes | str] = set()
            for _ in range(3):
                try:
                    seen.add((await send(other.target(), Outgoing("GET", other.url(), []), limits=PATIENT)).body)
                except UpstreamFailed as error:
                    seen.add(error.code)
            return seen

    assert run(work()) in ({b"ok"}, {"upstream_broken"})


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    answer, other = ask(says(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"))
    assert (answer.status, answer.header("location")) == (302, "http://169.254.169.254/")
    assert len(other.requests) == 1


def test_the_proxy_variables_of_the_process_have_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    answer, _other = ask(says(OK))
    assert answer.status == 200


def test_nobody_listening_is_unreachable() -> None:
    async def work() -> None:
        async with peer(says(OK)) as other:
            gone = other.target()
        with pytest.raises(UpstreamFailed, match="cannot be reached") as caught:
            await send(gone, Outgoing("GET", gone.base_url + "/", []), limits=PATIENT)
        assert caught.value.code == "upstream_unreachable"

    run(work())


def test_a_cancelled_call_closes_its_connection_and_gives_its_place_back() -> None:
    async def work() -> None:
        async with peer(says()) as other:
            call = asyncio.create_task(send(other.target(), Outgoing("GET", other.url(), []), limits=Limits()))
            while not other.requests:
                await asyncio.sleep(0.01)
            assert bulkhead.running() == {"peer": 1}
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            for _ in range(100):
                if other.closed_by_client:
                    break
                await asyncio.sleep(0.01)
            assert other.closed_by_client == 1
            assert bulkhead.running() == {}

    run(work())


def test_more_calls_than_places_are_refused_at_once_and_the_others_run_side_by_side() -> None:
    limits = Limits(concurrency=3)

    async def work() -> tuple[list[Any], float]:
        async def slow(_request: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.3)
            writer.write(OK)

        async with peer(slow) as other:
            loop = asyncio.get_running_loop()
            started = loop.time()
            calls = [send(other.target(), Outgoing("GET", other.url(), []), limits=limits) for _ in range(5)]
            return await asyncio.gather(*calls, return_exceptions=True), loop.time() - started

    results, took = run(work())
    refused = [result for result in results if isinstance(result, Unavailable)]
    assert [error.code for error in refused] == ["upstream_busy"] * 2
    assert refused[0].headers["Retry-After"] == "1"
    assert took < 0.8


def test_five_hundreds_open_the_breaker_and_refusals_of_ours_do_not() -> None:
    async def work() -> None:
        async with peer(says(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")) as other:
            for _ in range(20):
                with pytest.raises(Malformed):
                    await send(other.target(), Outgoing("GET", "http://evil.example/", []), limits=PATIENT)
            for _ in range(6):
                assert (await send(other.target(), Outgoing("GET", other.url(), []), limits=PATIENT)).status == 500
            with pytest.raises(Unavailable) as caught:
                await send(other.target(), Outgoing("GET", other.url(), []), limits=PATIENT)
            assert caught.value.code == "circuit_open"
            assert 1 <= int(caught.value.headers["Retry-After"]) <= 30
            assert len(other.requests) == 6
            assert breaker.states() == {"peer": "open"}
            await send(other.target(name="another"), Outgoing("GET", other.url(), []), limits=PATIENT)

    run(work())


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "0177.1", "0x7f.1", "2130706433", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"],
)
def test_loopback_in_any_spelling_is_refused_without_a_connection(host: str) -> None:
    async def work() -> int:
        async with peer(says(OK)) as other:
            target = other.target(base_url=f"http://{host}:{other.port}", allow_loopback=False)
            with pytest.raises(UpstreamFailed) as caught:
                await send(target, Outgoing("GET", f"http://{host}:{other.port}/", []), limits=PATIENT)
            assert caught.value.code == "upstream_unreachable"
            return other.connections

    assert run(work()) == 0


def test_synchronous_callers_share_the_same_door() -> None:
    async def work() -> tuple[Answer, type[PortalError]]:
        async with peer(says(OK)) as other:
            outgoing = Outgoing("GET", other.url(), [])
            answer = await asyncio.to_thread(blocking.send, other.target(), outgoing, limits=PATIENT)
            with pytest.raises(PortalError) as caught:
                await asyncio.to_thread(blocking.send, other.target(allow_loopback=False), outgoing, limits=PATIENT)
            await asyncio.to_thread(blocking.stop)
            return answer, caught.type

    answer, kind = run(work())
    assert (answer.body, kind) == (b"ok", UpstreamFailed)


def test_session_keys_are_not_written_for_whoever_sets_a_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from upstream.connections import tls_context

    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    context: Any = tls_context()
    assert context.keylog_filename is None
    assert context.check_hostname
    assert not (tmp_path / "keys").exists()
