"""Reading people, sign-ins and what groups allow. Nothing here writes."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.actions import Actor
from identity.access import ROLES, Access, Grant, combine
from identity.browser_sessions import row_of
from identity.callers import Caller
from identity.models import AccessKey, GroupGrant, SsoSession
from portal.statements import FirstRow

GRANTS_KEPT_SECONDS = 1.0  # how long another process may go on with grants that were just replaced


class _GrantsInForce:
    """The grants, read at most once a second a process: every request needs them and they change with a commit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grants: tuple[Grant, ...] = ()
        self._until = 0.0

    def get(self) -> tuple[Grant, ...]:
        with self._lock:
            if time.monotonic() < self._until:
                return self._grants
        fresh = tuple(_grant(row) for row in GroupGrant.objects.order_by("group"))
        with self._lock:
            self._grants, self._until = fresh, time.monotonic() + GRANTS_KEPT_SECONDS
        return fresh

    def forget(self) -> None:
        with self._lock:
            self._until = 0.0


_in_force = _GrantsInForce()


def _grant(row: GroupGrant) -> Grant:
    return Grant(
        group=row.group,
        role=row.role,
        environments=frozenset(row.environments),
        write=frozenset(row.write),
        per_minute=row.per_minute,
        scopes={platform: frozenset(scopes) for platform, scopes in row.scopes.items()},
    )


def grants() -> tuple[Grant, ...]:
    """Every group's grant now in force, by name."""
    return _in_force.get()


def forget_grants() -> None:
    """Read the grants again at the next question."""
    _in_force.forget()


def access_for(groups: Iterable[str]) -> Access:
    """What somebody in ``groups`` may do. Names are compared exactly, case included."""
    return combine(groups, grants())


def groups_granting(
    *, environment: str | None = None, write: bool = False, scope: tuple[str, str] | None = None, role: str | None = None
) -> list[str]:
    """The groups that alone would grant all of what is asked.

    ``scope`` is (platform, scope). ``write`` asks for unsafe methods in ``environment``. ``role`` asks for that role or a higher one.
    """

    def allows(grant: Grant) -> bool:
        return (
            (environment is None or environment in (grant.write if write else grant.environments))
            and (scope is None or scope[1] in grant.scopes.get(scope[0], frozenset()))
            and (role is None or ROLES.index(grant.role) >= ROLES.index(role))
        )

    return [grant.group for grant in grants() if allows(grant)]


def hash_of_key(access_key: str) -> str:
    """What is stored of an access key. It has 256 random bits, so a plain hash cannot be searched."""
    return hashlib.sha256(access_key.encode()).hexdigest()


def lapse_of(session: SsoSession, now: datetime) -> str:
    """Why this sign-in is over although nobody ended it: "expired", "idle", "account_disabled", or "" when it is live."""
    return _lapse(session.expires_at, session.last_seen_at, now) or ("" if session.account.is_active else "account_disabled")


def _lapse(expires_at: datetime, last_seen_at: datetime, now: datetime) -> str:
    if expires_at <= now:
        return "expired"
    return "idle" if last_seen_at + timedelta(seconds=settings.SSO_IDLE_SECONDS) <= now else ""


def _is_session_key(value: str) -> bool:
    """What Django makes: anything else in the cookie is not worth a query, and may not be storable text at all."""
    return 8 <= len(value) <= 40 and value.isascii() and value.isalnum()


def session_with_key(session_key: str) -> SsoSession | None:
    """The sign-in of a browser, unless it was ended. It may have lapsed."""
    if not _is_session_key(session_key):
        return None
    return SsoSession.objects.select_related("account").filter(session_key=row_of(session_key), ended_at=None).first()


# What a caller is made of, read in one row: whole models of three tables would cost three times as much on every call.
_SESSION_FIELDS = ("id", "account_id", "groups", "expires_at", "last_seen_at", "ended_at")
_ACCOUNT_FIELDS = ("name", "email", "subject", "is_active")
_OF_COOKIE = (*_SESSION_FIELDS, *(f"account__{name}" for name in _ACCOUNT_FIELDS))
_OF_KEY = (
    *(f"session__{name}" for name in _SESSION_FIELDS),
    *(f"session__account__{name}" for name in _ACCOUNT_FIELDS),
    "id",
    "last_used_at",
)


