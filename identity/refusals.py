"""Who was not let in, for the log: one entry for every refusal, written before it is answered."""

from __future__ import annotations

import structlog
from django.db import transaction
from django.http import HttpRequest

from audit.actions import Actor, record
from identity.actions import KEY_PREFIX
from identity.callers import Caller
from portal.errors import Forbidden, QuotaExceeded
from quotas.actions import spend
from quotas.windows import Window

SHOWN_OF_A_KEY = len(KEY_PREFIX) + 6  # characters; as many as its owner sees in the list


REFUSALS_A_MINUTE = 240  # from one address; a whole office may share it
logger = structlog.get_logger(__name__)


def is_flood(remote: str) -> bool:
    """True when strangers at one address were refused so often that further refusals are only counted: they must not fill the log."""
    try:
        spend([Window(name="refused-strangers", key=f"refused-strangers:{remote}", limit=REFUSALS_A_MINUTE, seconds=60)])
    except QuotaExceeded:
        logger.warning("refusals_not_recorded", remote=remote)
        return True
    return False


@transaction.atomic
def record_access_refused(*, by: Caller, error: Forbidden, request: HttpRequest, role: str = "") -> None:
    """``by`` asked for something their groups do not open; ``role`` is the least that would do."""
    record(
        "access:refused",
        by=by.actor,
        outcome="refused",
        code=error.code,
        reason=f"{request.method} {request.path} is not open to them",
        method=str(request.method),
        path=request.path,
        role=role,
        groups=list(by.access.groups),
    )


@transaction.atomic
def record_key_refused(*, key: str, remote: str) -> None:
    """A key that opens nothing: mistyped, revoked, or of a sign-in that is over. What is no access key at all is not kept."""
    if not key.startswith(KEY_PREFIX) or is_flood(remote):
        return
    record(
        "access_key:refused",
        by=Actor(name="stranger", remote=remote),
        outcome="refused",
        code="unauthenticated",
        prefix=key[:SHOWN_OF_A_KEY],
        reason="unknown, revoked, or ended with its sign-in",
    )
