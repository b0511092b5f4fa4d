"""Reading everybody's leases, and what they mean for an API: for architects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.selectors import Facets, matching
from catalog.models import Operation
from catalog.selectors import current_publications
from identity.callers import Caller
from identity.selectors import groups_granting
from portal.errors import NotFound
from tokens.least import Needed
from tokens.models import TokenLease

CALLS_LOOKED_AT = 100
LISTED = 20  # operations shown of one lease


@dataclass(frozen=True, slots=True)
class Reach:
    """What a lease can call of an API: how many of its operations, and the first of them."""

    count: int
    first: tuple[Needed, ...]


@dataclass(frozen=True, slots=True)
class ScopeUse:
    """One scope that operations of an API name: how many, how many live leases hold it, and which groups grant it."""

    environment: str
    scope: str
    operations: int
    holders: int
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApiHolders:
    """Who could call what of one API right now."""

    api: str
    platform: str
    operations: dict[str, list[Needed]]  # environment -> all of them

    def reach(self, lease: TokenLease) -> Reach:
        """The operations the lease's scopes cover; those that name no scope are open to every token of the platform."""
        held = frozenset(lease.scopes)
        found = [
            one for one in self.operations.get(lease.environment, []) if not one.alternatives or any(a <= held for a in one.alternatives)
        ]
        return Reach(len(found), tuple(found[:LISTED]))

    def scopes(self, leases: Sequence[TokenLease], *, environment: str = "") -> list[ScopeUse]:
        """Every scope of every environment that has the API, or of one."""
        found = []
        for place, operations in self.operations.items():
            if environment not in {"", place}:
                continue
            named = sorted(frozenset().union(*(scopes for one in operations for scopes in one.alternatives)))
            for scope in named:
                uses = sum(any(scope in scopes for scopes in one.alternatives) for one in operations)
                holders = sum(lease.environment == place and scope in lease.scopes for lease in leases)
                groups = tuple(groups_granting(environment=place, scope=(self.platform, scope)))
                found.append(ScopeUse(place, scope, uses, holders, groups))
        return found


def everybodys_leases(*, platform: str = "", environment: str = "", who: str = "") -> QuerySet[TokenLease]:
    """All live leases that have a token, newest first, with their people. ``who`` is a part of a name or an address."""
    now = timezone.now()
    rows = TokenLease.objects.filter(ended_at=None, session__ended_at=None, generation__gt=0, ends_at__gt=now, expires_at__gt=now)
    for name, value in (("platform", platform), ("environment", environment)):
        rows = rows.filter(**{name: value}) if value else rows
    if who:
        rows = rows.filter(Q(session__account__name__icontains=who) | Q(session__account__email__icontains=who))
    return rows.select_related("session__account").order_by("-created_at", "pk")


def api_holders(slug: str) -> ApiHolders:
    """What every environment's document of an API says about scopes. Raises NotFound. Two queries."""
    publications = list(current_publications().filter(api__slug=slug))
    if not publications:
        raise NotFound(f"There is no API {slug!r}.", code="unknown_api")
    environments = {one.document_id: [] for one in publications}  # type: dict[int, list[str]]
    for one in publications:
        environments[one.document_id].append(one.environment)
    operations: dict[str, list[Needed]] = {one.environment: [] for one in publications}
    rows = Operation.objects.filter(document_id__in=environments).order_by("position")
    for document, key, method, path, scopes in rows.values_list("document_id", "key", "method", "path", "scopes"):
        for environment in environments[document]:
            operations[environment].append(Needed(slug, key, method, path, _alternatives(scopes)))
    return ApiHolders(slug, publications[0].api.platform, operations)


def needed_by(chosen: Sequence[tuple[str, str]], *, platform: str, environment: str) -> list[Needed]:
    """What these operations (API, key) need as the environment's documents say, in the order asked; unknown ones are left out."""
    rows = Operation.objects.filter(
        document__publications__current=True,
        document__publications__environment=environment,
        document__publications__api__platform=platform,
        document__publications__api__slug__in={api for api, _ in chosen},
        key__in={key for _, key in chosen},
    ).values_list("document__publications__api__slug", "key", "method", "path", "scopes")
    found = {(api, key): Needed(api, key, method, path, _alternatives(scopes)) for api, key, method, path, scopes in rows}
    return [found[one] for one in dict.fromkeys(chosen) if one in found]


def called_lately(caller: Caller, *, environment: str) -> list[tuple[str, str]]:
    """The operations (API, key) this person called last in an environment, as the log has them, each once."""
    sent = matching(Facets(actor=str(caller.account_id), action="call:sent", environment=environment)).order_by("-id")
    found = [(entry.api, str(entry.data.get("operation") or "")) for entry in sent[:CALLS_LOOKED_AT]]
    return list(dict.fromkeys(one for one in found if all(one)))


def _alternatives(scopes: list[list[str]]) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(one) for one in scopes)
