"""A refusal is written down before it is raised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from django.db import transaction

from audit.actions import record
from identity.callers import Caller
from portal.errors import PortalError

PURPOSE_LIMIT = 200


def refuse(error: PortalError, *, by: Caller, platform: str, environment: str, asked: Sequence[str], purpose: str) -> NoReturn:
    """Write down a refusal, then raise it."""
    with transaction.atomic():
        record(
            "token:refused",
            by=by.actor,
            outcome="refused",
            environment=environment[:60],
            code=error.code,
            platform=platform[:60],
            scopes=[scope[:200] for scope in asked[:50]],
            purpose=purpose[:PURPOSE_LIMIT],
            reason=str(error.extra.get("reason", error.code)),
        )
    raise error
