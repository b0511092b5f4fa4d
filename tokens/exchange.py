"""One token request (RFC 6749 §4.3, §4.4; RFC 8693), judged completely; one revocation (RFC 7009)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode, urlsplit

from django.conf import settings

from catalog.rules import PlatformAt, Principal
from portal.errors import Malformed, Unavailable, UpstreamFailed, UpstreamTimeout
from tokens.client_authentication import authenticated
from tokens.judgement import MIN_LEFT, Issued, TokenRefused, TokenUnavailable, error_of, judge, unavailable
from tokens.secrets import Secret, secret
from upstream import blocking
from upstream.messages import Answer, Limits, Outgoing, Target

__all__ = ["MIN_LEFT", "Issued", "OnBehalf", "TokenRefused", "TokenUnavailable", "exchange", "revoke"]

LIMITS = Limits(connect=3.0, first_byte=10.0, total=12.0, body=262_144, concurrency=32)
ROTATED = {"invalid_client", "invalid_grant"}  # what a secret that was just rotated looks like: client, access key
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  (a name, RFC 8693)
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class OnBehalf:
    """For whom a token is asked: parameters the rules inject (P34), and the person's ID token where it is exchanged."""

    injected: Mapping[str, str] = field(default_factory=dict)
    id_token: str = field(default="", repr=False)


NOBODY = OnBehalf()


@dataclass(frozen=True, slots=True)
class _Secrets:
    """What a principal proves itself with."""

    client: Secret
    password: Secret

    @property
    def version(self) -> str:
        return " ".join(one.version for one in (self.client, self.password) if one.version)


def exchange(principal: Principal, *, at: PlatformAt, scopes: Sequence[str], person: OnBehalf = NOBODY) -> Issued:
    """Ask for one token with exactly ``scopes``. Raises TokenRefused, TokenUnavailable, SecretUnavailable.

    A secret that was rotated in between is read again once, when the endpoint does not know the client or the access key.
    """
    used = _secrets(principal)
    answer = _ask(principal, at, scopes, used, person)
    if error_of(answer) in ROTATED and (fresh := _secrets(principal, again=True)) != used:
        used = fresh
        answer = _ask(principal, at, scopes, used, person)
    return replace(judge(answer, at=at, principal=principal, scopes=scopes), secret_version=used.version)


def _secrets(principal: Principal, *, again: bool = False) -> _Secrets:
    password = secret(principal.password, again=again) if principal.grant == "password" else Secret("", "")
    return _Secrets(secret(principal.secret, again=again), password)


def _ask(principal: Principal, at: PlatformAt, scopes: Sequence[str], used: _Secrets, person: OnBehalf) -> Answer:
    form = {"grant_type": principal.grant}
    if principal.grant == "password":
        form |= {"username": principal.username, "password": used.password.value}
    elif principal.grant == "token_exchange":
        form = {"grant_type": TOKEN_EXCHANGE, "subject_token": person.id_token, "subject_token_type": ID_TOKEN}
        form["requested_token_type"] = ACCESS_TOKEN
    if scopes and at.scopes_bound_by == "platform":
        form["scope"] = " ".join(scopes)
    form |= {name: value for name, value in (("audience", principal.audience), ("resource", principal.resource)) if value}
    form |= person.injected
    return _post(principal, at, principal.url, form, used.client)


def revoke(principal: Principal, *, at: PlatformAt, token: str) -> bool:
    """Tell the platform that the token is over; False when it has no such place.

    Raises TokenUnavailable, SecretUnavailable when it was not told: the token may still be good.
    """
    if not principal.revocation_url:
        return False
    if principal.revocation == "bearer_delete":
        answer = _send(at, Outgoing("DELETE", principal.revocation_url, [("Authorization", f"Bearer {token}")]))
        told = answer.status < 300 or answer.status in {401, 404, 410}  # a token that opens nothing is over
    else:
        form = {"token": token, "token_type_hint": "access_token"}
        answer = _post(principal, at, principal.revocation_url, form, secret(principal.secret))
        if error_of(answer) in ROTATED:
            answer = _post(principal, at, principal.revocation_url, form, secret(principal.secret, again=True))
        # RFC 7009 §2.2.1: such a token cannot be revoked there, now or later.
        told = answer.status < 300 or error_of(answer) in {"unsupported_token_type", "invalid_request"}
    if not told:
        raise TokenUnavailable(f"The revocation endpoint of {at.platform} in {at.environment} answered {answer.status}.")
    return True


def _post(principal: Principal, at: PlatformAt, url: str, form: dict[str, str], used: Secret) -> Answer:
    form, proof = authenticated(principal, form, used)
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"), *proof]
    return _send(at, Outgoing("POST", url, headers, urlencode(form).encode()))


def _send(at: PlatformAt, outgoing: Outgoing) -> Answer:
    parts = urlsplit(outgoing.url)
    target = Target(
        name=f"token endpoint of {at.platform} in {at.environment}",
        base_url=f"{parts.scheme}://{parts.netloc}",
        networks=at.networks,
        allow_loopback=settings.DEVELOPMENT,
    )
    try:
        return blocking.send(target, outgoing, limits=LIMITS)
    except (UpstreamFailed, UpstreamTimeout, Unavailable, Malformed) as error:
        raise unavailable(at, error.detail, error) from None
