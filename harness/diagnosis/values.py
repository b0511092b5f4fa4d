"""Mistakes, findings and what a search has done, as values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Area = Literal["value", "body", "key", "text", "algorithm", "header", "clock", "setup"]


@dataclass(frozen=True, slots=True)
class Change:
    """One way to go wrong. ``id`` is stable; ``words`` complete "The sender …"."""

    id: str
    area: Area
    title: str
    words: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake that explains the delivery. ``proved`` when the value in the header came out of it; otherwise it was seen directly.

    ``signed`` is what the sender signed and ``difference`` the first byte at which that is unlike what arrived, both only where the
    text is another. ``secret`` is the fingerprint of the secret it came out with.
    """

    id: str
    area: Area
    title: str
    text: str
    proved: bool
    changes: tuple[str, ...] = ()
    secret: str = ""
    signed: str = ""
    difference: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"changes": list(self.changes)}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """``findings`` is empty when nothing explains it. ``level`` is how many mistakes at once were tried; ``whole`` is False when the
    budget ended before the level did."""

    findings: tuple[Finding, ...]
    level: int
    tried: int
    hashed: int
    whole: bool = True
