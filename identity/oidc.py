"""mozilla-django-oidc's authorization code flow with every check it leaves out (OpenID Connect Core 1.0, RFC 7636).

The endpoints come from discovery, tokens and claims are checked by ``identity.id_token``, all requests go through
``upstream``, and an account is known by issuer and subject together, never by e-mail address.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote_plus, urlencode

import orjson
from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.urls import reverse
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from identity import actions, provider
from identity.defects import SignInRefused
from identity.encryption import SealBroken, unseal
from identity.id_token import TOKEN_LIMIT, Expectations, LogoutToken, verify_id_token, verify_logout_token
from identity.models import Account, SsoSession
from portal.errors import PortalError
from upstream.messages import Answer

GROUPS_LIMIT = 1_000
GROUP_NAME_LIMIT = 200
ENDPOINTS = {
    "OIDC_OP_AUTHORIZATION_ENDPOINT": "authorization_endpoint",
    "OIDC_OP_TOKEN_ENDPOINT": "token_endpoint",
    "OIDC_OP_USER_ENDPOINT": "userinfo_endpoint",
    "OIDC_OP_JWKS_ENDPOINT": "jwks_uri",
}


def setting(name: str, *default: Any) -> Any:
    """A setting of mozilla-django-oidc; the provider's endpoints come from discovery when they are asked for."""
    if name in ENDPOINTS:
        return getattr(provider.discovery(), ENDPOINTS[name])
    return getattr(settings, name, *default)


def expectations() -> Expectations:
    """What tokens of this provider must fit."""
    return Expectations(
        issuer=settings.OIDC_ISSUER,
        client_id=settings.OIDC_RP_CLIENT_ID,
        algorithms=settings.OIDC_SIGNING_ALGORITHMS,
        leeway=settings.OIDC_CLOCK_LEEWAY,
        signing_key=provider.signing_key,
    )


def callback_address(request: HttpRequest) -> str:
    """Where the provider sends people back: the public address; in development the one the browser used."""
    path = reverse("oidc_authentication_callback")
    return request.build_absolute_uri(path) if settings.DEVELOPMENT else settings.PORTAL_PUBLIC_URL + path


