"""A quota as a value, and what is left of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``limit`` calls in any ``seconds`` (sliding, exact).

    ``name`` is shown to people and in headers. ``key`` says whose budget it is and is built from internal ids, never
    from what somebody typed.
    """

    name: str
    key: str
    limit: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Usage:
    """One window after the decision. ``reset`` is the time until its oldest call leaves it, ``wait`` the time until
    there is room for one more call (0.0 when there is); seconds."""

    window: Window
    used: int
    reset: float
    wait: float

    @property
    def remaining(self) -> int:
        return max(0, self.window.limit - self.used)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of every window. ``local`` when Redis could not be asked and this process decided alone."""

    usages: tuple[Usage, ...]
    local: bool = False

    @property
    def violated(self) -> tuple[Usage, ...]:
        return tuple(usage for usage in self.usages if usage.wait > 0)

    @property
    def retry_after(self) -> int:
        """Whole seconds until every window has room again; at least 1."""
        return max(1, math.ceil(max((usage.wait for usage in self.usages), default=0.0)))

    def headers(self) -> dict[str, str]:
        """``RateLimit-Policy`` and ``RateLimit`` of draft-ietf-httpapi-ratelimit-headers-11 (RFC 9651 lists)."""
        if not self.usages:
            return {}
        found = {
            "RateLimit-Policy": ", ".join(f"{_string(u.window.name)};q={u.window.limit};w={u.window.seconds}" for u in self.usages),
            "RateLimit": ", ".join(f"{_string(u.window.name)};r={u.remaining};t={math.ceil(u.reset)}" for u in self.usages),
        }
        if self.local:
            found["X-Portal-Quota"] = "local"
        return found


def _string(text: str) -> str:
    """An RFC 9651 string: printable ASCII in quotes; anything else becomes a question mark."""
    plain = "".join(character if " " <= character <= "~" else "?" for character in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def divided(windows: Sequence[Window], among: int) -> list[Window]:
    """The share of one of ``among`` processes that cannot see each other; never below one call."""
    return [Window(w.name, w.key, max(1, w.limit // among), w.seconds) for w in windows]
