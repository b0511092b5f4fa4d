"""Who may call more than their groups allow right now, asked once for many calls.

Nearly nobody is, and every call has to know. All that is in force is read at most once in ``KEPT_SECONDS`` by each process,
not once a call; an approval is in force everywhere that long after it, and its end is judged by the clock at every call.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from gateway.models import Elevation

KEPT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Raised:
    """A limit in force until ``until``; ``approved_by`` is a name."""

    per_minute: int
    until: datetime
    approved_by: str


_Kept = tuple[dict[UUID, tuple[Raised, ...]], float]
_NOTHING: _Kept = ({}, 0.0)
_kept: _Kept = _NOTHING
_lock = threading.Lock()


def raised_for(account_id: UUID) -> Raised | None:
    """The largest elevation of a person that is in force at this moment. No query, or one a second for everybody."""
    mine = _in_force().get(account_id)
    if mine is None:
        return None
    now = timezone.now()
    return max((one for one in mine if one.until > now), key=lambda one: (one.per_minute, one.until), default=None)


def forget() -> None:
    """Read again at the next call: something was approved here."""
    global _kept
    with _lock:
        _kept = _NOTHING


def _in_force() -> dict[UUID, tuple[Raised, ...]]:
    global _kept
    found, until = _kept
    if time.monotonic() < until:
        return found
    with _lock:
        found, until = _kept
        if time.monotonic() >= until:
            found = _read()
            _kept = (found, time.monotonic() + KEPT_SECONDS)
    return found


def _read() -> dict[UUID, tuple[Raised, ...]]:
    rows = Elevation.objects.filter(state=Elevation.APPROVED, until__gt=timezone.now())
    found: dict[UUID, tuple[Raised, ...]] = {}
    for account, per_minute, until, name in rows.values_list("account_id", "per_minute", "until", "decided_by__name"):
        if until is not None:
            found[account] = (*found.get(account, ()), Raised(per_minute, until, name or ""))
    return found
