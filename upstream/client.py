"""The door out: one request to one judged place, in bounded time and space, with nothing remembered between callers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
from yarl import URL

from portal.errors import UpstreamFailed, UpstreamTimeout
from upstream import breaker, bulkhead
from upstream.addresses import Reach
from upstream.connections import AddressRefused, session_for
from upstream.messages import Answer, Limits, Outgoing, Target
from upstream.wire import check_outgoing

DEFAULT_LIMITS = Limits()
Cause = TypeVar("Cause", bound=BaseException)


@dataclass(slots=True)
class _Clock:
    """Moments of one call on the loop's clock, seconds."""

    started: float
    connect_started: float = 0.0
    connect_ended: float = 0.0
    first_byte: float = 0.0


async def send(target: Target, outgoing: Outgoing, *, limits: Limits = DEFAULT_LIMITS) -> Answer:
    """Send once; redirects, cookies, compression and retries are not ours.

    Raises Malformed (``url_refused``, ``header_refused``) and MethodNotAllowed (``method_refused``) before anything is opened; Unavailable
    (``circuit_open``, ``upstream_busy``); UpstreamFailed (``upstream_unreachable``: no connection, refused address, TLS;
    ``upstream_broken``: not HTTP, cut off, too many headers, a status outside 200–599); UpstreamTimeout
    (``upstream_timeout``). A cancelled call closes its connection.
    """
    check_outgoing(target, outgoing)
    guard = breaker.breaker_of(target.name)
    with bulkhead.place(target.name, most=limits.concurrency):
        permit = guard.acquire()
        try:
            answer = await _exchange(target, outgoing, limits)
            if answer.status >= 500:
                guard.failed(permit)
            else:
                guard.succeeded(permit)
        except (UpstreamFailed, UpstreamTimeout):
            guard.failed(permit)
            raise
        finally:
            # A caller who left, or a refusal of ours, says nothing about the target. No effect once it was told.
            guard.abandoned(permit)
    return answer


async def _exchange(target: Target, outgoing: Outgoing, limits: Limits) -> Answer:
    loop = asyncio.get_running_loop()
    clock = _Clock(started=loop.time())
    session = await session_for(Reach(target.networks, target.allow_loopback))
    try:
        async with asyncio.timeout_at(clock.started + limits.total):
            async with asyncio.timeout_at(clock.started + min(limits.first_byte, limits.total)):
                response = await session.request(
                    outgoing.method,
                    URL(outgoing.url, encoded=True),
                    data=outgoing.body or None,
                    headers=outgoing.headers,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect),
                    max_headers=limits.header_lines,
                    trace_request_ctx=clock,
                )
            clock.first_byte = loop.time()
            return await _read(response, target, limits, clock)
    except TimeoutError as error:
        raise _timeout(target, limits, clock, error) from None
    except (aiohttp.ClientError, OSError, ValueError, asyncio.IncompleteReadError) as error:
        raise _failure(target, error) from None


async def _read(response: aiohttp.ClientResponse, target: Target, limits: Limits, clock: _Clock) -> Answer:
    complete = False
    try:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers]
        _check_head(response.status, headers, target, limits)
        body, truncated = await _body(response, limits.body)
        complete = not truncated
    finally:
        if not complete:
            response.close()  # cut, broken, too slow or given up: this connection must not serve anybody else
    return Answer(
        status=response.status,
        headers=headers,
        body=body,
        truncated=truncated,
        connect_ms=(clock.connect_ended - clock.connect_started) * 1000,
        first_byte_ms=(clock.first_byte - clock.started) * 1000,
        total_ms=(asyncio.get_running_loop().time() - clock.started) * 1000,
    )


def _check_head(status: int, headers: list[tuple[str, str]], target: Target, limits: Limits) -> None:
    if not 200 <= status <= 599:
        raise _broken(target, f"it answered with the status {status}, which is none (200 to 599)")
    size = sum(len(name) + len(value) + 4 for name, value in headers)
    if size > limits.header_bytes or len(headers) > limits.header_lines:
        raise _broken(target, f"its header section is larger than {limits.header_bytes} bytes or {limits.header_lines} lines")


async def _body(response: aiohttp.ClientResponse, cap: int) -> tuple[bytes, bool]:
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > cap:
            return b"".join(parts)[:cap], True
    return (parts[0] if len(parts) == 1 else b"".join(parts)), False


def _timeout(target: Target, limits: Limits, clock: _Clock, error: TimeoutError) -> UpstreamTimeout:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        said = f"{target.name} did not take a connection within {limits.connect:g} s."
    elif clock.first_byte:
        said = f"{target.name} began to answer but did not end within {limits.total:g} s."
    else:
        said = f"{target.name} did not begin to answer within {min(limits.first_byte, limits.total):g} s."
    return UpstreamTimeout(said, code="upstream_timeout")


def _failure(target: Target, error: Exception) -> UpstreamFailed:
    if refused := _cause(error, AddressRefused):
        return _unreachable(target, str(refused))
    if isinstance(error, (aiohttp.ClientConnectorDNSError, aiohttp.InvalidURL)):
        return _unreachable(target, "its name cannot be resolved")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "") or "it does not vouch for this name"
        return _unreachable(target, f"its certificate was refused ({reason.rstrip('.')})")
    if isinstance(error, aiohttp.ClientSSLError):
        return _unreachable(target, "no TLS connection could be agreed on")
    if isinstance(error, aiohttp.ClientConnectorError):
        return _unreachable(target, error.strerror or "it refused the connection")
    if isinstance(error, aiohttp.ClientResponseError):
        return _broken(target, "what it sent is not HTTP")
    return _broken(target, "it cut the connection before its answer was complete")


def _cause(error: BaseException | None, kind: type[Cause]) -> Cause | None:
    while error is not None:
        if isinstance(error, kind):
            return error
        error = getattr(error, "os_error", None) or error.__cause__ or error.__context__
    return None


def _unreachable(target: Target, reason: str) -> UpstreamFailed:
    return UpstreamFailed(f"{target.name} cannot be reached: {reason.rstrip('.')}.", code="upstream_unreachable")


def _broken(target: Target, reason: str) -> UpstreamFailed:
    return UpstreamFailed(f"{target.name} answered wrongly: {reason}.", code="upstream_broken")
