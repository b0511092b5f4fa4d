"""How each platform speaks: limits and their headers, error bodies, whether it knows scopes."""

from __future__ import annotations

import time
import uuid
from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(slots=True)
class Refusal:
    """An answer that is not the document's: status, headers, JSON body."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


class Window:
    """Requests of the last ``seconds``, exactly; the platform's own limit, not the portal's."""

    def __init__(self, limit: int, seconds: float = 1.0) -> None:
        self.limit = limit
        self.seconds = seconds
        self._times: deque[float] = deque()

    def take(self) -> tuple[bool, int, float]:
        """Whether the request is within the limit, how many counted now, and the seconds until the oldest one leaves."""
        now = time.monotonic()
        while self._times and now - self._times[0] >= self.seconds:
            self._times.popleft()
        allowed = len(self._times) < self.limit
        if allowed:
            self._times.append(now)
        return allowed, len(self._times), self.seconds - (now - self._times[0])


class Vendor(Protocol):
    """What differs between the platforms."""

    per_second: int
    knows_scopes: bool

    def refuse(self, status: int, code: str, message: str) -> Refusal: ...
    def limit_headers(self, counted: int, reset: float) -> dict[str, str]: ...
    def too_many(self, counted: int, reset: float) -> Refusal: ...


def whole_seconds(seconds: float) -> int:
    """Seconds as ``Retry-After`` carries them: rounded up, at least 1."""
    return max(1, int(-(-seconds // 1)))


class Genesys:
    """Genesys Cloud: 10 requests a second, ``inin-ratelimit-*``, errors with ``code`` and ``contextId``."""

    per_second = 10
    knows_scopes = True

    def refuse(self, status: int, code: str, message: str) -> Refusal:
        context = str(uuid.uuid4())
        body = {"message": message, "code": code, "status": status, "contextId": context, "details": [], "errors": []}
        return Refusal(status, body, {"ININ-Correlation-Id": context})

    def limit_headers(self, counted: int, reset: float) -> dict[str, str]:
        return {
            "inin-ratelimit-count": str(counted),
            "inin-ratelimit-allowed": str(self.per_second),
            "inin-ratelimit-reset": str(whole_seconds(reset)),
        }

    def too_many(self, counted: int, reset: float) -> Refusal:
        wait = whole_seconds(reset)
        message = f"Rate limit exceeded the maximum. Retry the request in [{wait}] seconds"
        refusal = self.refuse(429, "too.many.requests.retry.after", message)
        refusal.headers |= {"Retry-After": str(wait)}
        return refusal


class Cxone:
    """NICE CXone: 5 requests a second, ``X-RateLimit-*``, ``{error, errorDescription}``; rights come from the user's role."""

    per_second = 5
    knows_scopes = False

    def refuse(self, status: int, code: str, message: str) -> Refusal:
        return Refusal(status, {"error": code, "errorDescription": message}, {"CorrelationId": str(uuid.uuid4())})

    def limit_headers(self, counted: int, reset: float) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.per_second),
            "X-RateLimit-Remaining": str(max(0, self.per_second - counted)),
            "X-RateLimit-Reset": str(whole_seconds(reset)),
        }

    def too_many(self, counted: int, reset: float) -> Refusal:
        wait = whole_seconds(reset)
        refusal = self.refuse(429, "too_many_requests", f"More than {self.per_second} requests a second; wait {wait} s")
        refusal.headers |= {"Retry-After": str(wait)}
        return refusal


VENDORS: dict[str, Vendor] = {"genesys": Genesys(), "cxone": Cxone()}
