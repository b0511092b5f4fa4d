"""A usable token for a lease: the kept one, or one new exchange however many wait for it.

A token is handed out only with at least MIN_LEFT seconds to go. It is replaced when a fifth of its life is left (30 s to
15 min), jittered. When replacing is refused the lease ends; while the platform is away it is tried thrice in a minute, then the
lease ends. In neither case is the old token served again (P41).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.actions import Actor, record
from catalog.rules import PlatformAt, Principal
from identity.defects import ProviderUnusable
from identity.encryption import seal
from identity.revalidation import current_id_token
from portal.errors import Conflict, PortalError, Unauthenticated
from tokens import store
from tokens.exchange import MIN_LEFT, Issued, OnBehalf, TokenRefused, TokenUnavailable, exchange
from tokens.models import Revocation, TokenLease
from tokens.secrets import SecretUnavailable

logger = structlog.get_logger(__name__)

CLAIM_SECONDS = 40  # longer than the longest exchange
WAIT_SECONDS = 30.0
REFUSAL_KEPT_SECONDS = 10.0  # a refused exchange is not tried again sooner
OUTAGE_KEPT_SECONDS = 2.0
AGAIN_SECONDS = 5  # until a Redis that is away is asked again for a token that is over
OLD_TOKEN_SECONDS = 60  # a replaced token may still be on its way in a call
REFRESH_TRIES = 3  # for a platform that is away, within REFRESH_TRIES_SECONDS; then the lease ends
REFRESH_TRIES_SECONDS = 60
RETRY_SECONDS, RETRY_JITTER_SECONDS = 16, 8
FAILURES = (TokenRefused, TokenUnavailable, SecretUnavailable)

_gates = [threading.Lock() for _ in range(1024)]
_failures: dict[tuple[str, ...], tuple[float, PortalError]] = {}
_failures_lock = threading.Lock()


def fingerprint(token: str) -> str:
    """Tells two tokens apart in lists and logs, and tells nothing else."""
    return hmac.new(settings.SECRET_KEY.encode(), b"token" + token.encode(), hashlib.sha256).hexdigest()[:16]


def forget_failures() -> None:
    with _failures_lock:
        _failures.clear()


def usable_token(
    lease_id: UUID, *, at: PlatformAt, principal: Principal, by: Actor, unlike: str | None = None, beyond: int = -1
) -> tuple[TokenLease, str]:
    """The lease as it is now and a token with time left, other than ``unlike`` and of a generation above ``beyond``.

    Raises TokenRefused, TokenUnavailable or SecretUnavailable when the one exchange failed (the lease has ended then),
    Conflict ``lease_ended`` / ``lease_ending``, Unauthenticated ``session_ended``.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        lease = _live(lease_id)
        token = _kept(lease, unlike=unlike, beyond=beyond)
        if token is not None and not _due(lease):
            return lease, token
        with _gate(lease_id, deadline):
            lease = _live(lease_id)
            token = _kept(lease, unlike=unlike, beyond=beyond)
            if token is not None and not _due(lease):
                return lease, token
            if _claim(lease):
                return _replace(lease, at=at, principal=principal, by=by)
        if token is not None:
            # Somebody else is replacing it; this one is still good.
            return lease, token
        if time.monotonic() > deadline:
            raise TokenUnavailable("Another request is still asking for this token. Try again.", headers={"Retry-After": "5"})
        time.sleep(0.05)


def ready_token(lease: TokenLease) -> str | None:
    """The kept token of a lease just read, when it can be used as it is."""
    return None if _due(lease) else _kept(lease, unlike=None, beyond=-1)


@contextmanager
def _gate(lease_id: UUID, deadline: float) -> Iterator[None]:
    """One thread of this process at a time asks the database for the claim; the others wait without polling."""
    gate = _gates[lease_id.int % len(_gates)]
    if not gate.acquire(timeout=max(0.0, deadline - time.monotonic())):
        raise TokenUnavailable("Another request is still asking for this token. Try again.", headers={"Retry-After": "5"})
    try:
        yield
    finally:
        gate.release()


