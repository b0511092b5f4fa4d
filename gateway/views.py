"""Pages: my calls, one call, and sending it again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from catalog.selectors import environments_for
from gateway import selectors
from gateway.models import Call
from gateway.replay import left_out, run_again, why_not
from identity.callers import SignedInRequest
from portal.errors import Unavailable
from portal.web.pages import render_page

STATES = {
    Call.ANSWERED: "answered",
    Call.REFUSED: "refused by the portal",
    Call.FAILED: "sent, no answer",
    Call.SENT: "under way",
    Call.UNKNOWN: "outcome unknown",
}


@require_safe
def calls(request: SignedInRequest) -> HttpResponse:
    """What I sent, newest first."""
    chosen = {name: request.GET.get(name, "")[:200] for name in ("environment", "api", "state")}
    rows, following = selectors.page_of(selectors.calls_of(request.caller, **chosen), before=_cursor(request.GET.get("cursor", "")))
    kept = {name: value for name, value in chosen.items() if value}
    context = {
        "calls": rows,
        "chosen": chosen,
        "filtered": bool(kept),
        "states": STATES,
        "choices": environments_for(request.caller.access),
        "next_url": f"{reverse('calls')}?{urlencode(kept | {'cursor': following})}" if following else "",
        "newest_url": f"{reverse('calls')}?{urlencode(kept)}" if request.GET.get("cursor") else "",
    }
    return render_page(request, "gateway/calls.html", context)


def _cursor(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@require_safe
def call(request: SignedInRequest, call_id: UUID) -> HttpResponse:
    """One call with everything that is kept of it."""
    found = selectors.call_for(request.caller, call_id)
    context: dict[str, Any] = {
        "call": found,
        "mine": found.account_id == request.caller.account_id,
        "state": STATES[found.state],
        "reads_log": request.caller.access.at_least("platform"),
        "request_text": pretty(found.request_body),
        "response_text": pretty(found.response_body),
        "hops": hops(found),
        "operation_url": _operation_url(found),
        "comparison": selectors.comparison_of(found),
        "left_out": left_out(found),
        "why_not_again": why_not(found),
        "choices": [one for one in environments_for(request.caller.access) if request.caller.access.may_read(one.name)],
        "schema_url": f"{reverse_or_empty('api', found)}/schemas?pointer=" if found.commit else "",
    }
    return render_page(request, "gateway/call.html", context)


@require_POST
def replay(request: SignedInRequest, call_id: UUID) -> HttpResponse:
    """Send a call of mine again; its own page says how it ended and how its answer differs."""
    original = selectors.own_call(request.caller, call_id)
    done = run_again(original, request.POST.get("environment", ""), by=request.caller, confirm=request.POST.get("confirm", ""))
    if done.call is None:
        raise Unavailable(f"The call was sent again, but its record comes late. Look at call {done.id} in a moment.")
    return HttpResponseRedirect(reverse("call", args=[done.id]))


def pretty(text: str) -> str:
    """JSON indented; anything else as it is."""
    try:
        return orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return text


def reverse_or_empty(kind: str, found: Call) -> str:
    """The address of the API of a call in its environment."""
    return f"/apis/{found.api}/{found.environment}" if kind == "api" and found.api else ""


def _operation_url(found: Call) -> str:
    return f"{reverse_or_empty('api', found)}/operations/{found.operation}" if found.operation else ""


def hops(found: Call) -> list[tuple[str, float]]:
    """Where the time went, in milliseconds, in the order it was spent."""
    names = {
        "body_ms": "Receiving the body",
        "prepare_ms": "Checking the request",
        "token_ms": "Taking the token",
        "intent_ms": "Writing the intent",
        "connect_ms": "Connecting",
        "first_byte_ms": "Until the platform's first byte",
        "upstream_ms": "The platform, in all",
        "check_ms": "Checking the answer",
        "total_ms": "In all",
    }
    return [(title, found.timings[name]) for name, title in names.items() if name in found.timings]
