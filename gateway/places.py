"""Which rules hold and what is published where, asked once for many calls.

Every call needs both and they change with a commit. An answer is used for ``KEPT_SECONDS``, so a new commit is in force
for every call that long after its publication; nothing has to be invalidated across processes.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from catalog import runtime
from catalog.rules import Rules
from catalog.runtime import Published
from catalog.selectors import current_rules

KEPT_SECONDS = 0.5
MOST_PLACES = 2_048


@dataclass(frozen=True, slots=True)
class Place:
    """The rules in force and what one environment shows of one API (None: nothing)."""

    rules: Rules
    published: Published | None
    until: float


_places: dict[tuple[str, str], Place] = {}
_lock = threading.Lock()


def place_of(environment: str, api: str) -> Place:
    """The place calls to ``api`` in ``environment`` go to, at most KEPT_SECONDS old. Three queries when it is older."""
    found = _places.get((environment, api))
    if found is not None and time.monotonic() < found.until:
        return found
    rules = current_rules()
    published = runtime.published(environment, api) if rules.environment(environment) else None
    made = Place(rules, published, time.monotonic() + KEPT_SECONDS)
    with _lock:
        if len(_places) >= MOST_PLACES:
            _places.clear()
        _places[environment, api] = made
    return made
