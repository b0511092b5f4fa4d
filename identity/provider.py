"""The identity provider as its discovery document and key set describe it (OpenID Connect Discovery 1.0, RFC 7517).

Both are kept for ten minutes a process. A token signed with an unknown key makes the keys be read again, at most once in
half a minute, so that a rotation is followed and nobody can make the portal hammer the provider.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import jwt
import orjson
from django.conf import settings

from identity.defects import ProviderUnusable, SignInRefused
from portal.errors import PortalError
from upstream import blocking
from upstream.messages import Answer, Limits, Outgoing, Target

KEPT_SECONDS = 600.0
KEYS_AGAIN_SECONDS = 30.0
LIMITS = Limits(connect=3.0, first_byte=8.0, total=10.0, body=1_048_576, concurrency=32)
# An identity provider is often inside the company: whoever sets OIDC_ISSUER has named it, so private networks are meant.
# Link-local addresses (cloud metadata) stay out of reach.
NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


@dataclass(frozen=True, slots=True)
class Discovery:
    """What the portal uses of the discovery document; "" for what the provider does not offer."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    secret_in_body: bool = False  # client_secret_post instead of client_secret_basic


@dataclass(slots=True)
class _Kept:
    discovery: Discovery | None = None
    discovery_until: float = 0.0
    keys: list[dict[str, Any]] = field(default_factory=list)
    keys_until: float = 0.0
    keys_read_at: float = float("-inf")


_kept: dict[str, _Kept] = {}
_lock = threading.Lock()


def forget() -> None:
    """Read everything again at the next sign-in."""
    with _lock:
        _kept.clear()


def send(method: str, url: str, *, headers: list[tuple[str, str]] | None = None, body: bytes = b"") -> Answer:
    """One request to the provider, through the door out. Raises ProviderUnusable."""
    parts = urlsplit(url)
    target = Target(
        name="identity provider", base_url=f"{parts.scheme}://{parts.netloc}", networks=NETWORKS, allow_loopback=settings.DEVELOPMENT
    )
    try:
        return blocking.send(target, Outgoing(method, url, [("Accept", "application/json"), *(headers or [])], body), limits=LIMITS)
    except PortalError as error:
        raise ProviderUnusable("discovery", error.detail) from None


def send_for_object(url: str) -> dict[str, Any]:
    """GET a JSON object. Raises ProviderUnusable."""
    answer = send("GET", url)
    try:
        document = orjson.loads(answer.body) if answer.status == 200 and not answer.truncated else None
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise ProviderUnusable("discovery", f"{url} answered {answer.status} without a JSON object.")
    return document


def discovery() -> Discovery:
    """The endpoints of OIDC_ISSUER. Raises ProviderUnusable."""
    issuer = settings.OIDC_ISSUER
    if not issuer or not settings.OIDC_RP_CLIENT_ID:
        raise ProviderUnusable("not_configured")
    with _lock:
        kept = _kept.setdefault(issuer, _Kept())
        if kept.discovery is not None and time.monotonic() < kept.discovery_until:
            return kept.discovery
    found = read_discovery(issuer, send_for_object(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
    with _lock:
        kept.discovery, kept.discovery_until = found, time.monotonic() + KEPT_SECONDS
    return found


def read_discovery(issuer: str, document: dict[str, Any]) -> Discovery:
    """Check a discovery document: its issuer is exactly ours and every address is one the portal may use. Raises ProviderUnusable."""
    if document.get("issuer") != issuer:
        raise ProviderUnusable("discovery", "It names another issuer than OIDC_ISSUER; they must be the same to the letter.")
    needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    offered = (*needed, "userinfo_endpoint", "end_session_endpoint")
    addresses = {name: document[name] for name in offered if document.get(name)}
    schemes = {"https", "http"} if settings.DEVELOPMENT else {"https"}
    for name, address in addresses.items():
        if not isinstance(address, str) or urlsplit(address).scheme not in schemes or not urlsplit(address).hostname:
            raise ProviderUnusable("discovery", f"Its {name} is not an https address.")
    missing = [name for name in needed if name not in addresses]
    if missing:
        raise ProviderUnusable("discovery", f"It lacks {', '.join(missing)}.")
    methods = document.get("code_challenge_methods_supported")
    if isinstance(methods, list) and "S256" not in methods:
        raise ProviderUnusable("discovery", "The provider does not support PKCE with S256.")
    client_methods = document.get("token_endpoint_auth_methods_supported")
    in_body = isinstance(client_methods, list) and "client_secret_basic" not in client_methods and "client_secret_post" in client_methods
    return Discovery(issuer=issuer, secret_in_body=in_body, **addresses)


def signing_key(kid: str | None, algorithm: str) -> jwt.PyJWK:
    """The provider's public key for a token's header. Raises SignInRefused ``unknown_key``, ProviderUnusable."""
    found = _matching(_keys(), kid, algorithm)
    if found is None:
        found = _matching(_keys(again=True), kid, algorithm)
    if found is None:
        raise SignInRefused("unknown_key")
    try:
        return jwt.PyJWK(found, algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise SignInRefused("unknown_key", "The published key cannot be used.") from None


def _keys(*, again: bool = False) -> list[dict[str, Any]]:
    address = discovery().jwks_uri
    now = time.monotonic()
    with _lock:
        kept = _kept.setdefault(settings.OIDC_ISSUER, _Kept())
        fresh = now < kept.keys_until
        if (fresh and not again) or (again and now - kept.keys_read_at < KEYS_AGAIN_SECONDS):
            return kept.keys
        kept.keys_read_at = now
    listed = send_for_object(address).get("keys")
    keys = [key for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []
    with _lock:
        kept.keys, kept.keys_until = keys, time.monotonic() + KEPT_SECONDS
    return keys


def _matching(keys: list[dict[str, Any]], kid: str | None, algorithm: str) -> dict[str, Any] | None:
    usable = [
        key
        for key in keys
        if key.get("kty") == KEY_TYPES.get(algorithm[:2]) and key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm
    ]
    if kid is not None:
        usable = [key for key in usable if key.get("kid") == kid]
    # Without a key id only a single key leaves no doubt about which one is meant.
    return usable[0] if len(usable) == 1 else None
