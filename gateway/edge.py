"""The gateway's door: a plain ASGI handler that takes one call through its steps, in CONTRACT's order.

Waiting (bodies, the upstream, the writer) happens on the loop; everything that computes or asks the database runs in a
bounded pool of threads, one hop for all the steps before sending and one for all the steps after.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from gateway.actions import record_end, record_intent, record_refusal
from gateway.admission import admit
from gateway.completion import answer_body, answer_headers, check_answer, head_length
from gateway.exchange import Exchange
from gateway.mocking import mock_answer
from gateway.preparation import check, equip
from gateway.records import outcome_fields, request_fields
from gateway.writer import Writer
from identity.refusals import is_flood
from portal.errors import PayloadTooLarge, PortalError, Unavailable
from portal.web.asgi import ClientGone, Receive, Scope, Send, read_body, read_head, send_answer, send_problem
from tokens.actions import replace_rejected
from upstream.client import send as send_upstream
from upstream.messages import Answer, Limits, Outgoing

logger = structlog.get_logger(__name__)

Result = TypeVar("Result")
THREADS = 16
TOKEN_THREADS = 24
TOKENS_AT_ONCE = 6  # for one platform in one environment
MOST_CALLS = 1_000  # under way at once in this process; beyond it a caller is told to come back
MOST_READ_UNKNOWN = 500  # bodies read at once before it is known whose they are
SMALL_BODY = 65_536  # bytes read before the caller is known; a stranger cannot make the portal hold more
INTENT_SECONDS = 5.0
OUTCOME_SECONDS = 3.0


class InternalError(PortalError):
    """A bug of ours on the way of a call. The log has the trace, the record has the call."""


class Gateway:
    """``ANY /gateway/{environment}/{api}/{path}``."""

    def __init__(self) -> None:
        self._writer = Writer()
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="gateway")
        self._token_pool = ThreadPoolExecutor(max_workers=TOKEN_THREADS, thread_name_prefix="gateway-token")
        self._taking: dict[tuple[str, str], asyncio.Semaphore] = {}
        self._under_way = 0
        self._read_unknown = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(read_head(scope))
        try:
            await self._serve(exchange, receive, send)
        finally:
            self._under_way -= exchange.counted

    async def stop(self) -> None:
        """Write what is waiting and end the threads."""
        await asyncio.get_running_loop().run_in_executor(None, self._writer.stop)
        self._pool.shutdown(wait=True)
        self._token_pool.shutdown(wait=True)

    async def _serve(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        try:
            await self._until_sent(exchange, receive)
        except PortalError as error:
            exchange.error = error
        except ClientGone:
            exchange.client_gone = True
        except DatabaseError:
            logger.exception("database_away", call=str(exchange.id))
            exchange.error = Unavailable(
                "The portal's database does not answer, so nothing was sent. Try again in a moment.",
                code="unrecordable",
                headers={"Retry-After": "2"},
            )
        except Exception:  # the caller is answered and the call recorded, whatever broke
            logger.exception("gateway_failed", call=str(exchange.id))
            exchange.error = InternalError("Something went wrong on our side. It has been logged.")
        recorded = await self._finish(exchange)
        if exchange.client_gone:
            return
        late = [] if recorded else [("x-portal-recorded", "late")]
        if exchange.error is not None:
            origin = [("x-portal-origin", "portal"), *late]
            errors_own = {name.lower() for name in exchange.error.headers}
            origin.extend((name, value) for name, value in exchange.portal_headers() if name not in errors_own)
            await send_problem(send, exchange.error, exchange.request_id, origin)
        elif exchange.answer is not None:
            head = exchange.head.method == "HEAD"
            headers = [*answer_headers(exchange), *late, *(head_length(exchange) if head else ())]
            await send_answer(send, exchange.answer.status, headers, answer_body(exchange), has_length=head)

    async def _until_sent(self, exchange: Exchange, receive: Receive) -> None:
        """Every step up to the answer of the other side."""
        declared = exchange.head.declared_length
        if declared is not None and declared <= SMALL_BODY and self._read_unknown < MOST_READ_UNKNOWN:
            self._read_unknown += 1
            try:
                await self._read(exchange, receive, declared)
            finally:
                self._read_unknown -= 1
            self._take_place(exchange)
            fields = await self._in_thread(lambda: self._admit_and_check(exchange))
        else:
            # Whoever is nobody learns so before their body is waited for: bodies that never come keep nobody else out.
            await self._in_thread(lambda: admit(exchange))
            self._take_place(exchange)
            await self._read(exchange, receive, declared)
            fields = await self._in_thread(lambda: self._check(exchange))
        if fields is None:
            fields = await self._equip_apart(exchange)
        exchange.intent_entry = await self._intend(exchange, fields)
        await self._send_while_wanted(exchange, receive)

    def _take_place(self, exchange: Exchange) -> None:
        if self._under_way >= MOST_CALLS:
            raise Unavailable("Too many calls are under way. Try again in a moment.", code="gateway_busy", headers={"Retry-After": "1"})
        self._under_way += 1
        exchange.counted = 1

    async def _read(self, exchange: Exchange, receive: Receive, declared: int | None) -> None:
        started = time.perf_counter()
        try:
            exchange.body = await read_body(receive, limit=settings.REQUEST_BODY_LIMIT, declared=declared)
        except PayloadTooLarge as error:
            exchange.body_size = int(error.extra["size"])
            raise
        exchange.body_size = len(exchange.body)
        exchange.mark("body_ms", started)

    def _admit_and_check(self, exchange: Exchange) -> dict[str, Any] | None:
        admit(exchange)
        return self._check(exchange)

    def _check(self, exchange: Exchange) -> dict[str, Any] | None:
        """The record of the request, or None when a token has to be taken first."""
        started = time.perf_counter()
        check(exchange)
        exchange.mark("prepare_ms", started)
        return None if exchange.place is not None and exchange.place.principals else self._equip(exchange)

    def _equip(self, exchange: Exchange) -> dict[str, Any]:
        started = time.perf_counter()
        equip(exchange)
        exchange.mark("token_ms", started)
        return request_fields(exchange)

    async def _equip_apart(self, exchange: Exchange) -> dict[str, Any]:
        """Tokens are taken in threads of their own, a few for each platform: a token endpoint that hangs holds nobody else's."""
        name = (exchange.place.platform, exchange.place.environment) if exchange.place is not None else ("", "")
        async with self._taking.setdefault(name, asyncio.Semaphore(TOKENS_AT_ONCE)):
            return await asyncio.get_running_loop().run_in_executor(self._token_pool, _with_connection, lambda: self._equip(exchange))

    async def _intend(self, exchange: Exchange, fields: dict[str, Any]) -> int:
        started = time.perf_counter()
        exchange.intent_tried = True
        try:
            entry = await self._writer.write(lambda: record_intent(exchange=exchange, fields=fields), seconds=INTENT_SECONDS)
        except Exception as error:
            logger.exception("unrecordable", call=str(exchange.id))
            raise Unavailable(
                "The call cannot be recorded now, so it was not sent. Try again in a moment.",
                code="unrecordable",
                headers={"Retry-After": "2"},
            ) from error
        exchange.mark("intent_ms", started)
        return entry

    async def _send_while_wanted(self, exchange: Exchange, receive: Receive) -> None:
        """Send, and give up within a moment when the client goes away."""
        sending = asyncio.ensure_future(self._send(exchange))
        leaving = asyncio.ensure_future(_until_gone(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                raise ClientGone
            exchange.answer = sending.result()
        finally:
            leaving.cancel()
            if not sending.done():
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)

    async def _send(self, exchange: Exchange) -> Answer:
        if exchange.mocked:
            return await self._in_thread(lambda: mock_answer(exchange))
        outgoing, target = exchange.outgoing, exchange.target
        if outgoing is None or target is None:
            raise ValueError("the request comes first")
        limits = Limits(body=settings.RESPONSE_BODY_LIMIT, total=settings.UPSTREAM_SECONDS, first_byte=settings.UPSTREAM_SECONDS)
        answer = await send_upstream(target, outgoing, limits=limits)
        if answer.status == 401 and exchange.leased is not None:
            # The platform knows better than we do that a token is dead: one new one, one more try.
            leased = exchange.leased
            replacement = await self._in_thread(lambda: replace_rejected(leased, leased.value))
            if replacement is not None:
                exchange.leased = replacement
                answer = await send_upstream(target, _with_token(outgoing, replacement.value), limits=limits)
        exchange.timings |= {
            "connect_ms": round(answer.connect_ms, 3),
            "first_byte_ms": round(answer.first_byte_ms, 3),
            "upstream_ms": round(answer.total_ms, 3),
        }
        return answer

    async def _finish(self, exchange: Exchange) -> bool:
        """Check the answer, record the outcome; False when the record comes late."""
        try:
            fields = await self._in_thread(lambda: self._conclude(exchange))
            if fields is None:
                return True
            run = record_end if exchange.intent_tried else record_refusal
            await self._writer.write(lambda: run(exchange=exchange, fields=fields), seconds=OUTCOME_SECONDS, keep=True)
        except Exception:  # the answer is there and its intent is recorded; the sweep closes what stays open
            logger.exception("outcome_late", call=str(exchange.id))
            return False
        return True

    def _conclude(self, exchange: Exchange) -> dict[str, Any] | None:
        """The columns of how it ended; None for a stranger's refusal in a flood of them."""
        if exchange.caller is None and is_flood(exchange.head.remote):
            return None
        if exchange.answer is not None and exchange.error is None:
            started = time.perf_counter()
            check_answer(exchange)
            answer_headers(exchange)
            exchange.mark("check_ms", started)
        exchange.mark("total_ms", exchange.started)
        known = {} if exchange.intent_entry is not None else request_fields(exchange)
        return known | outcome_fields(exchange)

    async def _in_thread(self, run: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._pool, _with_connection, run)


def _with_connection(run: Callable[[], Result]) -> Result:
    try:
        return run()
    finally:
        # SQLite's stays open for the next call of this thread, PostgreSQL's goes back to the pool.
        close_old_connections()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


def _with_token(outgoing: Outgoing, value: str) -> Outgoing:
    headers = [(name, f"Bearer {value}" if name == "authorization" else text) for name, text in outgoing.headers]
    return Outgoing(method=outgoing.method, url=outgoing.url, headers=headers, body=outgoing.body)
