"""Everything a token answer must be before its token may be used (RFC 6749 §5, RFC 8693 §2.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.conf import settings

from catalog.rules import PlatformAt, Principal
from portal.errors import PortalError, Unavailable, UpstreamFailed
from upstream.messages import Answer

MIN_LEFT = 60  # seconds a token must still live to be handed out; D63
TOKEN_LIMIT = 16_384  # characters
ERROR_CODE = re.compile(r"[a-z_]{1,60}")
TOKEN = re.compile(r"[\x21-\x7e]+")
ACCESS_TOKEN_TYPES = {"urn:ietf:params:oauth:token-type:access_token", "urn:ietf:params:oauth:token-type:jwt"}


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


def judge(answer: Answer, *, at: PlatformAt, principal: Principal, scopes: Sequence[str]) -> Issued:
    """The token of an answer. Raises TokenRefused, TokenUnavailable."""
    where = f"{at.platform} in {at.environment}"
    if answer.status == 429 or answer.status >= 500:
        raise unavailable(at, f"It answered {answer.status}.", None, retry_after=answer.header("Retry-After"))
    document = _document(answer)
    if answer.status != 200:
        error = error_of(answer) or f"status {answer.status}"
        raise TokenRefused("endpoint_refused", f"The token endpoint of {where} refused: {error}. Tell the platform team.")
    token = document.get("access_token")
    if not isinstance(token, str) or not 0 < len(token) <= TOKEN_LIMIT or not TOKEN.fullmatch(token):
        raise TokenRefused("answer_unusable", f"The token endpoint of {where} answered without a usable token.")
    if str(document.get("token_type", "")).lower() != "bearer":
        raise TokenRefused(
            "type_unusable", f"The token endpoint of {where} issued a token that is not a bearer token.", token_to_revoke=token
        )
    if principal.grant == "token_exchange" and document.get("issued_token_type") not in ACCESS_TOKEN_TYPES:
        raise TokenRefused(
            "type_unusable", f"The token endpoint of {where} exchanged for something that is not an access token.", token_to_revoke=token
        )
    lifetime = _lifetime(document.get("expires_in"), where, token)
    if at.scopes_bound_by == "platform":
        _check_scopes(document, scopes, where, token, as_requested=principal.omitted_scope_means == "as_requested")
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


def _check_scopes(document: dict[str, Any], asked: Sequence[str], where: str, token: str, *, as_requested: bool) -> None:
    # RFC 6749 §5.1 lets a server leave scope out when it is what was asked for; servers also leave it out when they
    # dropped what they do not know. Not said is not granted, unless the rules know better about this server.
    answered = document.get("scope")
    if answered is None and as_requested:
        return
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


def error_of(answer: Answer) -> str:
    """The error code of RFC 6749 §5.2; free text of the endpoint is never repeated."""
    error = _document(answer).get("error") if answer.status != 200 else None
    return error if isinstance(error, str) and ERROR_CODE.fullmatch(error) else ""


def unavailable(at: PlatformAt, detail: str, cause: PortalError | None, *, retry_after: str = "") -> TokenUnavailable:
    """The error of an endpoint that cannot be used now, with when to try again."""
    seconds = retry_after if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 6 else ""
    headers = {"Retry-After": seconds or (cause.headers.get("Retry-After", "") if cause else "") or "5"}
    return TokenUnavailable(f"The token endpoint of {at.platform} in {at.environment} cannot be used right now. {detail}", headers=headers)
