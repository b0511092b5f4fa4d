"""Writing the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from audit.models import Entry


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it. ``PORTAL`` is the portal itself."""

    id: str = ""
    name: str = "portal"
    session: str = ""
    remote: str = ""


PORTAL = Actor()


def record(
    action: str,
    *,
    by: Actor,
    outcome: str = "ok",
    subject: str = "",
    api: str = "",
    environment: str = "",
    code: str = "",
    request_id: str = "",
    **data: Any,
) -> int:
    """Append one entry and return its id. Call it inside the transaction of what it tells of."""
    entry = Entry.objects.create(
        at=timezone.now(),
        action=action,
        outcome=outcome,
        actor=by.id,
        actor_name=by.name,
        session=by.session,
        remote=by.remote,
        subject=subject,
        api=api,
        environment=environment,
        code=code,
        request_id=request_id,
        data=data,
    )
    return entry.pk
