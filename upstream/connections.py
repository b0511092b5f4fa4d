"""Sockets: names are resolved once for each connection, every address is judged, and judged again where it is dialled."""

from __future__ import annotations

import asyncio
import socket
import ssl
import weakref
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from upstream.addresses import Reach

# Shorter than the idle timeout of ordinary servers, so that a kept connection is rarely closed under a request.
KEEP_ALIVE_SECONDS = 4.0
MOST_SESSIONS = 64
# A name server that hangs may hold these threads, and nobody else's.
_resolving = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")


class AddressRefused(OSError):
    """No connection was opened: the target may not be reached at this address. The text says which and why."""


class JudgingResolver(AbstractResolver):
    """Resolves a name and refuses all of its addresses when one of them is refused."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(_resolving, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
        results: list[ResolveResult] = []
        for found_family, _type, protocol, _canonical, address in found:
            number = str(address[0])
            if reason := self.reach.refusal(number, port):
                raise AddressRefused(reason)
            results.append(
                ResolveResult(
                    hostname=host,
                    host=number,
                    port=port,
                    family=found_family,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        return results

    async def close(self) -> None:
        return None


def _judging_socket_factory(reach: Reach) -> Any:
    def open_socket(address_information: Any) -> socket.socket:
        # Numeric hosts never pass the resolver; this is where every connection passes.
        family, kind, protocol, _canonical, address = address_information
        if reason := reach.refusal(str(address[0]), int(address[1])):
            raise AddressRefused(reason)
        return socket.socket(family, kind, protocol)

    return open_socket


def tls_context() -> ssl.SSLContext:
    """Verification against the system's certificates (``SSL_CERT_FILE`` is honoured by OpenSSL), TLS 1.2 and later.

    Not ``ssl.create_default_context``: that one writes session keys where ``SSLKEYLOGFILE`` says.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    return context


def _timing() -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()

    async def started(_session: aiohttp.ClientSession, context: SimpleNamespace, _parameters: Any) -> None:
        context.trace_request_ctx.connect_started = asyncio.get_running_loop().time()

    async def ended(_session: aiohttp.ClientSession, context: SimpleNamespace, _parameters: Any) -> None:
        context.trace_request_ctx.connect_ended = asyncio.get_running_loop().time()

    trace.on_connection_create_start.append(started)
    trace.on_connection_create_end.append(ended)
    return trace


@dataclass(slots=True)
class _Loop:
    """The sessions of one event loop: one for each set of addresses, because kept connections must not cross it."""

    tls: ssl.SSLContext = field(default_factory=tls_context)
    sessions: OrderedDict[Reach, aiohttp.ClientSession] = field(default_factory=OrderedDict)


_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = weakref.WeakKeyDictionary()


async def session_for(reach: Reach) -> aiohttp.ClientSession:
    """The session of this event loop that dials what ``reach`` allows, and nothing else."""
    loop = asyncio.get_running_loop()
    mine = _loops.get(loop)
    if mine is None:
        mine = _loops[loop] = _Loop()
    session = mine.sessions.get(reach)
    if session is None or session.closed:
        session = mine.sessions[reach] = _new_session(reach, mine.tls)
        await _retire_idle(mine)
    mine.sessions.move_to_end(reach)
    return session


def _new_session(reach: Reach, tls: ssl.SSLContext) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        resolver=JudgingResolver(reach),
        socket_factory=_judging_socket_factory(reach),
        use_dns_cache=False,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        limit=0,
        ssl=tls,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        trace_configs=[_timing()],
    )
    # A person's call goes out once. aiohttp would send an idempotent one again when a kept connection was closed under it.
    session._retry_connection = False
    return session


async def _retire_idle(mine: _Loop) -> None:
    """Rules change and old sets of addresses are never asked for again: keep the newest, close the oldest that is idle."""
    for reach in list(mine.sessions)[: max(0, len(mine.sessions) - MOST_SESSIONS)]:
        connector = mine.sessions[reach].connector
        if connector is None or not connector._acquired:
            await mine.sessions.pop(reach).close()


async def close_all() -> None:
    """Close every session of the running loop (shutdown, tests)."""
    mine = _loops.pop(asyncio.get_running_loop(), None)
    for session in mine.sessions.values() if mine else ():
        await session.close()
