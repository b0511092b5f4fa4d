"""How far a sync is: on its run's row for the page, and to a listener for the terminal. Keeps the lease alive."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from catalog.models import Source, SyncRun

LEASE = timedelta(minutes=3)  # longer than the longest time without a sign of life: one document
_EVERY = 0.5  # seconds between writes

Listener = Callable[[SyncRun], None]


class LeaseLost(Exception):
    """Another worker took the source over, because this one was silent for too long. Nothing more may be written."""


class Progress:
    """``step`` names what is being done; ``add`` says that more is to come; ``advance`` that one part is done."""

    def __init__(self, run: SyncRun, *, owner: str, listener: Listener | None = None) -> None:
        self.run, self._owner, self._listener, self._written = run, owner, listener, 0.0

    def step(self, text: str) -> None:
        self.run.step = text[:200]
        self._tell()

    def add(self, count: int) -> None:
        self.run.total += count
        self._tell()

    def advance(self) -> None:
        self.run.done += 1
        self._tell()

    def beat(self) -> None:
        """A sign of life while nothing else is to be told. Raises LeaseLost."""
        if time.monotonic() - self._written >= 5:
            self._written = time.monotonic()
            self.renew()

    def renew(self) -> None:
        """Raises LeaseLost when somebody else holds the source now."""
        held = Source.objects.filter(pk=self.run.source_id, lease_owner=self._owner)
        if not held.update(lease_until=timezone.now() + LEASE):
            raise LeaseLost

    def _tell(self) -> None:
        if self._listener is not None:
            self._listener(self.run)
        now = time.monotonic()
        if now - self._written >= _EVERY:
            self._written = now
            self.renew()
            self.run.save(update_fields=["step", "done", "total"])
