"""The end of leases: by their person, by an architect, by what they hang on; and telling platforms about it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from audit.actions import PORTAL, Actor, record
from catalog.selectors import current_rules
from identity.callers import Caller
from identity.encryption import SealBroken, seal, unseal
from identity.guards import check_role
from portal.errors import Conflict, NotFound
from tokens import exchange, selectors, store
from tokens.exchange import TokenUnavailable
from tokens.holding import revoke_kept
from tokens.models import Revocation, TokenLease
from tokens.secrets import SecretUnavailable

REVOKE_AGAIN_SECONDS = 30
TOLD_AT_ONCE = 8


def revoke(*, by: Caller, lease_id: UUID) -> None:
    """End a lease of the caller; a second time changes nothing. Raises NotFound for anybody else's."""
    lease = selectors.own_lease(lease_id, caller=by)
    end_lease(lease_id=lease.pk, reason="revoked_by_person", by=by.actor)


def revoke_anybodys(*, by: Caller, lease_id: UUID) -> TokenLease:
    """End the lease of whomever. Raises Forbidden unless the caller is an architect, NotFound, Conflict when it is over already."""
    check_role(by, "architect")
    lease = TokenLease.objects.select_related("session__account").filter(pk=lease_id).first()
    if lease is None:
        raise NotFound("There is no such token.")
    if not end_lease(lease_id=lease.pk, reason="revoked_by_architect", by=by.actor):
        raise Conflict("This token has ended already.", code="lease_ended")
    return lease


@transaction.atomic
def end_lease(*, lease_id: UUID, reason: str, by: Actor) -> bool:
    """End a lease, delete its token, and queue telling the platform. False when it was over already."""
    rows = TokenLease.objects.select_for_update(of=("self",)).select_related("session__account")
    lease = rows.filter(pk=lease_id, ended_at=None).first()
    if lease is None:
        return False
    lease.ended_at, lease.end_reason, lease.exchanging_until = timezone.now(), reason, None
    lease.save(update_fields=["ended_at", "end_reason", "exchanging_until"])
    at = current_rules().platform_at(lease.platform, lease.environment)
    principal = next((one for one in at.principals if one.name == lease.principal), None) if at else None
    if principal is not None:
        revoke_kept(lease, principal)
    store.forget(lease.pk)
    record(
        "token:revoked",
        by=by,
        subject=str(lease.pk),
        environment=lease.environment,
        platform=lease.platform,
        scopes=lease.scopes,
        principal=lease.principal,
        reason=reason,
        lease=str(lease.pk),
        person=str(lease.session.account),
    )
    return True


def end_over_leases(*, limit: int = 500) -> int:
    """End every lease that is over (sign-in ended, time up, rights or principal gone); how many that were."""
    over = selectors.leases_over(limit, timezone.now())
    return sum(end_lease(lease_id=lease.pk, reason=reason, by=PORTAL) for lease, reason in list(over) if reason)


def revoke_due_tokens(*, limit: int = 50) -> int:
    """Tell platforms which tokens are over; what cannot be told is tried again until the token ends by itself."""
    claimed = []
    for due in selectors.due_revocations(limit):
        again_at = timezone.now() + timedelta(seconds=REVOKE_AGAIN_SECONDS)
        if Revocation.objects.filter(pk=due.pk, due_at=due.due_at).update(due_at=again_at, attempts=due.attempts + 1) == 1:
            claimed.append((due.pk, _telling(due)))  # else another worker took it
    if claimed:
        # Side by side, so that a platform that takes its time does not hold back the others.
        with ThreadPoolExecutor(TOLD_AT_ONCE) as pool:
            done = pool.map(lambda claim: claim[1](), claimed)
            Revocation.objects.filter(pk__in=[pk for (pk, _), told in zip(claimed, done, strict=True) if told]).delete()
    return len(claimed)


def _left_behind(due: Revocation) -> str:
    """The token that lay in Redis while it was away, fetched and forgotten. Raises StoreAway; SealBroken when it is gone."""
    token = store.look(due.lease_id, generation=due.generation)
    if token is None:
        raise SealBroken("nothing is left of it")
    Revocation.objects.filter(pk=due.pk).update(sealed=seal(token.encode()))
    if TokenLease.objects.filter(pk=due.lease_id, ended_at=None).first() is None:
        store.forget(due.lease_id)
    return token


def _telling(due: Revocation) -> Callable[[], bool]:
    """What tells the platform: True when nothing more can be done for this token. It uses no database."""
    at = current_rules().platform_at(due.platform, due.environment)
    principal = next((one for one in at.principals if one.name == due.principal), None) if at else None
    try:
        token = unseal(bytes(due.sealed)).decode() if due.sealed else _left_behind(due)
    except SealBroken:
        principal = None
    except store.StoreAway:
        return lambda: due.until <= timezone.now()
    if at is None or principal is None or due.until <= timezone.now():
        return lambda: True

    def tell() -> bool:
        try:
            exchange.revoke(principal, at=at, token=token)
        except (TokenUnavailable, SecretUnavailable):
            return False
        return True

    return tell
