"""Closed by default: every address needs a live sign-in with a role, unless its view says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

from identity import actions, selectors
from identity.callers import Caller
from identity.guards import check_role, grant_row, needs_role, no_role
from identity.refusals import record_access_refused, record_key_refused
from portal.errors import Forbidden, Unauthenticated
from portal.web.problem import current_request_id, error_answer, wants_program_answer

SIGN_IN_FIRST = "Sign in, or send an access key as a bearer token."
KEY_REFUSED = "This access key opens nothing: it is mistyped, was revoked, or ended with the sign-in it was made in. Make a new one under Access keys, in the menu behind your initials."


def bearer_key(authorization: str) -> str | None:
    """The access key of an Authorization header, or None when there is none."""
    scheme, _, value = authorization.partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


class SsoMiddleware:
    """Puts ``caller`` on every request (None for nobody) and lets only the right ones through."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        caller = self._recognise(request)
        request.caller = caller  # type: ignore[attr-defined]
        if caller is not None:
            structlog.contextvars.bind_contextvars(account=str(caller.account_id))
            actions.note_use(caller=caller)
        response = self.get_response(request)
        if not response.has_header("Cache-Control") and getattr(request, "caller", None) is not None:
            # What one person sees is never another's from a shared cache.
            patch_cache_control(response, private=True, no_store=True)
            patch_vary_headers(response, ["Cookie"])
        return response

    def _recognise(self, request: HttpRequest) -> Caller | None:
        remote = request.META.get("REMOTE_ADDR", "")
        key = bearer_key(request.headers.get("Authorization", "")) if request.path.startswith("/api/") else None
        if key is not None:
            # A key is not sent by a browser of its own accord, so there is nothing to forge.
            request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
            return selectors.caller_of(access_key=key, remote=remote)
        session_key = request.session.session_key
        if not session_key:
            return None
        caller = selectors.caller_of(session_key=session_key, remote=remote)
        if caller is None:
            actions.end_if_lapsed(session_key=session_key)
        return caller

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> HttpResponse | None:
        if is_open(view):
            return None
        caller: Caller | None = request.caller  # type: ignore[attr-defined]
        if caller is None:
            if (key := bearer_key(request.headers.get("Authorization", ""))) is not None:
                record_key_refused(key=key, remote=request.META.get("REMOTE_ADDR", ""))
            return ask_to_sign_in(request)
        if caller.access.role == "" and needs_role(view):
            error = no_role(caller.access.groups)
            record_access_refused(by=caller, error=error, request=request)
            if wants_program_answer(request):
                return error_answer(request, error)
            context = {
                "error": error,
                "groups": caller.access.groups,
                "granting": [grant_row(grant) for grant in selectors.grants()],
                "request_id": current_request_id(),
            }
            return render(request, "identity/no_role.html", context, status=403)
        if least := getattr(view, "least_role", ""):
            try:
                check_role(caller, least)
            except Forbidden as error:
                record_access_refused(by=caller, error=error, request=request, role=least)
                return error_answer(request, error)
        return None


def is_open(view: Callable[..., Any]) -> bool:
    """``login_not_required`` opens a view of Django's.

    REST framework marks every one of its views that way of its own accord, so those need ``guards.open_to_everybody``.
    """
    if hasattr(getattr(view, "cls", None), "permission_classes"):
        return bool(getattr(view, "open_to_everybody", False))
    return not getattr(view, "login_required", True)


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """A program is told; a person is taken to sign in and comes back to the same page."""
    if wants_program_answer(request) or request.method not in {"GET", "HEAD"}:
        said = SIGN_IN_FIRST if bearer_key(request.headers.get("Authorization", "")) is None else KEY_REFUSED
        return error_answer(request, Unauthenticated(said, headers={"WWW-Authenticate": "Bearer"}))
    if request.headers.get("HX-Request") == "true":
        # A fragment cannot be a sign-in page: the browser leaves the page it is on, and comes back to it.
        here = request.headers.get("HX-Current-URL", "")
        safe = url_has_allowed_host_and_scheme(here, {request.get_host()}, require_https=request.is_secure())
        return HttpResponse(status=401, headers={"HX-Redirect": sign_in_address(here if safe else "/"), "Cache-Control": "no-store"})
    return HttpResponseRedirect(sign_in_address(request.get_full_path()), headers={"Cache-Control": "no-store"})


def sign_in_address(next_address: str) -> str:
    """Where to sign in and come back to ``next_address``. CONTRACT, "Sign-in"."""
    return f"/oidc/authenticate/?{urlencode({'next': next_address})}"
