"""The provider's pages: one button per account, who is signed in, and sign-out that reaches the portal."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from oauth2_provider.views import AuthorizationView, ConnectDiscoveryInfoView, RPInitiatedLogoutView

from demo.identity_provider import settings
from demo.identity_provider.protocol import logout_token, send_logout_token
from demo.world import ACCOUNTS

HERE = Path(__file__).resolve().parent
SIGN_IN_ID = "sign_in_id"
DESCRIPTIONS = {
    "developer": "Finds operations and calls them in sandbox and staging.",
    "architect": "Reads everywhere, writes in sandbox and staging.",
    "platform": "Runs the portal: audit, sync, quotas, production.",
    "nobody": "In no group, so nothing is allowed.",
}


def content_security_policy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Nothing but our own style sheet; forms end at the portal, because signing in redirects there."""
    targets = " ".join(["'self'", *settings.PORTAL_ORIGINS])
    policy = f"default-src 'none'; style-src 'self'; form-action {targets}; base-uri 'none'; frame-ancestors 'none'"

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["Content-Security-Policy"] = policy
        return response

    return middleware


def safe_next(request: HttpRequest) -> str:
    """Where to go after signing in: an address of this provider, or its front page."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else "/"


@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The form, and what its buttons do. There is no password: these people do not exist."""
    name = request.POST.get("account", "")
    if request.method == "POST" and name in ACCOUNTS:
        login(request, get_user_model().objects.get_by_natural_key(name))
        request.session[SIGN_IN_ID] = secrets.token_urlsafe(16)
        return HttpResponseRedirect(safe_next(request))
    accounts = [
        {"name": key, "title": title, "groups": groups, "description": DESCRIPTIONS[key]} for key, (title, groups) in ACCOUNTS.items()
    ]
    refused = request.method == "POST"
    context = {"accounts": accounts, "next": safe_next(request), "refused": refused}
    return render(request, "sign_in.html", context, status=400 if refused else 200)


@require_GET
def front(request: HttpRequest) -> HttpResponse:
    """Who is signed in here, with the button that signs them out everywhere."""
    if not request.user.is_authenticated:
        return redirect("sign-in")
    title, groups = ACCOUNTS.get(request.user.get_username(), (request.user.get_username(), []))
    return render(request, "front.html", {"title": title, "groups": groups, "portal": settings.PORTAL_ORIGINS[0]})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the sign-in here and tell the portal about it."""
    tell_portal(request)
    logout(request)
    return redirect("sign-in")


def tell_portal(request: HttpRequest) -> None:
    """Send the portal a logout token for the sign-in of this browser, if there is one."""
    sign_in_id = request.session.get(SIGN_IN_ID)
    if request.user.is_authenticated and sign_in_id:
        send_logout_token(logout_token(username=request.user.get_username(), sign_in_id=sign_in_id))


class Authorize(AuthorizationView):  # type: ignore[misc]  # the toolkit has no types
    """Hands the id of the sign-in to the validator, which sees the user but not the session."""

    template_name = "authorize.html"

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if not request.GET.get("code_challenge"):
            # The toolkit takes an empty challenge for a given one, and then asks for no verifier.
            return HttpResponse("PKCE is required: code_challenge is missing.", status=400, content_type="text/plain")
        if request.user.is_authenticated:
            request.user.sign_in_id = request.session.get(SIGN_IN_ID, "")
        return super().dispatch(request, *args, **kwargs)


class EndSession(RPInitiatedLogoutView):  # type: ignore[misc]  # the toolkit has no types
    """RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0)."""

    template_name = "logout_confirm.html"

    def do_logout(self, *args: Any, **kwargs: Any) -> Any:
        tell_portal(self.request)
        return super().do_logout(*args, **kwargs)


class Discovery(ConnectDiscoveryInfoView):  # type: ignore[misc]  # the toolkit has no types
    """The toolkit's document with what we add to it, and without what our clients cannot use."""

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        document = json.loads(super().get(request, *args, **kwargs).content)
        issuer = settings.OAUTH2_PROVIDER["OIDC_ISS_ENDPOINT"]
        document |= {
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "introspection_endpoint": f"{issuer}/oauth/introspect",
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": ["sub", "name", "preferred_username", "email", "email_verified", "groups", "sid", "auth_time"],
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
        }
        return JsonResponse(document)


@require_GET
def style(request: HttpRequest) -> HttpResponse:
    return HttpResponse((HERE / "style.css").read_bytes(), content_type="text/css")
