"""A load generator: the same request over a number of connections for some seconds, and what came of it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from statistics import quantiles

import aiohttp


@dataclass(frozen=True, slots=True)
class Request:
    """One request to send again and again. ``expected`` is the status every answer must have."""

    name: str
    method: str
    path: str
    expected: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run measured. Milliseconds and requests a second."""

    requests: int
    p50: float
    p99: float
    per_second: float


class Unexpected(Exception):
    """An answer that was not the expected one: what is measured would not be what was meant."""


async def run(base: str, request: Request, *, connections: int, seconds: float, headers: dict[str, str] | None = None) -> Figures:
    """Send ``request`` below ``base`` over ``connections`` connections for ``seconds``, after a few to warm up."""
    latencies: list[float] = []
    fields = request.headers | (headers or {})
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector, trust_env=False, timeout=aiohttp.ClientTimeout(total=60)) as session:

        async def one() -> float:
            started = time.perf_counter()
            async with session.request(request.method, base + request.path, data=request.body or None, headers=fields) as response:
                body = await response.read()
                if response.status != request.expected:
                    raise Unexpected(f"{request.method} {base}{request.path} answered {response.status}: {body[:300]!r}")
            return time.perf_counter() - started

        async def caller(until: float) -> None:
            while time.perf_counter() < until:
                latencies.append(await one())

        for _ in range(3):
            await one()
        started = time.perf_counter()
        await asyncio.gather(*(caller(started + seconds) for _ in range(connections)))
        elapsed = time.perf_counter() - started
    return figures(latencies, elapsed)


def figures(latencies: list[float], elapsed: float) -> Figures:
    """Percentiles of ``latencies`` (seconds) and throughput over ``elapsed`` seconds."""
    if len(latencies) < 2:
        only = latencies[0] * 1000 if latencies else float("nan")
        return Figures(len(latencies), only, only, len(latencies) / elapsed)
    cuts = quantiles(latencies, n=100)
    return Figures(len(latencies), cuts[49] * 1000, cuts[98] * 1000, len(latencies) / elapsed)
