"""What django-oauth-toolkit leaves to us: claims, the session id (``sid``), scopes of each client, back-channel logout."""

from __future__ import annotations

import http.client
import json
import logging
import secrets
import threading
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.core.cache import cache
from jwcrypto import jwk, jwt
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes

from demo.identity_provider import settings
from demo.world import ACCOUNTS, PORTAL_CLIENT, PRINCIPALS

logger = logging.getLogger(__name__)

SIGN_IN_SCOPES = {"openid": "Who you are", "profile": "Your name and groups", "email": "Your e-mail address"}
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
# Where the portal takes logout tokens (OpenID Connect Back-Channel Logout 1.0).
BACKCHANNEL_PATH = "/oidc/backchannel-logout/"


def subject(username: str) -> str:
    """The ``sub`` of an account: the same after the database was made anew."""
    return f"demo-{username}"


def account_claims(user: Any) -> dict[str, Any]:
    """The claims about a person, besides ``sub``."""
    name = ACCOUNTS.get(user.username, (user.username, []))[0]
    return {
        "name": name,
        "preferred_username": user.username,
        "email": f"{user.username}@portal.example",
        "email_verified": True,
        "groups": sorted(user.groups.values_list("name", flat=True)),
    }


class Validator(OAuth2Validator):  # type: ignore[misc]  # the toolkit has no types
    """Adds our claims to the ID token, among them the id of the sign-in (``sid``) the code was given under."""

    oidc_claim_scope = None

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        # Letter for letter: the toolkit lets any port of 127.0.0.1 pass, which is meant for native apps.
        return redirect_uri in request.client.redirect_uris.split()

    def _create_authorization_code(self, request: Any, code: dict[str, str], expires: Any = None) -> Any:
        # The token request comes from the portal's server, without the person's cookie: the code carries the sign-in over.
        cache.set(f"sid:{code['code']}", getattr(request.user, "sign_in_id", ""), 120)
        return super()._create_authorization_code(request, code, expires)

    def get_claim_dict(self, request: Any) -> dict[str, Any]:
        claims: dict[str, Any] = super().get_claim_dict(request)
        return claims | {"sub": subject(request.user.username)}

    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        claims = account_claims(request.user)
        sign_in_id = cache.get(f"sid:{request.code}") if getattr(request, "code", None) else None
        return claims | ({"sid": sign_in_id} if sign_in_id else {})


class ScopesByClient(BaseScopes):  # type: ignore[misc]  # the toolkit has no types
    """Each client may ask for its own scopes only; one that asks for none gets all of them."""

    def get_all_scopes(self) -> dict[str, str]:
        return SIGN_IN_SCOPES | {scope: scope for scopes in PRINCIPALS.values() for scope in scopes if scope != "openid"}

    def get_available_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        if application is None:
            return list(self.get_all_scopes())
        return PRINCIPALS.get(application.client_id, list(SIGN_IN_SCOPES))

    def get_default_scopes(self, application: Any = None, request: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        return self.get_available_scopes(application, request)


def logout_token(*, username: str, sign_in_id: str) -> str:
    """A signed logout token for the portal."""
    key = jwk.JWK.from_pem(settings.OAUTH2_PROVIDER["OIDC_RSA_PRIVATE_KEY"].encode("ascii"))
    now = int(time.time())
    token = jwt.JWT(
        header=json.dumps({"typ": "logout+jwt", "alg": "RS256", "kid": key.thumbprint()}),
        claims=json.dumps(
            {
                "iss": settings.OAUTH2_PROVIDER["OIDC_ISS_ENDPOINT"],
                "aud": PORTAL_CLIENT,
                "iat": now,
                "exp": now + 120,
                "jti": secrets.token_urlsafe(16),
                "sub": subject(username),
                "sid": sign_in_id,
                "events": {LOGOUT_EVENT: {}},
            }
        ),
    )
    token.make_signed_token(key)
    return str(token.serialize())


def send_logout_token(token: str) -> None:
    """Deliver ``token`` to the portal, aside, so that nobody waits for it. What the portal answers is logged."""
    threading.Thread(target=_deliver, args=(token,), name="back-channel logout").start()


def _deliver(token: str) -> None:
    parts = urlsplit(settings.PORTAL_ORIGINS[0])
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request(
            "POST",
            BACKCHANNEL_PATH,
            body=urlencode({"logout_token": token}),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        logger.info("back-channel logout answered %s", connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        logger.warning("back-channel logout was not delivered: %s", error)
    finally:
        connection.close()
