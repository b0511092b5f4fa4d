"""The sliding log of one process."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from quotas.windows import Usage, Window

SWEEP_EVERY = 4096  # decisions


class MemoryLog:
    """Exact within this process: every window is checked and charged under one lock. ``clock`` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._calls: dict[tuple[str, int], deque[float]] = {}
        self._decisions = 0

    def decide(self, windows: Sequence[Window], *, charge: bool) -> list[Usage]:
        """Charge one call to every window when all of them have room and ``charge`` is set; else to none."""
        with self._lock:
            # Read inside the lock: a clock read before waiting for it could put two calls in the wrong order.
            now = self._clock()
            logs = [self._log(window, now) for window in windows]
            waits = [_wait(log, window, now) for log, window in zip(logs, windows, strict=True)]
            if charge and not any(waits):
                for log in logs:
                    log.append(now)
            self._sweep(now)
            return [
                Usage(window, len(log), log[0] + window.seconds - now if log else 0.0, wait)
                for window, log, wait in zip(windows, logs, waits, strict=True)
            ]

    def _log(self, window: Window, now: float) -> deque[float]:
        log = self._calls.setdefault((window.key, window.seconds), deque())
        while log and log[0] + window.seconds <= now:
            log.popleft()
        return log

    def _sweep(self, now: float) -> None:
        self._decisions += 1
        if self._decisions % SWEEP_EVERY == 0:
            stale = [key for key, log in self._calls.items() if not log or log[-1] + key[1] <= now]
            for key in stale:
                del self._calls[key]

    def __len__(self) -> int:
        return len(self._calls)


def _wait(log: deque[float], window: Window, now: float) -> float:
    if len(log) < window.limit:
        return 0.0
    if window.limit <= 0:
        return float(window.seconds)
    return log[len(log) - window.limit] + window.seconds - now