def _live(lease_id: UUID) -> TokenLease:
    lease = TokenLease.objects.select_related("session").get(pk=lease_id)
    if lease.session.ended_at is not None:
        raise Unauthenticated("Your sign-in has ended, and its tokens with it. Sign in again.", code="session_ended")
    if lease.ended_at is not None:
        raise remembered_failure(lease) or Conflict("This token has ended; ask for a new one.", code="lease_ended")
    now = timezone.now()
    if lease.retry_at is not None and lease.retry_at > now:
        seconds = max(1, round((lease.retry_at - now).total_seconds()))
        said = f"The token for {lease.platform} in {lease.environment} could not be replaced; the portal tries again in {seconds} s."
        raise TokenUnavailable(said, headers={"Retry-After": str(seconds)})
    if lease.ends_at <= now + timedelta(seconds=MIN_LEFT):
        raise Conflict("This token is about to end for good; ask for a new one.", code="lease_ending")
    return lease


def _kept(lease: TokenLease, *, unlike: str | None, beyond: int) -> str | None:
    if lease.generation <= max(beyond, 0) or lease.expires_at is None:
        return None
    if lease.expires_at < timezone.now() + timedelta(seconds=MIN_LEFT):
        return None
    token = store.get(lease.pk, generation=lease.generation)
    return None if token is None or (unlike is not None and hmac.compare_digest(token.encode(), unlike.encode())) else token


def _due(lease: TokenLease) -> bool:
    return lease.refresh_at is not None and lease.refresh_at <= timezone.now()


def _claim(lease: TokenLease) -> bool:
    now = timezone.now()
    free = Q(exchanging_until=None) | Q(exchanging_until__lte=now)
    rows = TokenLease.objects.filter(free, pk=lease.pk, ended_at=None, generation=lease.generation)
    return rows.update(exchanging_until=now + timedelta(seconds=CLAIM_SECONDS)) == 1


def _replace(lease: TokenLease, *, at: PlatformAt, principal: Principal, by: Actor) -> tuple[TokenLease, str]:
    """Exchange and keep. The claim is held; nothing is locked in the database while the platform takes its time."""
    try:
        failure = remembered_failure(lease)
        if failure is not None:
            raise failure
        issued = exchange(principal, at=at, scopes=lease.scopes, person=_person(lease, principal))
    except FAILURES as error:
        if lease.generation and not isinstance(error, TokenRefused) and _postpone(lease, principal, error, by=by):
            raise
        _fail(lease, principal, error, by=by)
        raise
    except BaseException:
        TokenLease.objects.filter(pk=lease.pk, generation=lease.generation).update(exchanging_until=None)
        raise
    if not _keep(lease, issued, principal, by=by):
        raise Unauthenticated("Your sign-in or this token ended while the platform was answering.", code="session_ended")
    return lease, issued.token


def _person(lease: TokenLease, principal: Principal) -> OnBehalf:
    """For whom the token is asked. Raises TokenUnavailable when the identity provider gives no current ID token."""
    if principal.grant != "token_exchange":
        return OnBehalf(lease.injected)
    try:
        return OnBehalf(lease.injected, current_id_token(lease.session_id))
    except ProviderUnusable as error:
        raise TokenUnavailable(error.detail, headers={"Retry-After": "30"}) from None


