"""What is done with a lease one has: look at its token, replace it; and the sweep that replaces what is due."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from audit.actions import PORTAL, record
from catalog.rules import PlatformAt, Principal
from identity.callers import Caller
from portal.errors import Conflict, Forbidden, PortalError
from tokens import selectors
from tokens.actions.ending import end_lease
from tokens.actions.refusals import refuse
from tokens.holding import usable_token
from tokens.models import TokenLease


def refresh(*, by: Caller, lease_id: UUID) -> TokenLease:
    """Replace the token of a lease now. Errors as ``create_lease``; Conflict when the lease is over."""
    lease, at, principal = _live_own(lease_id, by=by)
    lease, _ = usable_token(lease.pk, at=at, principal=principal, by=by.actor, beyond=lease.generation)
    return lease


def reveal(*, by: Caller, lease_id: UUID) -> tuple[TokenLease, str]:
    """The token itself, audited. Raises Forbidden ``reveal_forbidden`` where only the portal enforces the scopes and the token could more."""
    lease, at, principal = _live_own(lease_id, by=by)
    if why_not := selectors.why_not_shown(lease, caller=by):
        error = Forbidden(why_not, code="reveal_forbidden", scopes=selectors.scopes_beyond(lease, caller=by))
        refuse(error, by=by, platform=lease.platform, environment=lease.environment, asked=lease.scopes, purpose=lease.purpose)
    lease, value = usable_token(lease.pk, at=at, principal=principal, by=by.actor)
    with transaction.atomic():
        TokenLease.objects.filter(pk=lease.pk).update(revealed_at=timezone.now(), last_used_at=timezone.now())
        record(
            "token:revealed",
            by=by.actor,
            subject=str(lease.pk),
            environment=lease.environment,
            platform=lease.platform,
            scopes=lease.scopes,
            purpose=lease.purpose,
            principal=lease.principal,
        )
    return lease, value


def refresh_due_leases(*, limit: int = 100) -> int:
    """Replace tokens that are in use and near their end, so that nobody waits (P40); how many that were."""
    now, replaced = timezone.now(), 0
    for lease in selectors.leases_to_refresh(limit, now):
        if selectors.why_over(lease, now):
            continue
        at = selectors.place(lease.platform, lease.environment)
        try:
            usable_token(lease.pk, at=at, principal=principal_of(lease, at), by=PORTAL)
        except PortalError:
            continue  # written down, and the lease put off or ended, where it failed
        replaced += 1
    return replaced


def _live_own(lease_id: UUID, *, by: Caller) -> tuple[TokenLease, PlatformAt, Principal]:
    lease = selectors.own_lease(lease_id, caller=by)
    if lease.session_id != by.session_id:
        raise Conflict("This token belongs to another sign-in of yours; use it there, or end it.", code="other_sign_in")
    reason = "ended" if lease.ended_at is not None else selectors.why_over(lease, timezone.now())
    if reason:
        end_lease(lease_id=lease.pk, reason=reason, by=by.actor)
        raise Conflict("This token has ended; ask for a new one.", code="lease_ended", reason=lease.end_reason or reason)
    at = selectors.place(lease.platform, lease.environment)
    return lease, at, principal_of(lease, at)


def principal_of(lease: TokenLease, at: PlatformAt) -> Principal:
    principal = next((one for one in at.principals if one.name == lease.principal), None)
    if principal is None:
        raise Conflict("The rules no longer name the principal of this token; ask for a new one.", code="lease_ended")
    return principal
