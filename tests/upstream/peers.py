"""A real server on loopback whose every byte a test decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from upstream import breaker, connections
from upstream.messages import Target

Behaviour = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Peer:
    port: int = 0
    connections: int = 0
    closed_by_client: int = 0
    requests: list[bytes] = field(default_factory=list)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def target(self, **changes: Any) -> Target:
        values: dict[str, Any] = {"name": "peer", "base_url": f"http://127.0.0.1:{self.port}", "allow_loopback": True}
        return Target(**(values | changes))


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    return head + (await reader.readexactly(length) if length else b"")


@asynccontextmanager
async def peer(behave: Behaviour) -> AsyncIterator[Peer]:
    """Calls ``behave(request, reader, writer)`` for each request; the connection is kept until either side ends it."""
    state = Peer()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.connections += 1
        try:
            while True:
                request = await read_request(reader)
                state.requests.append(request)
                await behave(request, reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            state.closed_by_client += 1
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        await connections.close_all()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        breaker.reset()


def says(*parts: bytes, pause: float = 0.0) -> Behaviour:
    async def behave(_request: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)

    return behave


def then_closes(behave: Behaviour) -> Behaviour:
    async def behave_and_close(request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await behave(request, reader, writer)
        writer.close()
        raise ConnectionResetError

    return behave_and_close


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"
