"""Reading leases, and what somebody could ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from catalog.rules import PlatformAt, Principal
from catalog.selectors import current_rules
from identity.access import Access
from identity.callers import Caller
from identity.selectors import access_for, groups_granting
from portal.errors import NotFound
from tokens.judgement import MIN_LEFT
from tokens.models import Revocation, TokenLease
from tokens.scopes import injected, never_leaves

ENDED_SHOWN = 5
LIVE_LOOKED_AT = 5_000  # leases whose rights one sweep looks at


@dataclass(frozen=True, slots=True)
class OfferedScope:
    """A scope the portal holds somewhere. ``why_not`` is "" when this person may have it; ``groups`` would grant it."""

    name: str
    why_not: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be asked for at one platform in one environment."""

    platform: str
    title: str
    environment: str
    scopes: tuple[OfferedScope, ...]
    bound_by: str
    longest: int  # seconds
    why_not: str  # "" when anything at all can be asked for


def live_leases(session_id: UUID) -> QuerySet[TokenLease]:
    """Leases of a sign-in that are not over, newest first."""
    now = timezone.now()
    return (
        TokenLease.objects.filter(session_id=session_id, session__ended_at=None, ended_at=None, ends_at__gt=now)
        .filter(Q(expires_at=None) | Q(expires_at__gt=now))
        .order_by("-created_at")
    )


def held_leases(caller: Caller) -> QuerySet[TokenLease]:
    """Live leases of the caller's sign-in that have a token, newest first: what pages and the API list."""
    return live_leases(caller.session_id).filter(generation__gt=0).select_related("session__account")


def ended_lately(caller: Caller) -> Sequence[TokenLease]:
    """Leases of the caller that ended within the last hour without their doing, newest first."""
    since = timezone.now() - timedelta(hours=1)
    rows = TokenLease.objects.filter(session__account_id=caller.account_id, ended_at__gt=since)
    return list(rows.exclude(end_reason__in=("revoked_by_person", "principal_changed", "ending")).order_by("-ended_at")[:ENDED_SHOWN])


def chip_lease(caller: Caller) -> TokenLease | None:
    """The lease whose token ends first: what the top bar counts down."""
    return held_leases(caller).filter(retry_at=None).order_by("expires_at").first()


def is_own(lease_id: UUID, *, caller: Caller) -> bool:
    """Is this a lease of the caller's account?"""
    return TokenLease.objects.filter(pk=lease_id, session__account_id=caller.account_id).exists()


def own_lease(lease_id: UUID, *, caller: Caller) -> TokenLease:
    """A lease of the caller's account. Raises NotFound for anybody else's."""
    lease = TokenLease.objects.select_related("session__account").filter(pk=lease_id, session__account_id=caller.account_id).first()
    if lease is None:
        raise NotFound("There is no such token of yours.")
    return lease


def why_not_shown(lease: TokenLease, *, caller: Caller) -> str:
    """Why the token of a lease may not be looked at: only the portal bounds it, and it could do more than ``caller`` may. "" when it may."""
    more = scopes_beyond(lease, caller=caller)
    if not more:
        return ""
    shown = more if len(more) <= 4 else [*more[:3], f"{len(more) - 3} more"]
    named = " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
    return (
        f"This token cannot be shown: {lease.platform} does not limit it to the scopes you took, only the portal does. "
        f"Outside the portal it would also allow {named}, which your groups do not grant. Send your calls through the portal."
    )


def scopes_beyond(lease: TokenLease, *, caller: Caller) -> list[str]:
    """What the token of a lease could do at the platform beyond the caller's own scopes, where only the portal bounds it."""
    at = current_rules().platform_at(lease.platform, lease.environment)
    principal = next((one for one in at.principals if one.name == lease.principal), None) if at else None
    if principal is None or lease.bound_by != "portal":
        return []
    return sorted(principal.scopes - caller.access.scopes_for(lease.platform))


def leases_for_call(session_id: UUID, *, platform: str, environment: str) -> list[TokenLease]:
    """Live leases a call may use, the one with the fewest scopes first."""
    soon = timezone.now() + timedelta(seconds=MIN_LEFT)
    rows = live_leases(session_id).filter(platform=platform, environment=environment, ends_at__gt=soon).order_by()
    return sorted(rows, key=lambda lease: (len(lease.scopes), lease.created_at))


def place(platform: str, environment: str) -> PlatformAt:
    """Where the rules in force say ``platform`` is in ``environment``. Raises NotFound."""
    at = current_rules().platform_at(platform, environment)
    if at is None:
        raise NotFound(f"The rules name no {platform} in {environment}.", code="unknown_place")
    return at