@transaction.atomic
def _keep(lease: TokenLease, issued: Issued, principal: Principal, *, by: Actor) -> bool:
    """Store the token in the lease; False when either ended in the meantime."""
    now = timezone.now()
    lifetime = min(issued.lifetime, principal.max_ttl, settings.TOKEN_MAX_TTL, int((lease.ends_at - now).total_seconds()))
    upstream_end = now + timedelta(seconds=issued.lifetime)
    first = lease.generation == 0
    fields = {
        "generation": lease.generation + 1,
        "fingerprint": fingerprint(issued.token),
        "issued_at": now,
        "expires_at": now + timedelta(seconds=lifetime),
        "upstream_expires_at": upstream_end,
        "refresh_at": refresh_moment(now, lifetime),
        "refresh_failures": 0,
        "failing_since": None,
        "retry_at": None,
        "exchanging_until": None,
    }
    rows = TokenLease.objects.filter(pk=lease.pk, ended_at=None, generation=lease.generation, session__ended_at=None)
    if rows.update(**fields) != 1:
        # The sign-in or the lease ended while the platform was answering: the late token is never kept.
        queue_revocation(lease, principal, issued.token, until=upstream_end)
        return False
    revoke_kept(lease, principal, after=OLD_TOKEN_SECONDS, unless=issued.token)
    for name, value in fields.items():
        setattr(lease, name, value)
    store.put(lease.pk, generation=lease.generation, token=issued.token, until=upstream_end)
    _record_issue(lease, issued, principal, first=first, lifetime=lifetime, by=by)
    return True


def _record_issue(lease: TokenLease, issued: Issued, principal: Principal, *, first: bool, lifetime: int, by: Actor) -> None:
    where: dict[str, Any] = {"by": by, "subject": str(lease.pk), "environment": lease.environment, "platform": lease.platform}
    by_whom: dict[str, Any] = {"principal": principal.name, "secret_version": issued.secret_version}
    facts = {"scopes": lease.scopes, "ttl": lifetime, "expires_at": lease.expires_at, "lease": str(lease.pk)}
    if first:
        via = "call" if lease.automatic else "request"
        record("token:issued", **where, **facts, **by_whom, purpose=lease.purpose, grant=principal.grant, via=via)
    else:
        record("token:refreshed", **where, **facts, **by_whom)
    if issued.refresh_token_dropped:
        # RFC 6749 §4.4.3: there should be none; a long-lived one is never kept (P37).
        record("token:discarded", **where, principal=principal.name, reason="refresh_token")


def refresh_moment(issued_at: datetime, lifetime: int) -> datetime:
    """When a fifth of the life is left, at least 30 s and at most 15 min, and up to 5 % earlier so that not all come at once."""
    ahead = min(max(0.2 * lifetime, 30.0), 900.0)
    jitter = secrets.randbelow(1000) / 1000 * 0.05 * lifetime
    return issued_at + timedelta(seconds=max(lifetime - ahead - jitter, 0.0))


@transaction.atomic
def _postpone(lease: TokenLease, principal: Principal, error: PortalError, *, by: Actor) -> bool:
    """The platform is away: try again in a third of a minute, thrice within a minute. False when that was the last try.

    The old token is gone with the first failure: until a new one is there, there is none (P41).
    """
    now = timezone.now()
    since, tried = lease.failing_since or now, lease.refresh_failures + 1
    retry_at = now + timedelta(seconds=RETRY_SECONDS + secrets.randbelow(1000) / 1000 * RETRY_JITTER_SECONDS)
    if tried >= REFRESH_TRIES or retry_at > since + timedelta(seconds=REFRESH_TRIES_SECONDS):
        return False
    rows = TokenLease.objects.filter(pk=lease.pk, ended_at=None, generation=lease.generation)
    fields = {"refresh_failures": tried, "failing_since": since, "retry_at": retry_at, "exchanging_until": None}
    # Another generation, so that no copy of the old token is served, wherever one turns up.
    if rows.update(**fields, generation=lease.generation + 1) == 1:
        revoke_kept(lease, principal, after=OLD_TOKEN_SECONDS)
        store.forget(lease.pk)
        where: dict[str, Any] = {"subject": str(lease.pk), "environment": lease.environment, "platform": lease.platform}
        reason = str(error.extra.get("reason", error.code))
        facts: dict[str, Any] = {"principal": principal.name, "reason": reason, "attempt": tried, "lease": str(lease.pk)}
        record("token:postponed", by=by, outcome="failed", code=error.code, retry_at=retry_at, **where, **facts)
    error.headers["Retry-After"] = str(max(1, round((retry_at - now).total_seconds())))
    return True


