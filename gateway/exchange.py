"""One call on its way through the gateway: what is known of it so far."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from portal.errors import PortalError
from portal.web.asgi import Head

if TYPE_CHECKING:
    from catalog.rules import Environment, PlatformAt
    from catalog.runtime import Published, RuntimeOperation
    from gateway.addresses import Address
    from identity.callers import Caller
    from quotas.actions import Allowance
    from specs.validate import Verdict
    from tokens.actions import Leased
    from upstream.messages import Answer, Outgoing, Target

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def time_ordered_id() -> uuid.UUID:
    """A UUID version 7 (RFC 9562 §5.7, §6.2 method 3): time to a quarter of a microsecond first, so that ids sort by it."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (rest * 4_096 // 1_000_000) << 64 | 0b10 << 62 | secrets.randbits(62)
    return uuid.UUID(int=value)


@dataclass(slots=True)
class Exchange:
    """Filled in step by step, in CONTRACT's order; whatever is not there yet was not reached."""

    head: Head
    id: uuid.UUID = field(default_factory=time_ordered_id)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.perf_counter)

    address: Address | None = None
    caller: Caller | None = None
    environment: Environment | None = None
    place: PlatformAt | None = None
    published: Published | None = None
    allowance: Allowance | None = None
    operation: RuntimeOperation | None = None
    path_parameters: dict[str, str] = field(default_factory=dict)

    body: bytes = b""
    body_size: int = 0  # counted or declared, also when the body was refused
    cookies: str = ""  # the operation's own cookie parameters, as they go out
    request_verdict: Verdict | None = None
    withheld: list[str] = field(default_factory=list)

    leased: Leased | None = None
    target: Target | None = None
    outgoing: Outgoing | None = None
    intent_tried: bool = False  # the intent may be committed even when nobody waited for it
    intent_entry: int | None = None

    answer: Answer | None = None
    response_verdict: Verdict | None = None
    answer_notes: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    answer_fields: list[tuple[str, str]] | None = None  # what the caller gets of the answer's header, made once

    counted: int = 0  # 1 while it takes one of the places of the gateway
    error: PortalError | None = None
    client_gone: bool = False
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def unsafe(self) -> bool:
        return self.head.method not in SAFE_METHODS

    @property
    def mocked(self) -> bool:
        return self.place is not None and self.place.mock

    def mark(self, name: str, since: float) -> None:
        """Note how long ``name`` took, in milliseconds since the ``perf_counter`` moment ``since``."""
        self.timings[name] = round((time.perf_counter() - since) * 1000, 3)

    def notes(self) -> list[str]:
        """What could not be checked, in words."""
        said: dict[str, None] = {}
        for verdict in (self.request_verdict, self.response_verdict):
            said.update(dict.fromkeys(verdict.notes if verdict else ()))
        return [*said, *self.answer_notes]

    def portal_headers(self) -> list[tuple[str, str]]:
        """What every answer of the gateway carries, whoever made it."""
        headers = [("x-portal-call", str(self.id)), ("content-security-policy", "sandbox; default-src 'none'")]
        if self.allowance is not None:
            headers.extend((name.lower(), value) for name, value in self.allowance.headers().items())
        return headers


def findings(verdict: Verdict | None) -> list[dict[str, Any]]:
    """The violations of a verdict as CONTRACT writes them."""
    return [violation.as_dict() for violation in verdict.violations] if verdict else []
