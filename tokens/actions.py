"""Token leases. This first cut knows only platforms that want no token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from catalog.selectors import current_rules
from identity.callers import Caller
from portal.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Leased:
    """A token ready to be used. ``value`` is secret."""

    value: str
    lease_id: UUID
    scopes: tuple[str, ...]
    reused: bool


def lease_for_call(*, by: Caller, platform: str, environment: str, scopes: Sequence[Sequence[str]]) -> Leased | None:
    """The token a call of ``by`` carries; None where the rules name no principal, so that calls carry none."""
    place = current_rules().platform_at(platform, environment)
    if place is None or not place.principals:
        return None
    raise Unavailable(f"Tokens for {platform} in {environment} cannot be taken yet.", code="token_unavailable")


def replace_rejected(leased: Leased, rejected_value: str) -> Leased:
    """A new token in place of one the platform answered 401 to."""
    raise Unavailable("This token cannot be replaced yet.", code="token_unavailable")
