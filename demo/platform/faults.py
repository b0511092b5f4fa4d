"""Faults that can be switched on: what a platform does on a bad day, so that the portal can be seen to bear it.

``PUT /_faults`` takes one fault or a list of them and replaces those that were on; ``[]`` or ``DELETE`` ends them::

    {"kind": "status", "status": 503}                     a 5xx (or any other status) with the platform's error body
    {"kind": "delay", "seconds": 0.2}                     the right answer, late
    {"kind": "timeout"}                                   no answer at all, until the caller gives up
    {"kind": "reset"}                                     the connection is reset before the answer
    {"kind": "cut"}                                       half of the promised body, then the end of the connection
    {"kind": "malformed_json"}                            a JSON answer that is none
    {"kind": "wrong_schema"}                              well-formed JSON the document does not describe
    {"kind": "unauthorized", "times": 1}                  401, once
    {"kind": "redirect", "location": "http://127.0.0.2/"} 302 to somewhere else
    {"kind": "endless"}                                   a body that does not end
    {"kind": "gzip_bomb"}                                 100 MB of zeros in 100 KB
    {"kind": "hostile_headers"}                           headers meant for the browser behind the portal

``times`` bounds how often it strikes; ``platform``, ``environment`` and ``path`` (a part of it) bound where.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from aiohttp import web

HOSTILE_HEADERS = {
    "Set-Cookie": "session=stolen; Path=/",
    "Strict-Transport-Security": "max-age=1",
    "Content-Security-Policy": "default-src *",
    "Clear-Site-Data": '"cookies"',
    "Access-Control-Allow-Origin": "*",
    "Refresh": "0; url=http://127.0.0.2/",
    "Service-Worker-Allowed": "/",
    "X-Portal-Origin": "portal",
}
KINDS = frozenset(
    ["status", "delay", "timeout", "reset", "cut", "malformed_json", "wrong_schema", "unauthorized", "redirect", "endless"]
    + ["gzip_bomb", "hostile_headers"]
)
TIMEOUT_SECONDS = 120.0
BOMB_BYTES = 100_000_000


class FaultRefused(ValueError):
    """A fault that does not exist or is described wrongly."""


@dataclass(slots=True)
class Fault:
    """One fault, with how often and where it strikes. ``times`` below zero means always."""

    kind: str
    status: int = 503
    seconds: float = 0.2
    location: str = "http://127.0.0.2/elsewhere"
    times: int = -1
    platform: str = ""
    environment: str = ""
    path: str = ""

    def strikes(self, *, platform: str, environment: str, path: str) -> bool:
        here = self.platform in {"", platform} and self.environment in {"", environment} and self.path in path
        return self.times != 0 and here


class Faults:
    """The faults that are on."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def replace(self, wanted: Any) -> None:
        """Switch to ``wanted``: a fault or a list of them. Raises FaultRefused and changes nothing when one is wrong."""
        descriptions = wanted if isinstance(wanted, list) else [wanted]
        try:
            faults = [Fault(**description) for description in descriptions]
        except TypeError as error:
            raise FaultRefused(str(error)) from None
        if unknown := {fault.kind for fault in faults} - KINDS:
            raise FaultRefused(f"unknown kind {', '.join(sorted(unknown))}; there are {', '.join(sorted(KINDS))}")
        self._faults = faults

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._faults]

    def take(self, *, platform: str, environment: str, path: str) -> Fault | None:
        """The first fault that strikes this request; it counts as used."""
        for fault in self._faults:
            if fault.strikes(platform=platform, environment=environment, path=path):
                fault.times -= 1 if fault.times > 0 else 0
                return fault
        return None


async def strike(fault: Fault, request: web.Request, right: web.Response) -> web.StreamResponse:
    """What the caller gets instead of ``right``. ``status`` and ``unauthorized`` are made by the caller of this."""
    match fault.kind:
        case "delay":
            await asyncio.sleep(fault.seconds)
            return right
        case "timeout":
            await asyncio.sleep(TIMEOUT_SECONDS)
            return right
        case "reset":
            if request.transport is not None:
                request.transport.abort()
            return right
        case "malformed_json":
            return web.Response(status=200, body=b'{"entities": [', content_type="application/json")
        case "wrong_schema":
            # A list for an object and an object for anything else: many schemas require nothing of an object's members.
            was_object = isinstance(right.body, bytes) and right.body.startswith(b"{")
            wrong = ["unexpected", 1, None] if was_object else {"unexpected": [1, None]}
            return web.Response(status=right.status, body=json.dumps(wrong), content_type="application/json")
        case "redirect":
            return web.Response(status=302, headers={"Location": fault.location})
        case "hostile_headers":
            right.headers.update(HOSTILE_HEADERS)
            return right
        case "gzip_bomb":
            return web.Response(body=bomb(), headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
        case "cut":
            return await cut(request)
        case _:
            return await endless(request)


async def cut(request: web.Request) -> web.StreamResponse:
    """Promise 1,000 bytes, send 20, end the connection."""
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"entities": [{"id":')
    if request.transport is not None:
        request.transport.close()
    return response


async def endless(request: web.Request) -> web.StreamResponse:
    """A JSON list that goes on until the caller hangs up."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(b"[0")
    while True:
        await response.write(b",0" * 2048)
        await asyncio.sleep(0.001)


@lru_cache(maxsize=1)
def bomb() -> bytes:
    """``BOMB_BYTES`` zeros, compressed a thousandfold."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(bytes(1_000_000)) for _ in range(BOMB_BYTES // 1_000_000))
    return packed + packer.flush()