class StrictOidcBackend(OIDCAuthenticationBackend):  # type: ignore[misc]
    """Raises SignInRefused or ProviderUnusable where the base would let something through or fail with a bare error."""

    get_settings = staticmethod(setting)

    def __init__(self) -> None:
        # The base asks for the endpoints here; Django makes a backend for every request that looks at its user.
        self.UserModel = get_user_model()
        self.OIDC_RP_CLIENT_ID = settings.OIDC_RP_CLIENT_ID
        self.OIDC_RP_CLIENT_SECRET = settings.OIDC_RP_CLIENT_SECRET
        self.claims: dict[str, Any] = {}
        self.refresh_token = ""

    def get_token(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Exchange the code. The redirect address is the one the authorization request named."""
        form = {name: value for name, value in payload.items() if name not in {"client_id", "client_secret"}}
        answer, document = token_request({**form, "redirect_uri": callback_address(self.request)})
        if answer.status != 200:
            error = str(document.get("error", ""))[:40]
            raise SignInRefused(
                "code_refused", f"It said {error}." if error.replace("_", "").isalpha() else f"It answered {answer.status}."
            )
        if not isinstance(document.get("id_token"), str) or not isinstance(document.get("access_token"), str):
            raise SignInRefused("token_answer")
        self.refresh_token = refresh_token_of(document)
        return document

    def verify_token(self, token: object, **kwargs: Any) -> dict[str, Any]:
        self.claims = verify_id_token(token, nonce=str(kwargs.get("nonce") or ""), expected=expectations())
        return self.claims

    def store_tokens(self, access_token: str, id_token: str) -> None:
        """Nothing of the provider's goes into the browser's session."""

    def get_userinfo(self, access_token: str, id_token: str, payload: dict[str, Any]) -> dict[str, Any]:
        return userinfo(access_token, subject=payload["sub"])

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> Account:
        """The account of (issuer, subject). What signing in needs besides is left on the request as ``verified_sign_in``."""
        # What is signed wins over what is merely sent.
        told = self.get_userinfo(access_token, id_token, payload)
        claims = {**told, **payload}
        name = str(claims.get("name") or claims.get("preferred_username") or "")[:255]
        email = str(claims.get("email") or "")[:254]
        sid = claims.get("sid", "")
        account = actions.remember_account(issuer=settings.OIDC_ISSUER, subject=payload["sub"], name=name, email=email)
        if not account.is_active:
            raise SignInRefused("account_disabled")
        self.request.verified_sign_in = actions.SignIn(
            issuer=settings.OIDC_ISSUER,
            subject=payload["sub"],
            groups=groups_of(claims),
            groups_in=next((name for name, one in (("id_token", payload), ("userinfo", told)) if settings.OIDC_GROUPS_CLAIM in one), ""),
            sid=sid if isinstance(sid, str) and len(sid) <= 255 else "",
            name=name,
            email=email,
            id_token=id_token,
            refresh_token=self.refresh_token,
        )
        return account


def token_request(form: dict[str, Any]) -> tuple[Answer, dict[str, Any]]:
    """Ask the provider's token endpoint as this portal; the answer, and its JSON object or {}. Raises ProviderUnusable."""
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    client_id, secret = settings.OIDC_RP_CLIENT_ID, settings.OIDC_RP_CLIENT_SECRET
    found = provider.discovery()
    if found.secret_in_body:
        form = {**form, "client_id": client_id, "client_secret": secret}
    else:
        form = {**form, "client_id": client_id}
        pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
        headers.append(("Authorization", "Basic " + base64.b64encode(pair.encode()).decode()))
    answer = provider.send("POST", found.token_endpoint, headers=headers, body=urlencode(form).encode())
    return answer, _json_object(answer)


def refresh_token_of(document: dict[str, Any]) -> str:
    """The refresh token of a token answer, or "" when there is none worth keeping."""
    value = document.get("refresh_token")
    return value if isinstance(value, str) and len(value) <= TOKEN_LIMIT else ""


def userinfo(access_token: str, *, subject: str) -> dict[str, Any]:
    """Claims of the userinfo endpoint, of the same person (Core §5.3.2); {} when the provider has none. Raises SignInRefused."""
    address = provider.discovery().userinfo_endpoint
    if not address:
        return {}
    answer = provider.send("GET", address, headers=[("Authorization", f"Bearer {access_token}")])
    document = _json_object(answer)
    if answer.status != 200 or not document:
        raise SignInRefused("userinfo", f"It answered {answer.status}.")
    if document.get("sub") != subject:
        raise SignInRefused("userinfo_subject")
    return document


def groups_of(claims: dict[str, Any]) -> tuple[str, ...]:
    """The names in the groups claim, as they are; none when the claim is not there. Raises SignInRefused ``groups``."""
    value = claims.get(settings.OIDC_GROUPS_CLAIM, [])
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or len(names) > GROUPS_LIMIT:
        raise SignInRefused("groups")
    if not all(isinstance(name, str) and 0 < len(name) <= GROUP_NAME_LIMIT for name in names):
        raise SignInRefused("groups")
    return tuple(sorted(set(names)))


def read_logout_token(token: object) -> LogoutToken:
    """A logout token of this provider for this portal. Raises SignInRefused, ProviderUnusable."""
    return verify_logout_token(token, expected=expectations(), require_type=settings.OIDC_LOGOUT_REQUIRE_TYP)


def sign_out_address(session: SsoSession) -> str:
    """Where to end the provider's own session (RP-Initiated Logout 1.0), or the portal's page when it offers no such place."""
    back = settings.PORTAL_PUBLIC_URL + settings.LOGOUT_REDIRECT_URL
    try:
        endpoint = provider.discovery().end_session_endpoint
        hint = unseal(bytes(session.id_token_encrypted)).decode() if session.id_token_encrypted else ""
    except (PortalError, SealBroken):
        # Signing out here must work while the provider is away.
        endpoint, hint = "", ""
    if not endpoint:
        return str(settings.LOGOUT_REDIRECT_URL)
    query = {"client_id": settings.OIDC_RP_CLIENT_ID, "post_logout_redirect_uri": back, **({"id_token_hint": hint} if hint else {})}
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def _json_object(answer: Answer) -> dict[str, Any]:
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
