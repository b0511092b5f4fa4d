"""Deprecation, sunset and stability: when something may end, and whether it did so as announced.

The words are those practitioners use in documents: ``deprecated: true``, ``x-sunset: 2027-01-31`` (the day after which it
may go) and ``x-stability-level``: ``draft``, ``alpha``, ``beta`` or ``stable``, the last when nothing is said.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from specs.diff.differences import Lifecycle

Ending = Literal["without-deprecation", "with-deprecation", "before-sunset", "sunset-parse", "unstable"]
STABILITY = ("draft", "alpha", "beta", "stable")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """``today`` is the day sunsets are compared with; ``days``: level of stability → days between deprecation and sunset."""

    today: datetime.date
    days: Mapping[str, int] = field(default_factory=dict)

    def required(self, stability: str) -> int:
        """Days that must lie between a deprecation and its sunset; 0 when no sunset is asked for."""
        return self.days.get(stability or "stable", 0)


def parse_sunset(value: Any) -> datetime.date | None:
    """The day, from ``2027-01-31``, an RFC 3339 time, or either as a JSON text; ``None`` when it is neither."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if text.startswith('"'):
        try:
            text = str(json.loads(text))
        except ValueError:
            return None
    try:
        return datetime.date.fromisoformat(text) if len(text) == 10 else datetime.datetime.fromisoformat(text).date()
    except ValueError:
        return None


def level_of(value: Any) -> str:
    """The level of stability, ``stable`` when none is said, the empty string when it is none of the four."""
    if value is None:
        return "stable"
    return value if isinstance(value, str) and value in STABILITY else ""


def ending_of(lifecycle: Lifecycle, stability: str, deadlines: Deadlines) -> Ending:
    """How the end of something that is gone was announced. ``stability`` is what its operation says, or empty."""
    if not lifecycle.deprecated:
        unstable = (level_of(lifecycle.stability) if lifecycle.stability is not None else stability) in ("draft", "alpha")
        return "unstable" if unstable else "without-deprecation"
    if lifecycle.sunset is None:
        return "with-deprecation"
    sunset = parse_sunset(lifecycle.sunset)
    if sunset is None:
        return "sunset-parse"
    return "before-sunset" if sunset > deadlines.today else "with-deprecation"


def steps_of(old: Lifecycle, new: Lifecycle, stability: str, deadlines: Deadlines) -> Iterator[tuple[str, Any, Any]]:
    """(kind, old, new) of every step in the life of something that is still there.

    What calls itself ``stable`` promised to last: deprecated, it says until when, whatever the deadlines are.
    """
    said = level_of(new.stability) if new.stability is not None else stability
    required = deadlines.required(said)
    if new.deprecated and not old.deprecated:
        yield from _deprecated(new, required, said == "stable" or required > 0, deadlines)
    elif old.deprecated and not new.deprecated:
        yield "reactivated", None, None
    elif new.deprecated and old.sunset != new.sunset:
        yield from _sunset_moved(old, new, required, deadlines)
    if old.stability != new.stability:
        before, after = level_of(old.stability), level_of(new.stability)
        if not after:
            yield "stability-invalid", old.stability, new.stability
        elif before and before != after:
            word = "decreased" if STABILITY.index(after) < STABILITY.index(before) else "increased"
            yield f"stability-{word}", before, after


def _deprecated(new: Lifecycle, required: int, dated: bool, deadlines: Deadlines) -> Iterator[tuple[str, Any, Any]]:
    if new.sunset is None:
        yield ("deprecated-sunset-missing" if dated else "deprecated"), None, new
        return
    sunset = parse_sunset(new.sunset)
    if sunset is None:
        yield "deprecated-sunset-invalid", None, new.sunset
        return
    yield "deprecated", None, new
    if required and sunset < deadlines.today + datetime.timedelta(days=required):
        yield "sunset-date-too-small", None, new.sunset


def _sunset_moved(old: Lifecycle, new: Lifecycle, required: int, deadlines: Deadlines) -> Iterator[tuple[str, Any, Any]]:
    if new.sunset is None:
        yield "sunset-deleted", old.sunset, None
        return
    before, after = parse_sunset(old.sunset), parse_sunset(new.sunset)
    if after is None or (before is None and old.sunset is not None):
        yield "sunset-invalid", old.sunset, new.sunset
    elif before is not None and after < before and after < deadlines.today + datetime.timedelta(days=required):
        yield "sunset-date-changed-too-small", old.sunset, new.sunset
    elif before != after:
        yield "sunset-changed", old.sunset, new.sunset
