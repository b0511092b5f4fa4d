"""A platform that misbehaves on demand: a raw loopback server whose path says what it does.

It also plays the token endpoint (``/oauth/token``). Everything it received is kept, so that a test can say what left the
portal, and that nothing did.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

JSON = b"Content-Type: application/json\r\n"
BOMB = gzip.compress(b"\x00" * 200_000_000, 9)


@dataclass
class Received:
    """One request as it arrived."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass
class Platform:
    """The running server."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    tokens: int = 0
    refuse_tokens: bool = False
    open_connections: int = 0
    _rejected_once: set[str] = field(default_factory=set)

    @property
    def calls(self) -> list[Received]:
        """What reached the platform itself, token requests left out."""
        return [one for one in self.received if not one.target.startswith("/oauth/")]

    def forget(self) -> None:
        self.received.clear()
        self._rejected_once.clear()
        self.refuse_tokens = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_connections += 1
        try:
            while (received := await _read(reader)) is not None:
                self.received.append(received)
                if not await self._answer_while_wanted(received, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side, or the test, has ended it
        finally:
            self.open_connections -= 1
            writer.close()

    async def _answer_while_wanted(self, received: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        answering = asyncio.ensure_future(self._answer(received, writer))
        leaving = asyncio.ensure_future(reader.read(1))
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        await asyncio.wait({leaving})
        if not answering.done():
            answering.cancel()
            return False
        return answering.result()

    async def _answer(self, received: Received, writer: asyncio.StreamWriter) -> bool:
        """Answer; True when the connection stays open."""
        path = received.target.partition("?")[0]
        if path == "/oauth/token":
            return await self._token(writer)
        if path.endswith("/rejected-once"):
            bearer = received.header("authorization") or ""
            if not self._rejected_once:
                self._rejected_once.add(bearer)
                return await _send(writer, 401, JSON, b'{"message": "token expired"}')
            if bearer in self._rejected_once:
                return await _send(writer, 401, JSON, b'{"message": "the same token again"}')
            return await _send(writer, 200, JSON, b'{"id": "1", "name": "fresh"}')
        behave = BEHAVIOURS.get(path.rsplit("/", 1)[-1])
        if behave is not None:
            return await behave(writer)
        if received.method == "HEAD":
            length = b"" if path.endswith("/unsaid") else b"Content-Length: 4711\r\n"
            writer.write(b"HTTP/1.1 200 OK\r\n%s%s\r\n" % (JSON, length))
            await writer.drain()
            return True
        if received.method == "POST":
            return await _send(writer, 201, JSON, b'{"id": "1", "name": "made"}')
        return await _send(writer, 200, JSON, b'{"id": "1", "name": "Ada"}')

    async def _token(self, writer: asyncio.StreamWriter) -> bool:
        if self.refuse_tokens:
            return await _send(writer, 401, JSON, b'{"error": "invalid_client"}')
        self.tokens += 1
        form = dict(pair.split("=", 1) for pair in self.received[-1].body.decode().split("&"))
        scope = form.get("scope", "").replace("+", " ").replace("%3A", ":").replace("%20", " ")
        answer = {"access_token": f"token-{self.tokens}", "token_type": "Bearer", "expires_in": 7200, "scope": scope}
        return await _send(writer, 200, JSON, json.dumps(answer).encode())


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:] if line)]
    size = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Received(method, target, headers, await reader.readexactly(size) if size else b"")


async def _send(writer: asyncio.StreamWriter, status: int, fields: bytes, body: bytes) -> bool:
    writer.write(b"HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s" % (status, fields, len(body), body))
    await writer.drain()
    return True


async def never(writer: asyncio.StreamWriter) -> bool:
    await asyncio.sleep(60)
    return False


async def drips(writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(600):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.1)
    return False


async def endless(writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
        await writer.drain()


async def bomb(writer: asyncio.StreamWriter) -> bool:
    return await _send(writer, 200, JSON + b"Content-Encoding: gzip\r\n", BOMB)


async def gzipped(writer: asyncio.StreamWriter) -> bool:
    return await _send(writer, 200, JSON + b"Content-Encoding: gzip\r\n", gzip.compress(b'{"id": "1", "name": "Ada"}'))


async def members(writer: asyncio.StreamWriter) -> bool:
    body = gzip.compress(b'{"id": "1", "name": "Ada"}') + gzip.compress(b"EVIL")
    return await _send(writer, 200, JSON + b'Content-Encoding: gzip\r\nRateLimit: "a";r=1\r\nActivate-Storage-Access: load\r\n', body)


async def redirect(writer: asyncio.StreamWriter) -> bool:
    return await _send(writer, 302, b"Location: http://169.254.169.254/latest\r\n", b"")


async def reset(writer: asyncio.StreamWriter) -> bool:
    transport = writer.transport
    transport.abort()
    return False


async def cut(writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    return False


async def malformed(writer: asyncio.StreamWriter) -> bool:
    writer.write(b"this is no HTTP\r\n\r\n")
    await writer.drain()
    return False


async def wrong(writer: asyncio.StreamWriter) -> bool:
    return await _send(writer, 200, JSON, b'{"id": 7, "surprise": [1]}')


async def status999(writer: asyncio.StreamWriter) -> bool:
    return await _send(writer, 999, JSON, b"{}")


async def twice(writer: asyncio.StreamWriter) -> bool:
    poison = b'{"id": "666", "name": "POISON"}'
    body = b'{"id": "1", "name": "mine"}'
    one = b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s"
    writer.write(one % (JSON, len(body), body) + one % (JSON, len(poison), poison))
    await writer.drain()
    return True


async def cookies(writer: asyncio.StreamWriter) -> bool:
    fields = b"Set-Cookie: sid=alice-secret; Path=/\r\nStrict-Transport-Security: max-age=1\r\nX-Portal-Origin: portal\r\n"
    return await _send(writer, 200, JSON + fields, b'{"id": "1", "name": "Ada"}')


async def fails(writer: asyncio.StreamWriter) -> bool:
    return await _send(writer, 503, JSON, b'{"message": "down"}')


async def unauthorized(writer: asyncio.StreamWriter) -> bool:
    return await _send(writer, 401, JSON + b"WWW-Authenticate: Basic realm=x\r\n", b'{"message": "no"}')


async def slow(writer: asyncio.StreamWriter) -> bool:
    await asyncio.sleep(0.2)
    return await _send(writer, 200, JSON, b'{"id": "1", "name": "slow"}')


async def page(writer: asyncio.StreamWriter) -> bool:
    return await _send(writer, 200, b"Content-Type: text/html\r\n", b"<script>alert(1)</script>")


Behaviour = Callable[[asyncio.StreamWriter], Awaitable[bool]]
BEHAVIOURS: dict[str, Behaviour] = {
    "never": never,
    "drips": drips,
    "endless": endless,
    "bomb": bomb,
    "gzipped": gzipped,
    "members": members,
    "redirect": redirect,
    "reset": reset,
    "cut": cut,
    "malformed": malformed,
    "wrong": wrong,
    "status999": status999,
    "twice": twice,
    "cookies": cookies,
    "fails": fails,
    "unauthorized": unauthorized,
    "slow": slow,
    "page": page,
}


@contextlib.contextmanager
def running() -> Iterator[Platform]:
    """Start the platform on a free loopback port, in a thread with a loop of its own."""
    platform = Platform()
    ready, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        server = await asyncio.start_server(platform.serve, "127.0.0.1", 0)
        platform.port = server.sockets[0].getsockname()[1]
        loops.append(asyncio.get_running_loop())
        ready.set()
        await stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield platform
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(timeout=10)
        assert not thread.is_alive()


def wait_until(condition: Callable[[], bool], *, seconds: float = 5.0) -> bool:
    """Whether ``condition`` became true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
