"""Which quotas a call spends."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from catalog.rules import PlatformAt
from gateway.elevations import Raised, raised_for
from identity.access import Access
from quotas.actions import Window

# For somebody whose groups name no number: what the most careful group of the sources has (P63).
DEFAULT_PER_MINUTE = 50
LARGEST_PER_MINUTE = 100_000  # as in access.yaml
LONGEST_MINUTES = 1_440  # of an elevation
PERSON = "person"
PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class PersonLimit:
    """Calls in any minute; ``raised`` is the elevation that makes it more than the groups give, None where they decide."""

    per_minute: int
    raised: Raised | None


def group_limit(access: Access) -> int:
    """What the groups alone give."""
    return DEFAULT_PER_MINUTE if access.per_minute is None else access.per_minute


def person_limit(account_id: UUID, access: Access) -> PersonLimit:
    """The larger of what the groups give and what was approved for now."""
    given, raised = group_limit(access), raised_for(account_id)
    return PersonLimit(raised.per_minute, raised) if raised is not None and raised.per_minute > given else PersonLimit(given, None)


def person_window(account_id: UUID, limit: PersonLimit) -> Window:
    """Calls a person may make in any minute, in all environments together, whatever browser or key they use."""
    return Window(name=PERSON, key=f"person:{account_id}", limit=limit.per_minute, seconds=60)


def platform_window(place: PlatformAt) -> Window | None:
    """Calls everybody together may make to a platform in an environment in any second; None when the rules set no limit."""
    if place.per_second is None:
        return None
    return Window(name=PLATFORM, key=f"platform:{place.environment}:{place.platform}", limit=place.per_second, seconds=1)


def windows_for(account_id: UUID, access: Access, place: PlatformAt | None) -> list[Window]:
    """All the windows of one call."""
    shared = platform_window(place) if place is not None else None
    return [person_window(account_id, person_limit(account_id, access)), *([shared] if shared else [])]
