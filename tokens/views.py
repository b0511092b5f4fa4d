"""The page of tokens: take one, watch it, look at it once, end it. Works without JavaScript."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from catalog.selectors import search_operations
from identity.callers import Caller, SignedInRequest
from identity.selectors import groups_granting
from portal.errors import PortalError
from portal.web.pages import render_page
from tokens import actions, holders, selectors
from tokens.least import Needed, Suggestion, least_scopes
from tokens.models import TokenLease
from tokens.scopes import never_leaves
from tokens.selectors import Offer
from tokens.words import why_ended

SLIDER_STEP = 300  # seconds
MOST_OPERATIONS = 50  # a suggestion is made for
FOUND = 12  # operations shown of a search


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in, to show it again when something is wrong with it."""

    place: str = ""
    scopes: tuple[str, ...] = ()
    purpose: str = ""
    ttl: str = ""


@dataclass(frozen=True, slots=True)
class Slider:
    """Seconds a token may be asked for here and now."""

    least: int
    most: int
    value: int

    @property
    def words(self) -> tuple[str, str, str]:
        """The same three for people: 5 min, 2 h, 1 h 30 min."""
        return duration(self.least), duration(self.most), duration(self.value)


def duration(seconds: int) -> str:
    """Hours and minutes, as static/js/duration.js says them."""
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part)


@dataclass(frozen=True, slots=True)
class Helper:
    """The least scopes for some operations: what was chosen, what was found to choose from, what comes of it."""

    find: str
    from_calls: bool
    found: list[Needed]
    chosen: list[Needed]
    suggestion: Suggestion | None
    refused: list[tuple[Needed, str, str]]  # operation, the scope it lacks, who grants that


@require_http_methods(["GET", "POST"])
def tokens(request: SignedInRequest) -> HttpResponse:
    """``/tokens?platform=&environment=&scope=&find=&operation=API:KEY&from=calls``"""
    if request.method == "POST":
        return _take(request)
    query = request.GET
    place = f"{query.get('platform', '')}/{query.get('environment', '')}"
    return _page(request, form=Form(place=place, scopes=tuple(query.getlist("scope")), purpose=query.get("purpose", "")))


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
    helper = _helper(request, chosen) if chosen is not None else None
    suggested = set(helper.suggestion.scopes) if helper and helper.suggestion else set()
    context = {
        "offers": offers,
        "chosen": chosen,
        "environment": environment,
        "form": form,
        "ticked": suggested or set(form.scopes),
        "error": error,
        "slider": _slider(request.caller, chosen, form.ttl) if chosen else None,
        "helper": helper,
        "leases": [(lease, selectors.why_not_shown(lease, caller=request.caller)) for lease in selectors.held_leases(request.caller)],
        "ended": [(lease, why_ended(lease.end_reason)) for lease in selectors.ended_lately(request.caller)],
        "session_expires_at": request.caller.session_expires_at,
        "now": timezone.now(),
        "sees_everybodys": request.caller.access.at_least("architect"),
        "revealed": revealed,
    }
    response = render_page(request, "tokens/tokens.html", context, status=error.status if error else 200)
    for name, value in (error.headers if error else {}).items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    return response


def _slider(caller: Caller, offer: Offer, asked: str) -> Slider:
    """From five minutes (or less where less is the most) to what platform, rules and sign-in leave, in whole steps."""
    left = int((caller.session_expires_at - timezone.now()).total_seconds())
    most = min(offer.longest, settings.TOKEN_MAX_TTL, max(left, actions.SHORTEST_TTL))
    most = most // SLIDER_STEP * SLIDER_STEP or max(most, actions.SHORTEST_TTL)
    least = min(SLIDER_STEP, most)
    wanted = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else most
    return Slider(least, most, min(max(wanted, least), most))


def _helper(request: SignedInRequest, offer: Offer) -> Helper:
    """Which operations were chosen, by hand or out of the person's last calls, and the least scopes for them."""
    query, caller = request.GET, request.caller
    find, from_calls = query.get("find", "").strip()[:200], query.get("from") == "calls"
    named = [(api, key) for api, _, key in (one.partition(":") for one in query.getlist("operation")[:MOST_OPERATIONS])]
    if from_calls:
        named += holders.called_lately(caller, environment=offer.environment)[: MOST_OPERATIONS - len(named)]
    here = {"platform": offer.platform, "environment": offer.environment}
    chosen = holders.needed_by(named, **here)
    hits = search_operations(caller.access, find, limit=FOUND, **here) if find else []
    found = holders.needed_by([(hit.api, hit.operation) for hit in hits], **here)
    suggestion = None
    refused: list[tuple[Needed, str, str]] = []
    if chosen:
        allowed = frozenset(scope.name for scope in offer.scopes if not scope.why_not and not never_leaves(scope.name))
        suggestion = least_scopes(chosen, allowed)
        for one, missing in suggestion.refused:
            scope = sorted(missing)[0]
            granting = groups_granting(environment=offer.environment, scope=(offer.platform, scope))
            refused.append((one, scope, " or ".join(granting)))
    return Helper(find, from_calls, [one for one in found if one not in chosen], chosen, suggestion, refused)


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
