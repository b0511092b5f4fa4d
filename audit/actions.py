"""Writing the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from audit.models import Entry
from audit.redaction import clean_entry
from audit.vocabulary import declared
from portal.statements import Rows
from portal.web.problem import current_request_id

_entries = Rows(Entry)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it. ``PORTAL`` is the portal itself."""

    id: str = ""
    name: str = "portal"
    session: str = ""
    remote: str = ""


PORTAL = Actor()


class OutsideTransaction(RuntimeError):
    """An entry must live and die with what it tells of: open the transaction first."""


def record(
    action: str,
    *,
    by: Actor,
    outcome: str = "ok",
    subject: str = "",
    api: str = "",
    environment: str = "",
    code: str = "",
    request_id: str | None = None,
    **data: Any,
) -> int:
    """Append one entry and return its id.

    Raises UnknownAction for an action, outcome or data key outside ``audit/vocabulary.py`` and OutsideTransaction
    outside ``transaction.atomic``: what is rolled back must take its entry along, and what is kept must have one.
    ``request_id`` is the current request's unless given.
    """
    declared(action, outcome, data)
    if not connection.in_atomic_block:
        raise OutsideTransaction(f"{action} was recorded outside a transaction.")
    texts = {
        "actor": (by.id, 64),
        "actor_name": (by.name, 255),
        "session": (by.session, 64),
        "remote": (by.remote, 64),
        "subject": (subject, 255),
        "api": (api, 200),
        "environment": (environment, 100),
        "code": (code, 60),
        "request_id": (current_request_id() if request_id is None else request_id, 64),
    }
    cleaned, kept = clean_entry(texts, data)
    entry: int = _entries.insert({"at": timezone.now(), "action": action, "outcome": outcome, **cleaned, "data": kept})
    return entry
