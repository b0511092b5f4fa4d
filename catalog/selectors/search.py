"""Finding operations, APIs and schemas by words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Length

from catalog.models import Operation, SchemaText
from catalog.path_shapes import answers, path_shape, segments_of
from catalog.selectors.apis import ApiRow, apis
from catalog.selectors.rules import environments_for, storable
from identity.access import Access

METHODS = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "QUERY")
SCHEMAS = "#/components/schemas/"
NEAR_ADDRESS = 500  # operations looked at to find the one a real address belongs to


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
    environments: tuple[str, ...]  # every environment it exists in


def searchable(text: str) -> str:
    """What is searched for: one line of at most 200 characters, without what a database cannot compare (NUL)."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text[:200]).split())


def search_operations(access: Access, text: str, *, environment: str = "", platform: str = "", limit: int = 20) -> list[OperationHit]:
    """Operations that hold every word of ``text``, best first: path exact, operationId exact, path or operationId
    begins, summary, anything else. One hit per API and operation, in the first environment (promotion order) that has
    it, or in ``environment``. Parameters in paths match by place, whatever their name; the address of a real call finds
    its operation. Two queries, three for an address."""
    names = [one.name for one in environments_for(access)]
    text = searchable(text)
    words = text.lower().split()[:8]
    if not names or not words or not storable(environment, platform):
        return []
    shown = Operation.objects.filter(_published(names, environment, platform))
    rows = shown
    for word in words:
        rows = rows.filter(haystack__contains=path_shape(word))
    # One operation stands in each environment's document: read enough rows for `limit` different ones.
    found = list(
        _placed(rows.annotate(rank=_rank(text.lower()))).order_by("rank", "deprecated", "path", "method", "api")[: limit * len(names)]
    )
    if not found and len(words) == 1:
        found = _at_address(shown, segments_of(text))
    hits: dict[tuple[str, str], dict[str, Any]] = {}
    for row in found:
        hit = hits.setdefault((row["api"], row["key"]), row | {"environments": set()})
        hit["environments"].add(row["environment"])
    return [_hit(hit, names) for hit in list(hits.values())[:limit]]


def _placed(rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    """Operations with where they stand, as values."""
    placed: QuerySet[Any, Any] = rows.annotate(
        environment=F("document__publications__environment"),
        api=F("document__publications__api__slug"),
        api_title=F("document__publications__api__title"),
        platform=F("document__publications__api__platform"),
    ).values("api", "api_title", "platform", "environment", "key", "method", "path", "summary", "deprecated")
    return placed


def _at_address(shown: QuerySet[Any, Any], segments: list[str]) -> list[dict[str, Any]]:
    """The operations a call of this address could be, those that name most of it first."""
    words = [segment for segment in segments[:12] if segment[0].isalpha()]
    if not words:
        return []
    near = Q()
    for word in words:
        near |= Q(path__icontains=f"/{word}")
    matching = [(answers(row["path"], segments), row) for row in _placed(shown.filter(near)).order_by("path", "method")[:NEAR_ADDRESS]]
    return [row for literal, row in sorted(matching, key=lambda one: -one[0]) if literal]


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
        # The shape of a path with parameters is the last word of the haystack.
        When(haystack__endswith=f" {path_shape(path_alone)}" if "{" in path_alone else "\x01", then=Value(0)),
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
    found: dict[tuple[str, str], dict[str, Any]] = {}
    placed = rows.annotate(
        length=Length("pointer"),
        environment=F("document__publications__environment"),
        api=F("document__publications__api__slug"),
        api_title=F("document__publications__api__title"),
        platform=F("document__publications__api__platform"),
    ).order_by("length", "pointer", "api")
    values = placed.values("pointer", "environment", "api", "api_title", "platform")
    for row in sorted(values[: limit * len(names)], key=lambda row: names.index(row["environment"])):
        hit = found.setdefault((row["api"], row["pointer"]), row | {"environments": ()})
        hit["environments"] = (*hit["environments"], row["environment"])
    # The pointer holds the words "components" and "schemas" itself: only the name counts.
    named = [hit for hit in (SchemaHit(**row) for row in found.values()) if wanted.lower() in hit.pointer.removeprefix(SCHEMAS).lower()]
    return sorted(named, key=lambda hit: (len(hit.pointer), hit.pointer, hit.api))[:limit]
