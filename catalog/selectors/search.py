"""Finding operations, APIs and schemas by words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, F, IntegerField, Q, Value, When
from django.db.models.functions import Length

from catalog.models import Operation, SchemaText
from catalog.selectors.apis import ApiRow, apis
from catalog.selectors.rules import environments_for, storable
from identity.access import Access

METHODS = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "QUERY")
SCHEMAS = "#/components/schemas/"


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


@dataclass(frozen=True, slots=True)
class SchemaHit:
    """A named schema of an API, in the first environment (promotion order) that has it."""

    api: str
    api_title: str
    platform: str
    environment: str
    pointer: str


def searchable(text: str) -> str:
    """What is searched for: one line of at most 200 characters, without what a database cannot compare (NUL)."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text[:200]).split())


def search_operations(access: Access, text: str, *, environment: str = "", platform: str = "", limit: int = 20) -> list[OperationHit]:
    """Operations that hold every word of ``text``, best first: path exact, operationId exact, path or operationId
    begins, summary, anything else. One hit per API and operation, in the first environment (promotion order) that has
    it, or in ``environment``. Two queries."""
    names = [one.name for one in environments_for(access)]
    text = searchable(text)
    words = text.lower().split()[:8]
    if not names or not words or not storable(environment, platform):
        return []
    wanted = text.lower()
    rows = Operation.objects.filter(_published(names, environment, platform))
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


def _published(names: list[str], environment: str, platform: str) -> Q:
    """Rows of documents shown now. One Q in one filter: a second filter would join the publications a second time."""
    shown = Q(document__publications__current=True, document__publications__environment__in=names)
    if environment:
        shown &= Q(document__publications__environment=environment)
    if platform:
        shown &= Q(document__publications__api__platform=platform)
    return shown


def _rank(wanted: str) -> Case:
    path_alone = wanted.split(" ", 1)[1] if wanted.partition(" ")[0].upper() in METHODS and " " in wanted else wanted
    return Case(
        When(Q(path__iexact=path_alone) | Q(path__iexact=f"/{path_alone}"), then=Value(0)),
        When(operation_id__iexact=wanted, then=Value(1)),
        When(Q(path__istartswith=path_alone) | Q(path__istartswith=f"/{path_alone}") | Q(operation_id__istartswith=wanted), then=Value(2)),
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


def search_apis(access: Access, text: str, environment: str, platform: str, limit: int) -> list[ApiRow]:
    """APIs whose slug, title, summary or owner holds ``text``."""
    wanted = searchable(text)
    return apis(access, platform=platform, environment=environment, q=wanted)[:limit] if wanted else []


def search_schemas(access: Access, text: str, *, environment: str = "", platform: str = "", limit: int = 20) -> list[SchemaHit]:
    """Named schemas whose name holds ``text``, shortest first."""
    names, wanted = [one.name for one in environments_for(access)], searchable(text)
    if not names or not wanted or " " in wanted or not storable(environment, platform):
        return []
    rows = SchemaText.objects.filter(
        _published(names, environment, platform),
        pointer__startswith=SCHEMAS,
        pointer__icontains=wanted.replace("~", "~0").replace("/", "~1"),
    )
    found: dict[tuple[str, str], SchemaHit] = {}
    placed = rows.annotate(
        length=Length("pointer"),
        environment=F("document__publications__environment"),
        api=F("document__publications__api__slug"),
        api_title=F("document__publications__api__title"),
        platform=F("document__publications__api__platform"),
    ).order_by("length", "pointer", "api")
    values = placed.values("pointer", "environment", "api", "api_title", "platform")
    for row in sorted(values[: limit * len(names)], key=lambda row: names.index(row["environment"])):
        found.setdefault((row["api"], row["pointer"]), SchemaHit(**row))
    # The pointer holds the words "components" and "schemas" itself: only the name counts.
    named = [hit for hit in found.values() if wanted.lower() in hit.pointer.removeprefix(SCHEMAS).lower()]
    return sorted(named, key=lambda hit: (len(hit.pointer), hit.pointer, hit.api))[:limit]
