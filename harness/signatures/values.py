"""What is judged and what comes out, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

# Why a delivery is not verified, and what its sender is answered.
STATUS = {
    "": 200,
    "signature_missing": 401,
    "signature_malformed": 401,
    "signature_wrong": 401,
    "timestamp_missing": 401,
    "timestamp_malformed": 401,
    "timestamp_stale": 401,
    "timestamp_ahead": 401,
    "id_missing": 401,
    "digest_wrong": 401,
    "body_not_covered": 401,
    "signature_repeated": 400,
    "body_malformed": 400,
}


@dataclass(frozen=True, slots=True)
class Request:
    """One delivery as it arrived. ``url`` is the address the sender was given, with the query it used; header names may be in any case."""

    headers: Sequence[tuple[str, str]]
    body: bytes
    method: str = "POST"
    url: str = ""

    def values(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def value(self, name: str) -> str:
        """The first value of a header without the spaces around it, or ""."""
        return next(iter(self.values(name)), "").strip() if name else ""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret as its owner typed it. ``fingerprint`` names it to its owner; it is all of it that is ever shown."""

    value: bytes = field(repr=False)
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at, in words its owner understands. Never shown to the sender, never holds the secret."""

    title: str
    state: Literal["good", "bad", "info"]
    text: str
    values: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"values": [list(pair) for pair in self.values]}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reason`` is "" when the delivery is verified, else a key of STATUS. ``skew`` is the sender's clock less ours in seconds."""

    reason: str
    steps: tuple[Step, ...]
    secret: str = ""  # fingerprint of the one that fitted
    skew: int | None = None

    @property
    def verified(self) -> bool:
        return self.reason == ""

    @property
    def status(self) -> int:
        return STATUS[self.reason]


class Refused(Exception):
    """Raised inside a verification where it ends; carries the reason."""

    def __init__(self, reason: str, step: Step) -> None:
        super().__init__(reason)
        self.reason, self.step = reason, step
