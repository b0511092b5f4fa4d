"""uvicorn's HTTP/1.1 protocol with the bounds it leaves open: time and size of a head, and the form of its target."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS = 10.0  # from the first byte (or the connection) to the end of the head
HEAD_BYTES = 65_536  # request line and fields together
HEAD_FIELDS = 100


class HeadTooLarge(Exception):
    """The head of a request passed HEAD_BYTES or HEAD_FIELDS. The parser turns it into 400 and closes."""


class StrictProtocol(HttpToolsProtocol):
    """Closes a connection whose head dribbles in or never ends; marks absolute-form targets (RFC 9112 §3.2.2) for the guard."""

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        if self._head_timer is None:
            self._start_head_timer()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        if len(self.headers) >= HEAD_FIELDS:
            raise HeadTooLarge
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
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
        super().send_400_response(msg)

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES:
            raise HeadTooLarge

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
