"""Who calls, for the plain ASGI handlers beside Django."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse, parse_cookie
from django.middleware.csrf import CsrfViewMiddleware

from identity import actions, selectors
from identity.callers import Caller
from identity.guards import no_role
from identity.middleware import KEY_REFUSED, SIGN_IN_FIRST, bearer_key
from portal.errors import Forbidden, Unauthenticated


def _unreachable(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


class _CsrfCheck(CsrfViewMiddleware):
    """Django's check without its answer: there is no page here to render the refusal on."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        return HttpResponse(reason, status=403)


_csrf = _CsrfCheck(_unreachable)


def authenticate(headers: Mapping[str, str], *, remote: str) -> Caller:
    """The caller of a request with these headers (names in lower case).

    A bearer access key wins over the cookie. The cookie needs the CSRF header on every method, GET too: what is behind the
    edge has effects whatever the method is called. Raises Unauthenticated, or Forbidden ``csrf_failed`` / ``no_role``.
    Queries the database: call it from a thread.
    """
    key = bearer_key(headers.get("authorization", ""))
    if key is not None:
        caller = selectors.caller_of(access_key=key, remote=remote)
    else:
        cookies = parse_cookie(headers.get("cookie", ""))
        session_key = cookies.get(settings.SESSION_COOKIE_NAME)
        caller = selectors.caller_of(session_key=session_key, remote=remote) if session_key else None
        if caller is None and session_key:
            actions.end_if_lapsed(session_key=session_key)
    if caller is None:
        raise Unauthenticated(SIGN_IN_FIRST if key is None else KEY_REFUSED, headers={"WWW-Authenticate": "Bearer"})
    if caller.via == "cookie":
        check_csrf(headers)
    actions.note_use(caller=caller)
    if caller.access.role == "":
        raise no_role(caller.access.groups)
    return caller


def check_csrf(headers: Mapping[str, str]) -> None:
    """Django's own check (token, Origin, Referer over https) as if the method were POST. Raises Forbidden ``csrf_failed``."""
    request = HttpRequest()
    request.method = "POST"
    request.META = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    request.META.setdefault("SERVER_NAME", "")
    request.META.setdefault("SERVER_PORT", "")
    request.COOKIES = parse_cookie(headers.get("cookie", ""))
    _csrf.process_request(request)
    if _csrf.process_view(request, _unreachable, (), {}) is not None:
        raise Forbidden(
            "A call with the session cookie needs the CSRF token of this portal in X-CSRFToken. Reload the page, or use an access key.",
            code="csrf_failed",
        )