def why_over(lease: TokenLease, now: datetime, *, access: Access | None = None) -> str:
    """Why a lease that nobody ended is over: its sign-in ended, its time is up, its rights or its principal are gone; "" if it is not.

    ``access`` is the person's, where it is known already.
    """
    if lease.session.ended_at is not None:
        return "session_ended"
    if lease.ends_at <= now:
        return "expired"
    if lease.expires_at is not None and lease.expires_at <= now:
        return "refresh_failed" if lease.refresh_failures else "expired"
    if lease.generation == 0 and lease.created_at < now - timedelta(seconds=120):
        return "never_issued"
    access = access or access_for(lease.session.groups)
    if not access.may_read(lease.environment) or not set(lease.scopes) <= access.scopes_for(lease.platform):
        return "scope_lost"
    at = current_rules().platform_at(lease.platform, lease.environment)
    principal = next((one for one in at.principals if one.name == lease.principal), None) if at else None
    if principal is None or not set(lease.scopes) <= principal.scopes:
        return "principal_removed"
    return "" if lease.injected == injected_for(principal, lease.environment, access) else "rights_changed"


def injected_for(principal: Principal, environment: str, access: Access) -> dict[str, str]:
    """The person's groups and role as the rules put them into a token request of ``principal``; {} for most."""
    if not principal.inject_group and not principal.inject_role:
        return {}
    return injected(principal, access=access, groups_granting=groups_granting(environment=environment))


def leases_over(limit: int, now: datetime) -> Iterator[tuple[TokenLease, str]]:
    """Leases that are over though nobody ended them, with the reason: first those of ended sign-ins and those out of time."""
    live = TokenLease.objects.filter(ended_at=None).select_related("session")
    plain = Q(session__ended_at__isnull=False) | Q(ends_at__lte=now) | Q(expires_at__lte=now)
    for lease in live.filter(plain)[:limit]:
        yield lease, why_over(lease, now)
    known: dict[tuple[str, ...], Access] = {}
    for lease in live.exclude(plain).order_by("pk")[:LIVE_LOOKED_AT]:
        groups = tuple(lease.session.groups)
        if groups not in known:
            known[groups] = access_for(groups)
        if reason := why_over(lease, now, access=known[groups]):
            yield lease, reason


def leases_to_refresh(limit: int, now: datetime) -> Sequence[TokenLease]:
    """Leases whose token is used and near its end, or whose replacing failed a while ago; the longest due first."""
    due = Q(retry_at__lte=now) | Q(retry_at=None, refresh_at__lte=now, last_used_at__gte=F("issued_at"))
    rows = TokenLease.objects.filter(due, ended_at=None, ends_at__gt=now + timedelta(seconds=2 * MIN_LEFT))
    return list(rows.select_related("session").order_by("refresh_at")[:limit])


def due_revocations(limit: int) -> Sequence[Revocation]:
    return list(Revocation.objects.filter(due_at__lte=timezone.now()).order_by("due_at")[:limit])


def offers(caller: Caller, *, environment: str = "") -> list[Offer]:
    """Everything the portal could get a token for, with the reason where this person may not."""
    rules = current_rules()
    found = []
    for name, platform in sorted(rules.platforms.items()):
        for stage in rules.environment_names:
            at = platform.at.get(stage)
            if at is not None and at.principals and environment in {"", stage}:
                found.append(_offer(caller, name, platform.title, at))
    return found


def _offer(caller: Caller, name: str, title: str, at: PlatformAt) -> Offer:
    held = caller.access.scopes_for(name)
    here = caller.access.may_read(at.environment)
    scopes = tuple(_offered(scope, name, at.environment, held=here and scope in held) for scope in sorted(at.ceiling))
    granting = groups_granting(environment=at.environment)
    why_not = "" if here else f"Your groups do not open {at.environment}; {' or '.join(granting) or 'no group'} would."
    if here and scopes and all(scope.why_not for scope in scopes):
        granting = sorted({group for scope in scopes for group in scope.groups})
        who = f"{' or '.join(granting)} would." if granting else "No group does."
        why_not = f"Your groups grant no scope the portal holds for {name} in {at.environment}; {who}".replace("; No", ". No")
    longest = min((principal.max_ttl for principal in at.principals), default=0)
    return Offer(name, title, at.environment, scopes, at.scopes_bound_by, longest, why_not)


def _offered(scope: str, platform: str, environment: str, *, held: bool) -> OfferedScope:
    if never_leaves(scope):
        return OfferedScope(scope, "refused for everybody", ())
    if held:
        return OfferedScope(scope, "", ())
    granting = tuple(groups_granting(environment=environment, scope=(platform, scope)))
    return OfferedScope(scope, f"granted by {' or '.join(granting)}" if granting else "granted to no group", granting)
