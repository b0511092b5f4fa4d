"""Which quotas a call spends."""

from __future__ import annotations

from uuid import UUID

from catalog.rules import PlatformAt
from identity.access import Access
from quotas.actions import Window

# For somebody whose groups name no number: what the most careful group of the sources has (P63).
DEFAULT_PER_MINUTE = 50
PERSON = "person"
PLATFORM = "platform"


def person_window(account_id: UUID, access: Access) -> Window:
    """Calls a person may make in any minute, in all environments together, whatever browser or key they use."""
    limit = DEFAULT_PER_MINUTE if access.per_minute is None else access.per_minute
    return Window(name=PERSON, key=f"person:{account_id}", limit=limit, seconds=60)


def platform_window(place: PlatformAt) -> Window | None:
    """Calls everybody together may make to a platform in an environment in any second; None when the rules set no limit."""
    if place.per_second is None:
        return None
    return Window(name=PLATFORM, key=f"platform:{place.environment}:{place.platform}", limit=place.per_second, seconds=1)


def windows_for(account_id: UUID, access: Access, place: PlatformAt | None) -> list[Window]:
    """All the windows of one call."""
    shared = platform_window(place) if place is not None else None
    return [person_window(account_id, access), *([shared] if shared else [])]
