"""More quota for a while: asked for by a person, decided by somebody else of the platform team, over by itself."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.actions import record
from audit.redaction import redact
from gateway import elevations
from gateway.limits import group_limit
from gateway.models import Elevation
from identity.callers import Caller
from identity.guards import check_role
from portal.errors import Conflict, Forbidden, Invalid, NotFound


def request_elevation(*, by: Caller, per_minute: int, minutes: int, reason: str) -> Elevation:
    """Ask for ``per_minute`` calls a minute for ``minutes``; nothing changes until it is approved.

    Raises Invalid ``elevation_needless`` when the caller's groups give as much, and Conflict ``elevation_pending`` while another
    request of theirs waits.
    """
    if per_minute <= group_limit(by.access):
        raise Invalid(f"Your groups give you {group_limit(by.access):,} calls a minute already; ask for more.", code="elevation_needless")
    try:
        with transaction.atomic():
            asked = Elevation.objects.create(
                account_id=by.account_id,
                per_minute=per_minute,
                minutes=minutes,
                reason=redact(reason)[: Elevation.LONGEST_REASON],
            )
            _record("elevation:requested", asked, by=by, subject=by.name)
    except IntegrityError:
        raise Conflict("A request of yours waits already; the platform team decides on it first.", code="elevation_pending") from None
    return asked


def decide_elevation(*, elevation_id: UUID, by: Caller, approve: bool) -> Elevation:
    """Approve a request, from now until its minutes are over, or refuse it.

    Raises Forbidden for who is not of the platform team and for approving one's own, NotFound, and Conflict when it was decided.
    """
    check_role(by, "platform")
    now = timezone.now()
    with transaction.atomic():
        asked = Elevation.objects.select_related("account").filter(pk=elevation_id).first()
        if asked is None:
            raise NotFound("There is no such request.", code="unknown_elevation")
        if approve and asked.account_id == by.account_id:
            raise Forbidden("Somebody else of the platform team approves your request.", code="own_elevation")
        asked.state = Elevation.APPROVED if approve else Elevation.REFUSED
        asked.decided_at, asked.decided_by_id = now, by.account_id
        asked.until = now + timedelta(minutes=asked.minutes) if approve else None
        decided = {name: getattr(asked, name) for name in ("state", "decided_at", "decided_by_id", "until")}
        # The condition is part of the UPDATE: of two deciders one changes the row.
        if not Elevation.objects.filter(pk=elevation_id, state=Elevation.PENDING).update(**decided):
            raise Conflict("This request was decided already.", code="elevation_decided")
        _record("elevation:approved" if approve else "elevation:refused", asked, by=by, subject=str(asked.account))
        transaction.on_commit(elevations.forget)
    return asked


def _record(action: str, asked: Elevation, *, by: Caller, subject: str) -> None:
    until = {"until": asked.until.isoformat()} if asked.until else {}
    record(
        action,
        by=by.actor,
        subject=subject,
        elevation=str(asked.pk),
        limit=asked.per_minute,
        seconds=asked.minutes * 60,
        reason=asked.reason,
        window="person",
        **until,
    )
