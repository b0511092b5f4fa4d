"""Pages of who is signed in where: one's own, and for the platform team everybody's."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST, require_safe

from identity import actions, selectors
from identity.callers import SignedInRequest
from identity.guards import grant_row, role_not_required
from identity.models import SsoSession
from portal.web.pages import render_page
from portal.web.roles import for_role

# The first that fits: later browsers carry the names of earlier ones.
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl"))
SYSTEMS = (("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iPadOS"), ("Mac OS X", "macOS"), ("Linux", "Linux"))
PAGE = 50


def browser_of(user_agent: str) -> str:
    """A person's word for a browser: "Firefox on Linux"; the header itself when it is none we know."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if browser and system else browser or user_agent[:60] or "Unknown browser"


@dataclass(frozen=True, slots=True)
class Row:
    """One sign-in as a page shows it. ``session.account`` is only there on the page of everybody's."""

    session: SsoSession
    browser: str
    current: bool


def _rows(request: SignedInRequest, sessions: list[SsoSession]) -> list[Row]:
    return [Row(one, browser_of(one.user_agent), one.pk == request.caller.session_id) for one in sessions]


@role_not_required
@require_safe
def account(request: SignedInRequest) -> HttpResponse:
    """Who the portal thinks you are, what that allows, and where you are signed in."""
    caller = request.caller
    context = {
        "account": SsoSession.objects.select_related("account").get(pk=caller.session_id).account,
        "access": caller.access,
        "sign_ins": _rows(request, list(selectors.live_sessions(caller.account_id))),
        "grants": [grant_row(grant) for grant in selectors.grants() if grant.group in caller.access.groups],
    }
    return render_page(request, "identity/account.html", context)


@role_not_required
@require_POST
def end_sign_in(request: SignedInRequest, session_id: UUID) -> HttpResponse:
    """End one of your sign-ins, with its tokens and access keys."""
    actions.end_own_session(session_id=session_id, by=request.caller)
    if session_id == request.caller.session_id:
        return _signed_out(request)
    messages.success(request, "That sign-in has ended, with its tokens and access keys.")
    return HttpResponseRedirect("/account")


@role_not_required
@require_POST
def end_sign_ins(request: SignedInRequest) -> HttpResponse:
    """End all of your sign-ins; with ``keep=this`` all but the one that asks."""
    if request.POST.get("keep") == "this":
        ended = actions.end_all_sessions(by=request.caller, but=request.caller.session_id)
        said = {0: "There was no other sign-in.", 1: "Your other sign-in has ended."}.get(ended, f"Your {ended} other sign-ins have ended.")
        messages.success(request, said)
        return HttpResponseRedirect("/account")
    actions.end_all_sessions(by=request.caller)
    return _signed_out(request)


@for_role("platform")
@require_safe
def sign_ins(request: SignedInRequest) -> HttpResponse:
    """``/sign-ins?who=&page=``: everybody who is signed in now."""
    who, page = request.GET.get("who", "").strip()[:100], selectors.page_number(request.GET.get("page", ""))
    found = list(selectors.everybodys_sessions(who)[(page - 1) * PAGE : page * PAGE + 1])
    query = {"who": who} if who else {}
    context = {
        "who": who,
        "rows": _rows(request, found[:PAGE]),
        "next_url": f"?{urlencode(query | {'page': page + 1})}" if len(found) > PAGE else "",
        "previous_url": f"?{urlencode(query | {'page': page - 1})}" if page > 1 else "",
    }
    return render_page(request, "identity/sign_ins.html", context)


@for_role("platform")
@require_POST
def end_anybodys_sign_in(request: SignedInRequest, session_id: UUID) -> HttpResponse:
    """End somebody's sign-in, with its tokens and access keys."""
    person = actions.end_anybodys_session(session_id=session_id, by=request.caller)
    if session_id == request.caller.session_id:
        return _signed_out(request)
    messages.success(request, f"The sign-in of {person} has ended, with its tokens and access keys.")
    return HttpResponseRedirect("/sign-ins")


def _signed_out(request: SignedInRequest) -> HttpResponse:
    request.session.flush()
    return HttpResponseRedirect(settings.LOGOUT_REDIRECT_URL)
