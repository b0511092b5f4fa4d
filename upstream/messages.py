"""What goes out and what comes back, as values."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Target:
    """One place calls may go to: a platform in an environment, a token endpoint, an identity provider.

    ``name`` is the key of its breaker and of its share of connections. ``base_url`` is where every URL sent to it must
    lie below. ``networks`` are the non-public ranges (CIDR) it may be reached at; none by default. ``allow_loopback``
    is for development and for nothing else. ``per_second`` is the ceiling all callers share: it is spent from
    ``quotas`` by whoever sends, because only the sender knows on whose account.
    """

    name: str
    base_url: str
    networks: tuple[str, ...] = ()
    allow_loopback: bool = False
    per_second: int | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request. Headers keep their order and their repetitions; the body goes out as it is, never compressed here."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long (seconds) and how much (bytes) one call may take, and how many calls a target carries at once."""

    connect: float = 3.0
    first_byte: float = 25.0
    total: float = 30.0
    body: int = 10_485_760
    header_lines: int = 128
    header_bytes: int = 65_536
    concurrency: int = 256


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said, undecoded. ``truncated`` when the body was cut at the cap and the connection closed.

    Times are milliseconds. ``connect_ms`` is 0.0 when a kept connection was used; ``first_byte_ms`` runs from the start
    of the call to the end of the answer's header section.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    truncated: bool
    connect_ms: float
    first_byte_ms: float
    total_ms: float

    def header(self, name: str) -> str:
        """The first value of ``name`` (any case), or ""."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an http(s) URL. Raises ValueError for a port that is not one."""
    parts = urlsplit(url)
    port = parts.port if parts.port is not None else (443 if parts.scheme == "https" else 80)
    return parts.scheme, (parts.hostname or "").lower(), port
