"""What each environment shows of each API."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from catalog.models import Api, Publication
from catalog.selectors.rules import current_rules, environments_for, storable
from identity.access import Access
from portal.errors import NotFound


@dataclass(frozen=True, slots=True)
class ApiAt:
    """What one environment shows of an API."""

    environment: str
    release: str
    commit: str
    operations: int
    findings: int  # errors and warnings
    published_at: datetime
    stale: bool
    stale_reason: str


@dataclass(frozen=True, slots=True)
class ApiRow:
    """An API of the list. ``environments`` is in promotion order; an environment without it is missing."""

    slug: str
    title: str
    summary: str
    platform: str
    version: str
    owner: str
    contact: str
    lifecycle: str
    tags: list[str] = field(default_factory=list)
    environments: dict[str, ApiAt] = field(default_factory=dict)


def current_publications(environment: str = "") -> QuerySet[Publication]:
    """What is shown now. Environments the rules no longer name are left out by the callers that know the rules."""
    rows = Publication.objects.filter(current=True).select_related("api", "document", "compilation")
    return rows.filter(environment=environment) if environment else rows


def repeated_titles() -> set[str]:
    """Titles more than one API has: beside them the slug is needed to tell the APIs apart."""
    return set(Api.objects.values_list("title", flat=True).annotate(times=Count("slug")).filter(times__gt=1).order_by())


def apis(access: Access, *, platform: str = "", environment: str = "", owner: str = "", q: str = "") -> list[ApiRow]:
    """The catalog as this person sees it, by title. Two queries whatever its size."""
    names = [one.name for one in environments_for(access)]
    if not names or not storable(platform, environment, owner, q):
        return []
    rows = current_publications().filter(environment__in=names)
    if platform:
        rows = rows.filter(api__platform=platform)
    if owner:
        rows = rows.filter(api__owner=owner)
    if q:
        rows = rows.filter(
            Q(api__slug__icontains=q) | Q(api__title__icontains=q) | Q(api__summary__icontains=q) | Q(api__owner__icontains=q)
        )
    found: dict[int, ApiRow] = {}
    for row in sorted(rows.only(*_CELL), key=lambda row: names.index(row.environment)):
        api = row.api
        entry = found.setdefault(
            api.pk,
            ApiRow(api.slug, api.title, api.summary, api.platform, api.version, api.owner, api.contact, api.lifecycle, api.tags),
        )
        entry.environments[row.environment] = api_at(row)
    chosen = [row for row in found.values() if not environment or environment in row.environments]
    return sorted(chosen, key=lambda row: (row.title.casefold(), row.slug))


# What a cell of the list needs: a document's row holds much more.
_CELL = (
    *(f"api__{name}" for name in ("slug", "title", "summary", "platform", "version", "owner", "contact", "lifecycle", "tags")),
    *("environment", "release", "commit", "published_at", "stale", "stale_reason"),
    *("document__operation_count", "compilation__error_count", "compilation__warning_count"),
)


def api_at(publication: Publication) -> ApiAt:
    """The cell of one publication."""
    return ApiAt(
        environment=publication.environment,
        release=publication.release,
        commit=publication.commit,
        operations=publication.document.operation_count,
        findings=publication.compilation.error_count + publication.compilation.warning_count,
        published_at=publication.published_at,
        stale=publication.stale,
        stale_reason=publication.stale_reason,
    )


def api_row(access: Access, slug: str) -> ApiRow:
    """One API with all its environments. Raises NotFound ``unknown_api``."""
    names = [one.name for one in environments_for(access)] if storable(slug) else []
    rows = sorted(
        current_publications().filter(environment__in=names, api__slug=slug).only(*_CELL), key=lambda row: names.index(row.environment)
    )
    if not rows:
        raise NotFound(f"There is no API {slug!r} in this catalog.", code="unknown_api")
    api = rows[0].api
    entry = ApiRow(api.slug, api.title, api.summary, api.platform, api.version, api.owner, api.contact, api.lifecycle, api.tags)
    entry.environments.update({row.environment: api_at(row) for row in rows})
    return entry


def api_in(environment: str, slug: str) -> Publication:
    """What ``environment`` shows of the API, with its ``api``, ``document`` and ``compilation``. One query when it is there.

    Raises NotFound ``unknown_api``, saying in which environments it exists (``environments`` in the problem).
    """
    found = current_publications(environment).filter(api__slug=slug).first() if storable(environment, slug) else None
    if found is not None:
        return found
    having = environments_having(slug)
    where = f" It exists in {', '.join(having)}." if having else ""
    raise NotFound(f"There is no API {slug!r} in {environment!r}.{where}", code="unknown_api", environments=having)


def environments_having(slug: str, *, key: str = "", method: str = "", path: str = "") -> list[str]:
    """Names of environments, in promotion order, that show this API and, where given, this operation (by key, or by
    method and path template)."""
    if not storable(slug, key, method, path):
        return []
    rows = Publication.objects.filter(current=True, api__slug=slug)
    if key:
        rows = rows.filter(document__operations__key=key)
    elif path:
        wanted = Q(document__operations__path=path)
        rows = rows.filter(wanted & Q(document__operations__method=method.upper()) if method else wanted)
    found = set(rows.values_list("environment", flat=True))
    return [name for name in current_rules().environment_names if name in found]
