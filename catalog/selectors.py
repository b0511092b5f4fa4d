"""Reading the catalog. Everybody with a role reads every environment, so that differences can be seen; only calls and
tokens are bound to the environments of a person's groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When

from catalog import rules_check
from catalog.models import Branch, BranchFile, Document, DocumentPart, Finding, Operation, Publication, RulesRevision, SchemaText, Source
from catalog.rules import Environment, Rules
from identity.access import Access
from portal.errors import NotFound

METHODS = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "QUERY")


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


@dataclass(frozen=True, slots=True)
class OperationHit:
    """A search result: enough to show and to link."""

    api: str
    api_title: str
    platform: str
    environment: str
    operation: str
    method: str
    path: str
    summary: str
    deprecated: bool
    environments: tuple[str, ...]  # every environment it exists in


# --- Rules -------------------------------------------------------------------------------------------------------------


def current_rules() -> Rules:
    """The rules in force; empty ones before the first sound commit. One query; parsing is cached by content."""
    row = RulesRevision.objects.filter(current=True).values_list("digest", "commit").first()
    return Rules() if row is None else _rules_of(*row)


@lru_cache(maxsize=4)
def _rules_of(digest: str, commit: str) -> Rules:
    files = RulesRevision.objects.filter(digest=digest, sound=True).values_list("files", flat=True)[:1]
    return rules_check.read(files[0], commit=commit).rules


def environments_for(access: Access) -> tuple[Environment, ...]:
    """The environments this person may look at, in promotion order."""
    return current_rules().environments if access.role else ()


# --- APIs --------------------------------------------------------------------------------------------------------------


def current_publications(environment: str = "") -> QuerySet[Publication]:
    """What is shown now. Environments the rules no longer name are left out by the callers that know the rules."""
    rows = Publication.objects.filter(current=True).select_related("api", "document", "compilation")
    return rows.filter(environment=environment) if environment else rows


def apis(access: Access, *, platform: str = "", environment: str = "", owner: str = "", q: str = "") -> list[ApiRow]:
    """The catalog as this person sees it, by title. Two queries whatever its size."""
    names = [one.name for one in environments_for(access)]
    if not names:
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
    for row in sorted(rows.defer("document__info", "document__extensions"), key=lambda row: names.index(row.environment)):
        api = row.api
        entry = found.setdefault(
            api.pk,
            ApiRow(api.slug, api.title, api.summary, api.platform, api.version, api.owner, api.contact, api.lifecycle, api.tags),
        )
        entry.environments[row.environment] = api_at(row)
    chosen = [row for row in found.values() if not environment or environment in row.environments]
    return sorted(chosen, key=lambda row: (row.title.casefold(), row.slug))


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
    names = [one.name for one in environments_for(access)]
    rows = sorted(current_publications().filter(environment__in=names, api__slug=slug), key=lambda row: names.index(row.environment))
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
    found = current_publications(environment).filter(api__slug=slug).first()
    if found is not None:
        return found
    having = environments_having(slug)
    where = f" It exists in {', '.join(having)}." if having else ""
    raise NotFound(f"There is no API {slug!r} in {environment!r}.{where}", code="unknown_api", environments=having)


def environments_having(slug: str, *, key: str = "", method: str = "", path: str = "") -> list[str]:
    """Names of environments, in promotion order, that show this API and, where given, this operation (by key, or by
    method and path template)."""
    rows = Publication.objects.filter(current=True, api__slug=slug)
    if key:
        rows = rows.filter(document__operations__key=key)
    elif path:
        wanted = Q(document__operations__path=path)
        rows = rows.filter(wanted & Q(document__operations__method=method.upper()) if method else wanted)
    found = set(rows.values_list("environment", flat=True))
    return [name for name in current_rules().environment_names if name in found]


# --- Operations and schemas --------------------------------------------------------------------------------------------


def operations(document_id: int) -> QuerySet[Operation]:
    """All operations of a document in its order, without their long texts."""
    return Operation.objects.filter(document_id=document_id).defer("description", "haystack").order_by("position")


def operation_in(environment: str, slug: str, key: str) -> tuple[Publication, Operation]:
    """One operation with what is needed to show it. Two queries.

    Raises NotFound ``unknown_api`` or ``unknown_operation``; the second says where the operation exists.
    """
    publication = api_in(environment, slug)
    found = Operation.objects.filter(document_id=publication.document_id, key=key).select_related("detail_content").first()
    if found is not None:
        return publication, found
    having = environments_having(slug, key=key)
    where = f" It exists in {', '.join(having)}." if having else ""
    raise NotFound(f"{slug} has no operation {key!r} in {environment!r}.{where}", code="unknown_operation", environments=having)


def schema(document_id: int, pointer: str) -> dict[str, Any] | None:
    """The schema at ``#/components/schemas/X``, references intact; None when there is none. One query."""
    return schemas(document_id, [pointer]).get(pointer)


