"""The door in: ``ANY /in/{token}``, a plain ASGI handler. The sender learns the status and nothing else."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from harness.actions.receiving import Incoming, receive
from harness.models import HookEndpoint
from harness.selectors import Opened, endpoint_for_sender
from portal.errors import (
    Gone,
    Malformed,
    MethodNotAllowed,
    NotFound,
    PortalError,
    QuotaExceeded,
    SignatureRefused,
    Unauthenticated,
    Unavailable,
)
from portal.web.asgi import ClientGone, Head, Receive, Scope, Send, read_body, read_head, send_answer, send_problem
from quotas.actions import Window, spend

logger = structlog.get_logger(__name__)

Result = TypeVar("Result")
PREFIX = "/in/"
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
THREADS = 8
MOST_UNDER_WAY = 256
PER_SECOND, PER_MINUTE = 20, 300  # deliveries to one endpoint
SENDER_PER_MINUTE = 200  # of those from one address, so that no sender can use up what the others need
# Refusals of what a stranger could probe for take at least this long, whichever it was.
FLOOR_SECONDS = 0.05

_pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="in")
_under_way = 0


async def application(scope: Scope, receive_message: Receive, send: Send) -> None:
    """Answer one delivery: 200, or a problem whose text is the same for every cause of its status."""
    global _under_way
    loop = asyncio.get_running_loop()
    started = loop.time()
    request_id = str(uuid.uuid4())
    _under_way += 1
    try:
        await _serve(read_head(scope), receive_message, request_id)
    except ClientGone:
        return
    except PortalError as error:
        if isinstance(error, (NotFound, Gone, Unauthenticated)):
            await asyncio.sleep(FLOOR_SECONDS - (loop.time() - started))
        await send_problem(send, error, request_id)
    except (DatabaseError, OSError):
        logger.exception("delivery_not_stored")
        await send_problem(send, _not_stored(), request_id)
    else:
        await send_answer(send, 200, [("content-type", "application/json"), ("cache-control", "no-store")], b'{"received":true}')
    finally:
        _under_way -= 1


async def _serve(head: Head, receive_message: Receive, request_id: str) -> None:
    if head.method != "POST":
        raise MethodNotAllowed("Send POST to this address.", headers={"Allow": "POST"})
    token = head.path.removeprefix(PREFIX)
    if not TOKEN.fullmatch(token):
        raise NotFound("There is nothing at this address.", code="unknown_hook")
    if _under_way > MOST_UNDER_WAY:
        raise Unavailable("Too many deliveries are under way. Send it again.", code="webhook_busy", headers={"Retry-After": "2"})
    declared = head.declared_length
    if declared is not None and declared > settings.WEBHOOK_BODY_LIMIT:
        await read_body(receive_message, limit=settings.WEBHOOK_BODY_LIMIT, declared=declared)
    endpoint = await _in_thread(lambda: _admit(token, head.remote))
    body = await read_body(receive_message, limit=settings.WEBHOOK_BODY_LIMIT, declared=declared)
    incoming = Incoming(headers=head.headers, query=head.query, body=body, remote=head.remote, request_id=request_id)
    try:
        delivery = await _in_thread(lambda: receive(endpoint_id=endpoint.id, incoming=incoming))
    except HookEndpoint.DoesNotExist:
        raise Gone("This address is no longer used.", code="hook_deleted") from None
    if delivery.status == 401:
        raise SignatureRefused("The signature was not accepted. The webhook's owner sees why on the bench.")
    if delivery.status == 400:
        raise Malformed("The delivery was not accepted.", code="delivery_malformed")


def _admit(token: str, remote: str) -> Opened:
    """The endpoint, with one delivery taken from its quota. Raises NotFound, Gone, QuotaExceeded."""
    endpoint = endpoint_for_sender(token)
    windows = [
        Window("webhook-second", f"hook:{endpoint.id}", PER_SECOND, 1),
        Window("webhook-minute", f"hook:{endpoint.id}", PER_MINUTE, 60),
        Window("webhook-sender", f"hook:{endpoint.id}:{remote}", SENDER_PER_MINUTE, 60),
    ]
    try:
        spend(windows, subject_name=endpoint.name)
    except QuotaExceeded as error:
        # How much is allowed is for the owner to know.
        raise QuotaExceeded("Too many deliveries. Send it again later.", headers={"Retry-After": error.headers["Retry-After"]}) from None
    return endpoint


def _not_stored() -> Unavailable:
    return Unavailable("The delivery could not be stored. Send it again.", code="not_stored", headers={"Retry-After": "5"})


async def _in_thread(run: Callable[[], Result]) -> Result:
    return await asyncio.get_running_loop().run_in_executor(_pool, _with_connection, run)


def _with_connection(run: Callable[[], Result]) -> Result:
    try:
        return run()
    finally:
        # SQLite's stays open for the next delivery of this thread, PostgreSQL's goes back to the pool.
        close_old_connections()
