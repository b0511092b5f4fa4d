"""ID tokens (OpenID Connect Core 1.0 §3.1.3.7) and logout tokens (Back-Channel Logout 1.0 §2.6), checked completely."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from identity.defects import SignInRefused

TOKEN_LIMIT = 65_536  # characters
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_TOKEN_AGE = 300  # seconds
SUBJECT_LIMIT = 255
DEFECTS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "not_yet_valid"),
    (jwt.InvalidAudienceError, "audience"),
    (jwt.InvalidIssuerError, "issuer"),
    (jwt.MissingRequiredClaimError, "missing_claim"),
    (jwt.InvalidSignatureError, "signature"),
    (jwt.InvalidAlgorithmError, "algorithm"),
)


@dataclass(frozen=True, slots=True)
class Expectations:
    """What every token must fit. ``signing_key`` finds the provider's key for (kid, algorithm)."""

    issuer: str
    client_id: str
    algorithms: Sequence[str]
    leeway: int
    signing_key: Callable[[str | None, str], jwt.PyJWK]


@dataclass(frozen=True, slots=True)
class LogoutToken:
    """What a logout token asks for: end ``sid``, or everything of ``subject``. At least one is not empty."""

    issuer: str
    sid: str
    subject: str
    jti: str


def verify_id_token(token: object, *, nonce: str, expected: Expectations) -> dict[str, Any]:
    """The claims of an ID token issued to this portal for this very sign-in. Raises SignInRefused naming the defect."""
    claims = _claims(token, expected, types={"", "jwt"}, required=("iss", "aud", "sub", "exp", "iat", "nonce"))
    if "events" in claims:
        raise SignInRefused("events")
    _check_authorized_party(claims, expected)
    if not isinstance(claims["nonce"], str) or not nonce or not hmac.compare_digest(claims["nonce"].encode(), nonce.encode()):
        raise SignInRefused("nonce")
    _check_subject(claims["sub"])
    return claims


def verify_refreshed_id_token(token: object, *, subject: str, expected: Expectations) -> dict[str, Any]:
    """The claims of an ID token that came for a refresh token (Core §12.2): the same person, no nonce needed. Raises SignInRefused."""
    claims = _claims(token, expected, types={"", "jwt"}, required=("iss", "aud", "sub", "exp", "iat"))
    if "events" in claims:
        raise SignInRefused("events")
    _check_authorized_party(claims, expected)
    if claims["sub"] != subject:
        raise SignInRefused("subject_changed")
    return claims


def verify_logout_token(token: object, *, expected: Expectations, require_type: bool = True) -> LogoutToken:
    """A logout token for this portal. Whether it was used before is for the caller to see. Raises SignInRefused.

    ``require_type`` insists on ``typ: logout+jwt``; without it providers that still say JWT, or nothing, are believed.
    """
    types = {"logout+jwt", "application/logout+jwt"} | (set() if require_type else {"", "jwt"})
    claims = _claims(token, expected, types=types, required=("iss", "aud", "iat", "exp", "jti", "events"))
    events = claims["events"]
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise SignInRefused("logout_claims", "The events claim does not announce a back-channel logout.")
    if "nonce" in claims:
        raise SignInRefused("logout_claims", "A logout token has no nonce.")
    sid, subject, jti = (claims.get(name, "") for name in ("sid", "sub", "jti"))
    if not all(isinstance(value, str) and len(value) <= SUBJECT_LIMIT for value in (sid, subject, jti)) or not jti or not (sid or subject):
        raise SignInRefused("logout_claims", "It needs jti and at least one of sid and sub.")
    if claims["iat"] < time.time() - LOGOUT_TOKEN_AGE - expected.leeway:
        raise SignInRefused("too_old")
    return LogoutToken(issuer=expected.issuer, sid=sid, subject=subject, jti=jti)


def _claims(token: object, expected: Expectations, *, types: set[str], required: Sequence[str]) -> dict[str, Any]:
    """Everything both kinds of token have in common: shape, type, algorithm, signature, times, issuer, audience."""
    if not isinstance(token, str) or len(token) > TOKEN_LIMIT or token.count(".") != 2:
        raise SignInRefused("malformed")
    try:
        header = jwt.get_unverified_header(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in expected.algorithms:
            raise SignInRefused("algorithm")
        if str(header.get("typ") or "").lower() not in types:
            raise SignInRefused("type")
        key = expected.signing_key(kid if isinstance(kid, str) else None, str(algorithm))
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[str(algorithm)],
            audience=expected.client_id,
            issuer=expected.issuer,
            leeway=expected.leeway,
            options={"require": list(required)},
        )
    except jwt.PyJWTError as error:
        defect = next((name for kind, name in DEFECTS if isinstance(error, kind)), "malformed")
        hint = f"It has no {error.claim}." if isinstance(error, jwt.MissingRequiredClaimError) else ""
        raise SignInRefused(defect, hint) from None
    except (ValueError, TypeError, OverflowError, RecursionError):
        # Numbers that are none, texts nested without end: unreadable, whatever PyJWT stumbled over.
        raise SignInRefused("malformed") from None
    return claims


def _check_authorized_party(claims: dict[str, Any], expected: Expectations) -> None:
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if claims.get("azp", expected.client_id) != expected.client_id or (len(audiences) > 1 and "azp" not in claims):
        raise SignInRefused("authorized_party")


def _check_subject(subject: object) -> None:
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LIMIT or not subject.isprintable():
        raise SignInRefused("subject")
