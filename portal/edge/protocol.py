"""uvicorn's HTTP/1.1 protocol with the bounds it leaves open: time and size of a head, the form of its target, trailers."""

from __future__ import annotations

import asyncio
import uuid
from http import HTTPStatus
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from portal.errors import HeaderFieldsTooLarge, Malformed
from portal.web.problem import CONTENT_TYPE, problem_document

HEAD_SECONDS = 10.0  # from the first byte (or the connection) to the end of the head
HEAD_BYTES = 65_536  # request line and fields together
HEAD_FIELDS = 100


class HeadTooLarge(Exception):
    """The head of a request passed HEAD_BYTES or HEAD_FIELDS; answered with 431, then closed."""


class StrictProtocol(HttpToolsProtocol):
    """Closes a connection whose head dribbles in or never ends; marks absolute-form targets (RFC 9112 §3.2.2) for the guard."""

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _head_ended = False
    _too_large = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        self._head_ended = False
        if self._head_timer is None:
            self._start_head_timer()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        if self._head_ended:
            # A trailer must not act as a field of the head (RFC 9110 §6.5.1): who is in front has not judged it.
            return
        if len(self.headers) >= HEAD_FIELDS:
            self._refuse_size()
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        self._head_ended = True
        if not self.url.startswith(b"/") and self.url != b"*":
            scope: dict[str, Any] = self.scope  # type: ignore[assignment]
            scope["extensions"] = {"portal.absolute_target": {}}
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """What follows a whole request and is no request must not cost that one its answer: it is answered, then closed."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first head was read
        if cycle is not None and not cycle.response_complete and not cycle.more_body:
            cycle.keep_alive = False
            self.flow.pause_reading()
            return
        self._answer_unreadable()

    def _answer_unreadable(self) -> None:
        """The refusal of what never became a request: no application sees it, so it is written here."""
        error = (
            HeaderFieldsTooLarge(f"The head is larger than {HEAD_BYTES:,} bytes or {HEAD_FIELDS} fields. Send fewer or shorter headers.")
            if self._too_large
            else Malformed("This is not an HTTP/1.1 request the portal can read. Look at the request line and the headers.")
        )
        number = str(uuid.uuid4())
        body = orjson.dumps(problem_document(error, number))
        # Every answer of the gateway names a call, also one that never became one.
        call = f"x-portal-call: {number}\r\n" if (getattr(self, "url", None) or b"").startswith(b"/gateway/") else ""
        head = (
            f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {len(body)}\r\n"
            f"cache-control: no-store\r\nx-content-type-options: nosniff\r\nx-portal-origin: portal\r\n{call}connection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()

    def _refuse_size(self) -> None:
        self._too_large = True
        raise HeadTooLarge

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES:
            self._refuse_size()

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_too_slow)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_too_slow(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()
