"""Sending a recorded call again: the same request, by the same person, through the same steps, in a named environment."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from uuid import UUID

from asgiref.sync import async_to_sync
from django.db import close_old_connections

from catalog.selectors import current_rules
from gateway.actions import record_replay
from gateway.addresses import PREFIX
from gateway.comparison import Comparison, compare
from gateway.edge import the_gateway
from gateway.exchange import SAFE_METHODS, Exchange
from gateway.fields import is_never_forwarded
from gateway.models import Call
from gateway.preparation import CONFIRM
from gateway.records import LONGEST_PATH, LONGEST_QUERY
from identity.callers import Caller
from portal.errors import Conflict, Invalid, NotFound, PortalError, Unavailable
from portal.web.asgi import Head, read_head
from upstream.masking import MASK

# Each holds a thread until the platform has answered, and pages need theirs.
MOST_AT_ONCE = 8
_places = threading.BoundedSemaphore(MOST_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Replayed:
    """The new call, and how its answer differs; or the ``error`` that it ended with instead of an answer.

    ``call`` is None while its record comes late, and then there is nothing to compare either.
    """

    id: UUID
    call: Call | None
    comparison: Comparison | None
    error: PortalError | None


def run_again(original: Call, environment: str, *, by: Caller, confirm: str = "") -> Replayed:
    """Send ``original`` again in ``environment`` and compare the answers.

    Raises Invalid ``unsafe_method``, Conflict ``call_masked`` or ``call_incomplete`` for a call that cannot be repeated as it
    was, NotFound ``unknown_environment`` and Unavailable ``gateway_busy``; then there is no new call.
    ``confirm`` is what a protected environment wants to hear before anything unchecked.
    """
    refuse_unrepeatable(original)
    if current_rules().environment(environment) is None:
        raise NotFound(f"There is no environment {environment[:100]!r}.", code="unknown_environment")
    head = head_of(original, environment, remote=by.actor.remote, confirm=confirm)
    exchange = Exchange(head, caller=by, replay_of=original.pk)
    if not _places.acquire(blocking=False):
        raise Unavailable("Too many calls are being run again. Try again in a moment.", code="gateway_busy", headers={"Retry-After": "2"})
    try:
        close_old_connections()  # the connection goes back to the pool while the platform is waited for
        # On the server's own event loop where this thread serves it, so the gateway's connections and bounds are one and the same.
        async_to_sync(the_gateway().run)(exchange)
    finally:
        _places.release()
    replay = Call.objects.filter(pk=exchange.id, finished_at__isnull=False).first()
    comparison = compare(original, replay) if replay is not None and exchange.error is None else None
    record_replay(original=original, exchange=exchange, by=by, equal=comparison.equal if comparison else None)
    return Replayed(exchange.id, replay, comparison, exchange.error)


def why_not(original: Call) -> str:
    """Why a call cannot be sent again, in words; "" when it can."""
    try:
        refuse_unrepeatable(original)
    except PortalError as error:
        return error.detail
    return ""


def refuse_unrepeatable(original: Call) -> None:
    """Only what changes nothing, and only what is recorded exactly as it was sent. Raises Invalid or Conflict."""
    if original.method not in SAFE_METHODS:
        raise Invalid(f"{original.method} may change something, so only a person sends it again: use its page.", code="unsafe_method")
    address = original.path + original.query
    if MASK in address:
        raise Conflict("The address of this call held a secret, which is masked in its record. Send it from its page.", code="call_masked")
    whole = len(original.path) < LONGEST_PATH and len(original.query) < LONGEST_QUERY and "\ufffd" not in address
    if not original.api or not whole or original.request_bytes:
        raise Conflict(
            "Not all of this call is kept as it was sent: its address, or a body. Send it from its page.", code="call_incomplete"
        )


def head_of(original: Call, environment: str, *, remote: str, confirm: str) -> Head:
    """The head of the call to make: the recorded headers that go to platforms and were not masked."""
    headers = [(name.lower(), value) for name, value in original.request_headers]
    sent = [(name, value) for name, value in headers if not is_never_forwarded(name) and MASK not in value]
    if confirm:
        sent.append((CONFIRM, confirm))
    path = f"{PREFIX}{environment}/{original.api}{original.path}"
    return read_head(
        {
            "method": original.method,
            "path": path,
            "raw_path": path.encode("latin-1", "replace"),
            "query_string": original.query.encode("latin-1", "replace"),
            "headers": [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in sent],
            "client": (remote, 0),
        }
    )


def left_out(original: Call) -> list[str]:
    """Names of headers that went to the platform and are not sent again, because their values are masked."""
    if original.state == Call.REFUSED:
        return []
    own = {"authorization"}  # the portal's, taken anew
    return sorted({name.lower() for name, value in original.request_headers if MASK in value} - own)