@transaction.atomic
def _fail(lease: TokenLease, principal: Principal, error: PortalError, *, by: Actor) -> None:
    now = timezone.now()
    refused = isinstance(error, TokenRefused)
    remember_failure(lease, error, seconds=REFUSAL_KEPT_SECONDS if refused else OUTAGE_KEPT_SECONDS)
    unwanted = error.token_to_revoke if isinstance(error, TokenRefused) else ""
    if unwanted:
        queue_revocation(lease, principal, unwanted, until=now + timedelta(seconds=settings.TOKEN_MAX_TTL))
    reason = str(error.extra.get("reason", error.code))
    ended = "refresh_failed" if lease.generation else reason
    TokenLease.objects.filter(pk=lease.pk, ended_at=None).update(ended_at=now, end_reason=ended[:40], exchanging_until=None)
    revoke_kept(lease, principal)
    store.forget(lease.pk)
    record(
        "token:refused",
        by=by,
        outcome="refused" if refused else "failed",
        subject=str(lease.pk),
        environment=lease.environment,
        code=error.code,
        platform=lease.platform,
        scopes=lease.scopes,
        purpose=lease.purpose,
        principal=principal.name,
        reason=reason,
        grant=principal.grant,
    )


def queue_revocation(lease: TokenLease, principal: Principal, token: str, *, until: datetime, after: int = 0) -> None:
    """Remember to tell the platform that a token is over, when it can be told."""
    if principal.revocation_url:
        Revocation.objects.create(
            lease_id=lease.pk,
            platform=lease.platform,
            environment=lease.environment,
            principal=principal.name,
            generation=lease.generation,
            sealed=seal(token.encode()) if token else b"",
            due_at=timezone.now() + timedelta(seconds=after),
            until=until,
        )


def revoke_kept(lease: TokenLease, principal: Principal, *, after: int = 0, unless: str = "") -> None:
    """Remember to tell the platform that the lease's token is over, unless it is ``unless``; call it before forgetting the token."""
    if not lease.generation or lease.upstream_expires_at is None:
        return
    try:
        kept = store.look(lease.pk, generation=lease.generation)
    except store.StoreAway:
        # It is fetched when Redis is back.
        queue_revocation(lease, principal, "", until=lease.upstream_expires_at, after=max(after, AGAIN_SECONDS))
        return
    if kept is not None and kept != unless:
        queue_revocation(lease, principal, kept, until=lease.upstream_expires_at, after=after)


def _failure_key(lease: TokenLease) -> tuple[str, ...]:
    return lease.platform, lease.environment, lease.principal, lease.scopes_digest


def remember_failure(lease: TokenLease, error: PortalError, *, seconds: float) -> None:
    now = time.monotonic()
    with _failures_lock:
        for key in [key for key, (until, _) in _failures.items() if until <= now]:
            del _failures[key]
        _failures.setdefault(_failure_key(lease), (now + seconds, _same(error)))


def remembered_failure(lease: TokenLease) -> PortalError | None:
    """How the same exchange failed a moment ago, so that a crowd of callers is one request and one answer."""
    with _failures_lock:
        until, error = _failures.get(_failure_key(lease), (0.0, None))
    return _same(error) if error is not None and until > time.monotonic() else None


def _same(error: PortalError) -> PortalError:
    """A fresh exception that says the same: one object must not be raised in several threads, and keeps no token."""
    again = error.__class__.__new__(error.__class__)
    again.args = error.args
    again.__dict__.update({name: value for name, value in error.__dict__.items() if name != "token_to_revoke"}, token_to_revoke="")
    return again
