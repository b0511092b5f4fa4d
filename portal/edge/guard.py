"""The guard: framing, Host, body size and body time, before any application sees the request.

Servers leave these open: uvicorn takes two Host headers, none waits less than for ever for a body that was announced,
and Django spools a body before a view may refuse it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

import structlog

from portal.errors import Malformed, PayloadTooLarge, PortalError, RequestTimeout
from portal.web.asgi import Application, Message, Receive, Scope, Send, send_problem, too_large

logger = structlog.get_logger(__name__)

BODY_SECONDS = 10.0  # from the end of the head to the end of the body
LINGER_SECONDS = 1.0  # how long the rest of a refused body is still taken in, so that the refusal can be read
LINGER_BYTES = 4_194_304
ORIGIN = ("x-portal-origin", "portal")  # CONTRACT, "The gateway": every answer says who made it


class Guard:
    """Wraps an application.

    ``body_limit(path)`` is the largest body in bytes, or None where the application counts itself; ``host_allowed(host)`` judges
    the Host field. A body that is late or too large is a PortalError out of ``receive``: the application may answer it in its
    own way, and otherwise the guard does.
    """

    def __init__(
        self,
        application: Application,
        *,
        body_limit: Callable[[str], int | None],
        host_allowed: Callable[[str], bool] = lambda host: True,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self.application = application
        self.body_limit = body_limit
        self.host_allowed = host_allowed
        self.body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        body = _Body(scope, receive, send, limit=self.body_limit(scope["path"]), seconds=self.body_seconds)
        refusal = framing_refusal(scope) or self._host_refusal(scope)
        if refusal is not None:
            await send_problem(body.send, refusal, *_named(scope, [("connection", "close"), ORIGIN]))
            return
        try:
            await self.application(scope, body.receive, body.send)
        except PortalError as refused:
            if not body.answered:
                await send_problem(body.send, refused, *_named(scope, [ORIGIN]))

    def _host_refusal(self, scope: Scope) -> PortalError | None:
        host = next(value for name, value in scope["headers"] if name == b"host").decode("latin-1")
        return None if self.host_allowed(host) else Malformed("The portal does not answer under this Host.", code="malformed_host")


def _named(scope: Scope, headers: list[tuple[str, str]]) -> tuple[str, list[tuple[str, str]]]:
    """A request id, and the headers with a call's id where one was meant: what was refused here has a line in the log, no record."""
    number = str(uuid.uuid4())
    logger.info("refused_at_the_door", request_id=number, path=str(scope.get("path", ""))[:200])
    return number, [*headers, ("x-portal-call", number)] if str(scope.get("path", "")).startswith("/gateway/") else headers


def framing_refusal(scope: Scope) -> PortalError | None:
    """What is ambiguous about where this request goes or ends (RFC 9112 §3.2, §6.1), or None."""
    if "portal.absolute_target" in (scope.get("extensions") or {}):
        return Malformed("The request target is a whole URL. Send the path only.", code="malformed_target")
    names = [name for name, _ in scope["headers"]]
    if (hosts := names.count(b"host")) != 1:
        return Malformed(f"The request has {hosts} Host headers; it needs exactly one.", code="malformed_host")
    encodings = [value.strip().lower() for name, value in scope["headers"] if name == b"transfer-encoding"]
    if encodings and b"content-length" in names:
        return Malformed("The request has both Content-Length and Transfer-Encoding.", code="ambiguous_framing")
    if encodings and encodings != [b"chunked"]:
        return Malformed("The only transfer encoding taken is chunked.", code="ambiguous_framing")
    if names.count(b"content-length") > 1:
        return Malformed("The request has more than one Content-Length.", code="ambiguous_framing")
    return None


class _Body:
    """One request's body, counted and timed; and its answer, which closes the connection when the body was not read to its end."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, limit: int | None, seconds: float) -> None:
        self._receive = receive
        self._send = send
        self._limit = limit
        self._size = 0
        self._deadline = asyncio.get_running_loop().time() + seconds
        fields = dict(scope["headers"])
        self._ended = b"transfer-encoding" not in fields and fields.get(b"content-length", b"0") == b"0"
        self._asked_first = b"expect" in fields  # asking for the body would invite it (100 Continue)
        self.answered = False

    async def receive(self) -> Message:
        if self._ended:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise RequestTimeout("The body did not arrive in time. Send the request again.") from None
        if message["type"] != "http.request":
            self._ended = True
            return message
        self._size += len(message.get("body", b""))
        self._ended = not message.get("more_body", False)
        if self._limit is not None and self._size > self._limit:
            raise self._over_limit(self._limit)
        return message

    def _over_limit(self, limit: int) -> PayloadTooLarge:
        return too_large(limit=limit, size=self._size)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.answered = True
            if not self._ended and not self._asked_first:
                await self._look_for_end()
            if not self._ended:
                kept = [(name, value) for name, value in message["headers"] if name.lower() != b"connection"]
                message = {**message, "headers": [*kept, (b"connection", b"close")]}
        elif message["type"] == "http.response.body" and not self._ended and not message.get("more_body", False):
            # Closing now would reset the connection under the client's feet and lose the answer it has not read yet.
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _look_for_end(self) -> None:
        """Take what has already arrived: the body may be there whole, only unread."""
        try:
            async with asyncio.timeout(0):
                message = await self._receive()
        except TimeoutError:
            return
        self._size += len(message.get("body", b""))
        self._ended = message["type"] != "http.request" or not message.get("more_body", False)

    async def _linger(self) -> None:
        stop_at = self._size + LINGER_BYTES
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while not self._ended and self._size < stop_at:
                    message = await self._receive()
                    self._size += len(message.get("body", b""))
                    self._ended = message["type"] != "http.request" or not message.get("more_body", False)
        except TimeoutError:
            return