def schemas(document_id: int, pointers: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Several schemas in one query; pointers that lead nowhere are left out."""
    rows = SchemaText.objects.filter(document_id=document_id, pointer__in=list(pointers)).select_related("content")
    return {row.pointer: row.content.value for row in rows}


def schema_pointers(document_id: int) -> list[str]:
    """Every pointer of a document that has a schema text."""
    return list(SchemaText.objects.filter(document_id=document_id).order_by("pointer").values_list("pointer", flat=True))


def source_text(document: Document) -> bytes:
    """The document as Git has it, as JSON without servers."""
    return DocumentPart.objects.get(document=document, name="source.json").text


def with_servers(document: Document, text: bytes, base_url: str) -> bytes:
    """``text`` (``source_text``) with the environment's base URL spliced in where its version of the standard wants it."""
    head = orjson.dumps(server_members(document.openapi, base_url))
    return head[:-1] + (b"," if text[1:2] != b"}" else b"") + text[1:]


def server_members(openapi: str, base_url: str) -> dict[str, Any]:
    """``servers`` (3.x), or ``host``, ``basePath``, ``schemes`` (2.0), that say ``base_url``."""
    if not openapi.startswith("2"):
        return {"servers": [{"url": base_url}]}
    scheme, separator, rest = base_url.partition("://")
    if not separator:
        return {"basePath": base_url}
    host, slash, path = rest.partition("/")
    return {"host": host, "basePath": f"{slash}{path}" or "/", "schemes": [scheme]}


# --- Search ------------------------------------------------------------------------------------------------------------


def search_operations(access: Access, text: str, *, environment: str = "", platform: str = "", limit: int = 20) -> list[OperationHit]:
    """Operations that hold every word of ``text``, best first: path exact, operationId exact, path or operationId
    begins, summary, anything else. One hit per API and operation, in the first environment (promotion order) that has
    it, or in ``environment``. Two queries."""
    names = [one.name for one in environments_for(access)]
    words = text.lower().split()[:8]
    if not names or not words:
        return []
    wanted = text.strip().lower()
    rows = Operation.objects.filter(document__publications__current=True, document__publications__environment__in=names)
    if environment:
        rows = rows.filter(document__publications__environment=environment)
    if platform:
        rows = rows.filter(document__publications__api__platform=platform)
    for word in words:
        rows = rows.filter(haystack__contains=word)
    ranked = rows.annotate(
        rank=_rank(wanted),
        environment=F("document__publications__environment"),
        api=F("document__publications__api__slug"),
        api_title=F("document__publications__api__title"),
        platform=F("document__publications__api__platform"),
    ).order_by("rank", "deprecated", "path", "method", "api")
    fields = ("api", "api_title", "platform", "environment", "key", "method", "path", "summary", "deprecated")
    hits: dict[tuple[str, str], dict[str, Any]] = {}
    # One operation stands in each environment's document: read enough rows for `limit` different ones.
    for row in ranked.values(*fields)[: limit * len(names)]:
        hit = hits.setdefault((row["api"], row["key"]), row | {"environments": set()})
        hit["environments"].add(row["environment"])
    return [_hit(hit, names) for hit in list(hits.values())[:limit]]


def _rank(wanted: str) -> Case:
    path_alone = wanted.split(" ", 1)[1] if wanted.partition(" ")[0].upper() in METHODS and " " in wanted else wanted
    return Case(
        When(path__iexact=path_alone, then=Value(0)),
        When(operation_id__iexact=wanted, then=Value(1)),
        When(Q(path__istartswith=path_alone) | Q(operation_id__istartswith=wanted), then=Value(2)),
        When(Q(path__icontains=path_alone) | Q(operation_id__icontains=wanted), then=Value(3)),
        When(summary__icontains=wanted, then=Value(4)),
        default=Value(5),
        output_field=IntegerField(),
    )


def _hit(row: dict[str, Any], names: list[str]) -> OperationHit:
    having = tuple(name for name in names if name in row["environments"])
    return OperationHit(
        api=row["api"],
        api_title=row["api_title"],
        platform=row["platform"],
        environment=having[0],
        operation=row["key"],
        method=row["method"],
        path=row["path"],
        summary=row["summary"],
        deprecated=row["deprecated"],
        environments=having,
    )


# --- Sync --------------------------------------------------------------------------------------------------------------


def sources() -> QuerySet[Source]:
    """Every source the rules name, the rules themselves first, with their branches."""
    return Source.objects.filter(active=True).prefetch_related("branches").order_by("-kind", "name")


def source(name: str) -> Source:
    """Raises NotFound ``unknown_source``."""
    found = Source.objects.filter(active=True, name=name).first()
    if found is None:
        raise NotFound(f"There is no source {name!r}.", code="unknown_source")
    return found


def findings_of(publication: Publication) -> list[Finding]:
    """What the engine found in a published document, errors first."""
    return _graded(Finding.objects.filter(compilation_id=publication.compilation_id))


def files_of(branches: Sequence[Branch]) -> list[BranchFile]:
    """The documents of these branches as last seen, those with trouble first, findings at hand."""
    rows = (
        BranchFile.objects.filter(branch__in=branches).select_related("compilation").annotate(finding_count=Count("compilation__findings"))
    )
    order = {"refused": 0, "gone": 1, "skipped": 2, "published": 3}
    return sorted(rows, key=lambda row: (order.get(row.state, 9), row.path))


def _graded(rows: Iterable[Finding]) -> list[Finding]:
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(rows, key=lambda row: (order.get(row.level, 9), row.file, row.line or 0))
