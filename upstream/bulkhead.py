"""How many calls one target carries at once: a slow platform must not take the places of the others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from portal.errors import Unavailable

_running: Counter[str] = Counter()
_lock = threading.Lock()


@contextmanager
def place(name: str, *, most: int) -> Iterator[None]:
    """Hold one of ``most`` places of the target called ``name``. Raises Unavailable ``upstream_busy`` at once when all are taken."""
    with _lock:
        if _running[name] >= most:
            raise Unavailable(
                f"{name} is already answering {most} calls of this portal. Try again in a moment.",
                code="upstream_busy",
                headers={"Retry-After": "1"},
            )
        _running[name] += 1
    try:
        yield
    finally:
        with _lock:
            _running[name] -= 1
            if _running[name] <= 0:
                del _running[name]


def running() -> dict[str, int]:
    """Calls under way for each target of this process."""
    with _lock:
        return dict(_running)
