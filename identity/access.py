"""What a person may do, worked out from the groups of their sign-in. Pure values: no queries, no Django."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

ROLES = ("developer", "architect", "platform")  # in rising order


@dataclass(frozen=True, slots=True)
class Grant:
    """One group's row of access.yaml."""

    group: str
    role: str
    environments: frozenset[str] = frozenset()
    write: frozenset[str] = frozenset()
    per_minute: int | None = None
    scopes: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Access:
    """The union of a person's grants. ``role`` is the highest, or "" when no group is known here."""

    groups: tuple[str, ...]
    role: str
    environments: frozenset[str]
    write: frozenset[str]
    per_minute: int | None
    quota_group: str
    scopes: Mapping[str, frozenset[str]]

    def may_read(self, environment: str) -> bool:
        return environment in self.environments

    def may_write(self, environment: str) -> bool:
        return environment in self.environments and environment in self.write

    def scopes_for(self, platform: str) -> frozenset[str]:
        return self.scopes.get(platform, frozenset())

    def at_least(self, role: str) -> bool:
        return self.role != "" and ROLES.index(self.role) >= ROLES.index(role)


def combine(groups: Iterable[str], grants: Iterable[Grant]) -> Access:
    """The access of somebody in ``groups``. The largest ``per_minute`` wins and names its group."""
    names = tuple(sorted(set(groups)))
    mine = sorted((grant for grant in grants if grant.group in names), key=lambda grant: grant.group)
    scopes: dict[str, frozenset[str]] = {}
    for grant in mine:
        for platform, allowed in grant.scopes.items():
            scopes[platform] = scopes.get(platform, frozenset()) | allowed
    limited = [grant for grant in mine if grant.per_minute is not None]
    widest = max(limited, key=lambda grant: grant.per_minute or 0, default=None)
    return Access(
        groups=names,
        role=max((grant.role for grant in mine), key=ROLES.index, default=""),
        environments=frozenset().union(*(grant.environments for grant in mine)),
        write=frozenset().union(*(grant.write for grant in mine)),
        per_minute=widest.per_minute if widest else None,
        quota_group=widest.group if widest else "",
        scopes=scopes,
    )
