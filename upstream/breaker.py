"""A breaker for each target: calls to a dead platform fail at once instead of piling up.

Two triggers (REQUIREMENTS C36, D69): more than 5 failures in 10 s, or 40 % of at least 20 calls in 60 s. Then it is
open for 30 s, then half-open: ONE call may try, and its end, whichever it is, gives the place back. A failure is an
error of transport, a timeout or an answer of 500 and above. No lock is held while a call runs, and every method is
safe from any thread.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from portal.errors import Unavailable

COUNT, COUNT_SECONDS = 5, 10.0
RATE, RATE_MINIMUM, RATE_SECONDS = 0.40, 20, 60.0
OPEN_SECONDS = 30.0
MOST_OUTCOMES = 10_000


class State(Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(slots=True)
class Permit:
    """The right to make one call. ``probe`` when it is the one that decides whether the breaker closes."""

    probe: bool
    returned: bool = False


@dataclass(slots=True)
class Breaker:
    """State of one target. ``clock`` is monotonic seconds."""

    name: str
    clock: Callable[[], float] = time.monotonic
    state: State = State.CLOSED
    opened_at: float = 0.0
    probing: bool = False
    failures: deque[float] = field(default_factory=deque)
    outcomes: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=MOST_OUTCOMES))
    failed_outcomes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def acquire(self) -> Permit:
        """Raises Unavailable ``circuit_open`` with Retry-After while the target is left alone."""
        with self.lock:
            if self.state is State.CLOSED:
                return Permit(probe=False)
            waited = self.clock() - self.opened_at
            if self.state is State.OPEN and waited >= OPEN_SECONDS:
                self.state = State.HALF_OPEN
            if self.state is State.HALF_OPEN and not self.probing:
                self.probing = True
                return Permit(probe=True)
            wait = max(1, math.ceil(OPEN_SECONDS - waited))
        raise Unavailable(
            f"{self.name} failed too often and is left alone for a moment. Try again in {wait} s.",
            code="circuit_open",
            headers={"Retry-After": str(wait)},
        )

    def succeeded(self, permit: Permit) -> None:
        """The call was answered (a 4xx is an answer)."""
        self._ended(permit, failed=False)

    def failed(self, permit: Permit) -> None:
        """Transport error, timeout, or 5xx."""
        self._ended(permit, failed=True)

    def abandoned(self, permit: Permit) -> None:
        """The caller went away or the request was never sent: says nothing about the target."""
        with self.lock:
            if permit.returned:
                return
            permit.returned = True
            if permit.probe:
                self.probing = False

    def _ended(self, permit: Permit, *, failed: bool) -> None:
        now = self.clock()
        with self.lock:
            if permit.returned:
                return
            permit.returned = True
            if permit.probe:
                self.probing = False
                if failed:
                    self.state, self.opened_at = State.OPEN, now
                else:
                    self._close()
                return
            if self.state is not State.CLOSED:
                return  # a call from before it opened
            self._note(now, failed)
            if len(self.failures) > COUNT or self._rate_reached():
                self.state, self.opened_at = State.OPEN, now

    def _note(self, now: float, failed: bool) -> None:
        if len(self.outcomes) == MOST_OUTCOMES:
            self._forget_oldest()
        self.outcomes.append((now, failed))
        if failed:
            self.failed_outcomes += 1
            self.failures.append(now)
        while self.failures and self.failures[0] <= now - COUNT_SECONDS:
            self.failures.popleft()
        while self.outcomes and self.outcomes[0][0] <= now - RATE_SECONDS:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        _at, failed = self.outcomes.popleft()
        self.failed_outcomes -= failed

    def _rate_reached(self) -> bool:
        return len(self.outcomes) >= RATE_MINIMUM and self.failed_outcomes >= RATE * len(self.outcomes)

    def _close(self) -> None:
        self.state = State.CLOSED
        self.failures.clear()
        self.outcomes.clear()
        self.failed_outcomes = 0


_breakers: dict[str, Breaker] = {}
_breakers_lock = threading.Lock()


def breaker_of(name: str) -> Breaker:
    """The breaker of the target called ``name`` in this process."""
    with _breakers_lock:
        return _breakers.setdefault(name, Breaker(name))


def states() -> dict[str, str]:
    """Name to state of every breaker this process knows, for health and metrics."""
    with _breakers_lock:
        known = list(_breakers.values())
    return {breaker.name: breaker.state.value for breaker in known}


def reset() -> None:
    """Forget everything; for tests and for an operator's shell."""
    with _breakers_lock:
        _breakers.clear()
