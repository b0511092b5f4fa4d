"""The page of tokens: take one, watch it, look at it once, end it. Works without JavaScript."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods, require_POST

from identity.callers import SignedInRequest
from portal.errors import PortalError
from portal.web.pages import render_page
from tokens import actions, selectors
from tokens.models import TokenLease

LIFETIMES = ((900, "15 minutes"), (3_600, "1 hour"), (7_200, "2 hours"))


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in, to show it again when something is wrong with it."""

    place: str = ""
    scopes: tuple[str, ...] = ()
    purpose: str = ""
    ttl: str = ""


@require_http_methods(["GET", "POST"])
def tokens(request: SignedInRequest) -> HttpResponse:
    """``/tokens?environment=&platform=``"""
    if request.method == "POST":
        return _take(request)
    return _page(request, form=Form(place=f"{request.GET.get('platform', '')}/{request.GET.get('environment', '')}"))


def _take(request: SignedInRequest) -> HttpResponse:
    data = request.POST
    form = Form(data.get("place", ""), tuple(data.getlist("scopes")), data.get("purpose", ""), data.get("ttl", ""))
    platform, _, environment = form.place.partition("/")
    try:
        lease = actions.create_lease(
            by=request.caller,
            platform=platform,
            environment=environment,
            scopes=form.scopes,
            purpose=form.purpose,
            ttl=int(form.ttl) if form.ttl.isascii() and form.ttl.isdigit() and len(form.ttl) < 6 else None,
        )
    except PortalError as error:
        return _page(request, form=form, error=error)
    messages.success(request, f"You hold a token for {lease.platform} in {lease.environment}.")
    return HttpResponseRedirect(f"/tokens?platform={lease.platform}&environment={lease.environment}")


def _page(
    request: SignedInRequest, *, form: Form, error: PortalError | None = None, revealed: dict[str, Any] | None = None
) -> HttpResponse:
    environment = request.GET.get("environment", "")
    offers = selectors.offers(request.caller)
    chosen = next((offer for offer in offers if f"{offer.platform}/{offer.environment}" == form.place), None)
    if chosen is None:
        here = [offer for offer in offers if environment in {"", offer.environment}]
        chosen = next((offer for offer in here if not offer.why_not), here[0] if here else None)
    context = {
        "offers": offers,
        "chosen": chosen,
        "environment": environment,
        "form": form,
        "error": error,
        "lifetimes": [one for one in LIFETIMES if chosen is None or one[0] <= max(chosen.longest, LIFETIMES[0][0])],
        "leases": [(lease, selectors.why_not_shown(lease, caller=request.caller)) for lease in selectors.held_leases(request.caller)],
        "session_expires_at": request.caller.session_expires_at,
        "revealed": revealed,
    }
    response = render_page(request, "tokens/tokens.html", context, status=error.status if error else 200)
    for name, value in (error.headers if error else {}).items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def reveal(request: SignedInRequest, lease_id: UUID) -> HttpResponse:
    """Show the token once, in this answer; the page that is loaded next has none."""
    lease, value = actions.reveal(by=request.caller, lease_id=lease_id)
    form = Form(place=f"{lease.platform}/{lease.environment}")
    return _page(request, form=form, revealed={"lease": lease, "value": value})


@require_POST
def refresh(request: SignedInRequest, lease_id: UUID) -> HttpResponse:
    lease = actions.refresh(by=request.caller, lease_id=lease_id)
    messages.success(request, f"The token for {lease.platform} in {lease.environment} is a new one.")
    return _back(lease)


@require_POST
def revoke(request: SignedInRequest, lease_id: UUID) -> HttpResponse:
    lease = selectors.own_lease(lease_id, caller=request.caller)
    actions.revoke(by=request.caller, lease_id=lease_id)
    messages.success(request, f"The token for {lease.platform} in {lease.environment} is over.")
    return _back(lease)


def _back(lease: TokenLease) -> HttpResponse:
    return HttpResponseRedirect(f"/tokens?platform={lease.platform}&environment={lease.environment}")
