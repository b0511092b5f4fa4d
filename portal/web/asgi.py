"""What a plain ASGI handler needs beside Django: the head of a request, its body counted, and answers.

The doors ``/gateway/`` and ``/in/`` stand beside Django, not inside it: its asynchronous stack costs six times the
processor time of a call and spools a body before anyone may look at its size.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import orjson

from portal.errors import Malformed, PayloadTooLarge, PortalError
from portal.web.problem import CONTENT_TYPE, problem_document

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


_WITHOUT_LENGTH = frozenset({204, 304})  # RFC 9110 §8.6


class ClientGone(Exception):
    """The client closed the connection before its answer was ready. There is nobody to answer."""


@dataclass(frozen=True, slots=True)
class Head:
    """A request before its body.

    ``path`` is as it was sent, still percent-encoded. ``headers`` keeps order and repetition, ``fields`` has each
    lower-case name once, repeated values joined with a comma (RFC 9110 §5.2; cookies with a semicolon).
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    fields: Mapping[str, str]
    remote: str

    @property
    def declared_length(self) -> int | None:
        """Bytes the client says it sends; 0 when it sends no body, None when it does not say."""
        if "transfer-encoding" in self.fields:
            return None
        value = self.fields.get("content-length", "0")
        if not (value.isascii() and value.isdigit()):
            raise Malformed("The Content-Length of the request is not a number.")
        return int(value)


def read_head(scope: Scope) -> Head:
    """The head of a request; header bytes are read as Latin-1, so nothing is lost or refused here."""
    headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
    fields: dict[str, str] = {}
    for name, value in headers:
        fields[name] = f"{fields[name]}{'; ' if name == 'cookie' else ', '}{value}" if name in fields else value
    raw_path = scope.get("raw_path") or str(scope["path"]).encode("utf-8")
    client = scope.get("client")
    return Head(
        method=scope["method"],
        path=raw_path.decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        fields=fields,
        remote=str(client[0]) if client else "",
    )


async def read_body(receive: Receive, *, limit: int, declared: int | None) -> bytes:
    """The whole body, counted while it arrives.

    Raises PayloadTooLarge as soon as ``limit`` bytes are passed, before anything is read when the client declares more,
    and ClientGone when the connection ends first.
    """
    if declared is not None and declared > limit:
        raise too_large(limit=limit, size=declared)
    if declared == 0:
        return b""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise too_large(limit=limit, size=size)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def too_large(*, limit: int, size: int) -> PayloadTooLarge:
    """The refusal of a body over ``limit``; ``size`` is what was declared or counted so far, in bytes."""
    return PayloadTooLarge(
        f"The body has {size:,} bytes or more; at most {limit:,} bytes are taken. Send less, or send it in parts.", limit=limit, size=size
    )


async def send_answer(send: Send, status: int, headers: Iterable[tuple[str, str]], body: bytes, *, has_length: bool = False) -> None:
    """Send a whole answer; names and values go out as Latin-1.

    ``Content-Length`` is added where there may be one, unless ``has_length``: the headers then say it, or there is none to say
    (an answer to HEAD states the length of what it does not carry).
    """
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
    if status not in _WITHOUT_LENGTH and not has_length:
        encoded.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


async def send_problem(send: Send, error: PortalError, request_id: str, headers: Iterable[tuple[str, str]] = ()) -> None:
    """Send ``error`` as a problem document (RFC 9457)."""
    body = orjson.dumps(problem_document(error, request_id), default=str)
    own = [("content-type", CONTENT_TYPE), ("cache-control", "no-store"), ("x-content-type-options", "nosniff")]
    await send_answer(send, error.status, [*own, *error.headers.items(), *headers], body)