_key_row = FirstRow(lambda key_hash: AccessKey.objects.filter(key_hash=key_hash, revoked_at=None).values_list(*_OF_KEY))
_cookie_row = FirstRow(
    lambda session_key: SsoSession.objects.filter(session_key=session_key, ended_at=None).order_by("id").values_list(*_OF_COOKIE)
)


def caller_of(*, session_key: str | None = None, access_key: str | None = None, remote: str = "") -> Caller | None:
    """Whoever comes with this cookie or this access key, or None when that is not, or no longer, anybody."""
    row: tuple[Any, ...] | None = None
    if access_key is not None:
        row = _key_row.get(hash_of_key(access_key))
    elif session_key and _is_session_key(session_key):
        found = _cookie_row.get(row_of(session_key))
        row = None if found is None else (*found, None, None)
    if row is None:
        return None
    session_id, account_id, groups, expires_at, last_seen_at, ended_at, name, email, subject, active, key_id, key_used_at = row
    if ended_at is not None or not active or _lapse(expires_at, last_seen_at, timezone.now()):
        return None
    shown = name or email or subject
    return Caller(
        account_id=account_id,
        name=shown,
        session_id=session_id,
        session_expires_at=expires_at,
        access=access_for(groups),
        via="cookie" if key_id is None else "key",
        actor=Actor(id=str(account_id), name=shown, session=str(session_id), remote=remote),
        last_seen_at=last_seen_at,
        key_id=key_id,
        key_used_at=key_used_at,
    )


def person_of(session: SsoSession, *, remote: str = "") -> Actor:
    """The person of a sign-in, for the log."""
    return Actor(id=str(session.account_id), name=str(session.account), session=str(session.pk), remote=remote)


def session_is_live(session_id: UUID) -> bool:
    """Nobody ended it and it has not passed its absolute end."""
    return SsoSession.objects.filter(pk=session_id, ended_at=None, expires_at__gt=timezone.now()).exists()


def is_own(session_id: UUID, *, caller: Caller) -> bool:
    """Is this a sign-in of the caller?"""
    return SsoSession.objects.filter(pk=session_id, account_id=caller.account_id).exists()


def live_sessions(account_id: UUID) -> QuerySet[SsoSession]:
    """A person's sign-ins that are not over, newest first."""
    now = timezone.now()
    return SsoSession.objects.filter(
        account_id=account_id, ended_at=None, expires_at__gt=now, last_seen_at__gt=now - timedelta(seconds=settings.SSO_IDLE_SECONDS)
    ).order_by("-created_at")


def everybodys_sessions(who: str = "") -> QuerySet[SsoSession]:
    """All sign-ins that are not over, newest first, with their accounts; ``who`` is a part of a name, an address or a subject."""
    now = timezone.now()
    rows = SsoSession.objects.select_related("account").filter(
        ended_at=None, expires_at__gt=now, last_seen_at__gt=now - timedelta(seconds=settings.SSO_IDLE_SECONDS), account__is_active=True
    )
    if who:
        rows = rows.filter(Q(account__name__icontains=who) | Q(account__email__icontains=who) | Q(subject__icontains=who))
    return rows.order_by("-created_at", "pk")


def page_number(text: str) -> int:
    """The page somebody asked for; 1 for anything that is none."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def lapsed_sessions(limit: int) -> Sequence[SsoSession]:
    """Sign-ins that nobody ended but that are over."""
    now = timezone.now()
    rows = SsoSession.objects.select_related("account").filter(ended_at=None)
    idle_since = now - timedelta(seconds=settings.SSO_IDLE_SECONDS)
    over = Q(expires_at__lte=now) | Q(last_seen_at__lte=idle_since) | Q(account__is_active=False)
    return list(rows.filter(over)[:limit])


def sessions_to_revalidate(limit: int) -> Sequence[SsoSession]:
    """Sign-ins the provider is to be asked about now, the longest due first."""
    rows = SsoSession.objects.filter(ended_at=None, revalidate_at__lte=timezone.now()).select_related("account")
    return list(rows.order_by("revalidate_at")[:limit])


def live_keys(account_id: UUID) -> QuerySet[AccessKey]:
    """A person's access keys that still open something, newest first."""
    return (
        AccessKey.objects.filter(session__in=live_sessions(account_id).order_by(), revoked_at=None)
        .select_related("session")
        .order_by("-created_at")
    )
