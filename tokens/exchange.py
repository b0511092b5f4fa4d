"""One token request (RFC 6749 §4.3, §4.4), judged completely; one revocation (RFC 7009)."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import orjson
from django.conf import settings

from catalog.rules import PlatformAt, Principal
from portal.errors import Malformed, PortalError, Unavailable, UpstreamFailed, UpstreamTimeout
from tokens.secrets import Secret, secret
from upstream import blocking
from upstream.messages import Answer, Limits, Outgoing, Target

LIMITS = Limits(connect=3.0, first_byte=10.0, total=12.0, body=262_144, concurrency=32)
MIN_LEFT = 60  # seconds a token must still live to be handed out; D63
TOKEN_LIMIT = 16_384  # characters
ROTATED = {"invalid_client", "invalid_grant"}  # what a secret that was just rotated looks like: client, access key
ERROR_CODE = re.compile(r"[a-z_]{1,60}")
TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Issued:
    """A token as the platform gave it. ``lifetime`` is seconds, at the platform."""

    token: str = field(repr=False)
    lifetime: int
    refresh_token_dropped: bool = False
    secret_version: str = ""  # of the principal's secret, as its place counts


class TokenRefused(UpstreamFailed):
    """The token endpoint said no, or said something the portal does not accept. ``reason`` is stable."""

    code = "token_refused"

    def __init__(self, reason: str, detail: str, *, token_to_revoke: str = "") -> None:
        super().__init__(detail, reason=reason)
        self.reason = reason
        # What was issued although it is not wanted; whoever catches this revokes it.
        self.token_to_revoke = token_to_revoke


class TokenUnavailable(Unavailable):
    """The token endpoint cannot be used right now."""

    code = "token_unavailable"


def exchange(principal: Principal, *, at: PlatformAt, scopes: Sequence[str]) -> Issued:
    """Ask for one token with exactly ``scopes``. Raises TokenRefused, TokenUnavailable, SecretUnavailable.

    A secret that was rotated in between is read again once, when the endpoint does not know the client or the access key.
    """
    used = _secrets(principal)
    answer = _ask(principal, at, scopes, used)
    if _error_of(answer) in ROTATED and (fresh := _secrets(principal, again=True)) != used:
        used = fresh
        answer = _ask(principal, at, scopes, used)
    return replace(judge(answer, at=at, scopes=scopes), secret_version=used.version)


@dataclass(frozen=True, slots=True)
class _Secrets:
    """What a principal proves itself with."""

    client: Secret
    password: Secret

    @property
    def version(self) -> str:
        return " ".join(one.version for one in (self.client, self.password) if one.version)


def _secrets(principal: Principal, *, again: bool = False) -> _Secrets:
    password = secret(principal.password, again=again) if principal.grant == "password" else Secret("", "")
    return _Secrets(secret(principal.secret, again=again), password)


def _ask(principal: Principal, at: PlatformAt, scopes: Sequence[str], used: _Secrets) -> Answer:
    form = {"grant_type": principal.grant}
    if principal.grant == "password":
        form |= {"username": principal.username, "password": used.password.value}
    if scopes and at.scopes_bound_by == "platform":
        form["scope"] = " ".join(scopes)
    return _post(principal, at, principal.url, form, used.client.value)


def revoke(principal: Principal, *, at: PlatformAt, token: str) -> bool:
    """Tell the platform that the token is over; False when it has no such place. Raises TokenUnavailable, SecretUnavailable."""
    if not principal.revocation_url:
        return False
    form = {"token": token, "token_type_hint": "access_token"}
    answer = _post(principal, at, principal.revocation_url, form, secret(principal.secret).value)
    if answer.status >= 500 or answer.status == 429:
        raise TokenUnavailable(f"The revocation endpoint of {at.platform} in {at.environment} answered {answer.status}.")
    return True


def _post(principal: Principal, at: PlatformAt, url: str, form: dict[str, str], client_secret: str) -> Answer:
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")]
    if principal.client_authentication == "post":
        form = {**form, "client_id": principal.client_id, "client_secret": client_secret}
    else:
        # RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
        pair = f"{quote_plus(principal.client_id)}:{quote_plus(client_secret)}"
        headers.append(("Authorization", "Basic " + base64.b64encode(pair.encode()).decode()))
    parts = urlsplit(url)
    target = Target(
        name=f"token endpoint of {at.platform} in {at.environment}",
        base_url=f"{parts.scheme}://{parts.netloc}",
        networks=at.networks,
        allow_loopback=settings.DEVELOPMENT,
    )
    try:
        return blocking.send(target, Outgoing("POST", url, headers, urlencode(form).encode()), limits=LIMITS)
    except (UpstreamFailed, UpstreamTimeout, Unavailable, Malformed) as error:
        raise _unavailable(at, error.detail, error) from None


def judge(answer: Answer, *, at: PlatformAt, scopes: Sequence[str]) -> Issued:
    """Everything a token answer must be before its token may be used. Raises TokenRefused, TokenUnavailable."""
    where = f"{at.platform} in {at.environment}"
    if answer.status == 429 or answer.status >= 500:
        raise _unavailable(at, f"It answered {answer.status}.", None, retry_after=answer.header("Retry-After"))
    document = _document(answer)
    if answer.status != 200:
        error = _error_of(answer) or f"status {answer.status}"
        raise TokenRefused("endpoint_refused", f"The token endpoint of {where} refused: {error}. Tell the platform team.")
    token = document.get("access_token")
    if not isinstance(token, str) or not 0 < len(token) <= TOKEN_LIMIT or not TOKEN.fullmatch(token):
        raise TokenRefused("answer_unusable", f"The token endpoint of {where} answered without a usable token.")
    if str(document.get("token_type", "")).lower() != "bearer":
        raise TokenRefused(
            "type_unusable", f"The token endpoint of {where} issued a token that is not a bearer token.", token_to_revoke=token
        )
    lifetime = _lifetime(document.get("expires_in"), where, token)
    if at.scopes_bound_by == "platform":
        _check_scopes(document.get("scope"), scopes, where, token)
    return Issued(token=token, lifetime=lifetime, refresh_token_dropped=bool(document.get("refresh_token")))


def _lifetime(value: object, where: str, token: str) -> int:
    seconds = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10 else value
    if isinstance(seconds, float) and seconds.is_integer():
        seconds = int(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise TokenRefused("lifetime_unknown", f"The token of {where} does not say how long it lives.", token_to_revoke=token)
    if seconds > settings.TOKEN_MAX_TTL:
        detail = (
            f"The token of {where} would live {seconds} s; the most is {settings.TOKEN_MAX_TTL} s. Shorten it at the platform's client."
        )
        raise TokenRefused("lifetime_too_long", detail, token_to_revoke=token)
    if seconds <= MIN_LEFT:
        detail = f"The token of {where} would live {seconds} s; below {MIN_LEFT} s it could end in the middle of a call."
        raise TokenRefused("lifetime_too_short", detail, token_to_revoke=token)
    return seconds


def _check_scopes(answered: object, asked: Sequence[str], where: str, token: str) -> None:
    # RFC 6749 §5.1 lets a server leave scope out when it is what was asked for; servers also leave it out when they
    # dropped what they do not know. Not said is not granted.
    granted = set(answered.split()) if isinstance(answered, str) else set()
    missing, extra = sorted(set(asked) - granted), sorted(granted - set(asked))
    if missing:
        detail = f"The platform granted less than asked in {where}: {', '.join(missing)} is missing. The token was not used."
        raise TokenRefused("scope_narrower_than_asked", detail, token_to_revoke=token)
    if extra:
        detail = f"The platform granted more than asked in {where}: {', '.join(extra)[:200]}. The token was not used."
        raise TokenRefused("scope_wider_than_asked", detail, token_to_revoke=token)


def _document(answer: Answer) -> dict[str, Any]:
    try:
        document = orjson.loads(answer.body) if not answer.truncated else None
    except orjson.JSONDecodeError:
        document = None
    return document if isinstance(document, dict) else {}


def _error_of(answer: Answer) -> str:
    """The error code of RFC 6749 §5.2; free text of the endpoint is never repeated."""
    error = _document(answer).get("error") if answer.status != 200 else None
    return error if isinstance(error, str) and ERROR_CODE.fullmatch(error) else ""


def _unavailable(at: PlatformAt, detail: str, cause: PortalError | None, *, retry_after: str = "") -> TokenUnavailable:
    seconds = retry_after if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 6 else ""
    headers = {"Retry-After": seconds or (cause.headers.get("Retry-After", "") if cause else "") or "5"}
    return TokenUnavailable(f"The token endpoint of {at.platform} in {at.environment} cannot be used right now. {detail}", headers=headers)
