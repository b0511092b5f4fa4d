"""Operations, schemas and the text of documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson
from django.conf import settings
from django.db.models import QuerySet

from catalog.models import Document, DocumentPart, Operation, Publication, SchemaText
from catalog.selectors.apis import api_in, environments_having
from catalog.selectors.rules import current_rules, storable
from portal.errors import NotFound
from specs.slice import operation_document
from specs.yaml_writing import yaml_text


def operations(document_id: int) -> QuerySet[Operation]:
    """All operations of a document in its order, without their long texts."""
    return Operation.objects.filter(document_id=document_id).defer("description", "haystack").order_by("position")


def operation_in(environment: str, slug: str, key: str) -> tuple[Publication, Operation]:
    """One operation with what is needed to show it. Two queries.

    Raises NotFound ``unknown_api`` or ``unknown_operation``; the second says where the operation exists.
    """
    publication = api_in(environment, slug)
    rows = Operation.objects.filter(document_id=publication.document_id, key=key).select_related("detail_content")
    found = rows.first() if storable(key) else None
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
    rows = SchemaText.objects.filter(document_id=document_id, pointer__in=[one for one in pointers if storable(one)]).select_related(
        "content"
    )
    return {row.pointer: row.content.value for row in rows}


def schema_pointers(document_id: int) -> list[str]:
    """Every pointer of a document that has a schema text."""
    return list(SchemaText.objects.filter(document_id=document_id).order_by("pointer").values_list("pointer", flat=True))


def source_text(document: Document) -> bytes:
    """The document as Git has it, as JSON without servers."""
    return DocumentPart.objects.get(document=document, name="source.json").text


def base_url_of(publication: Publication) -> str:
    """Where calls to a published API go: the platform's base URL, the gateway for a mocked one, "" for none.

    Reads the rules: one query.
    """
    at = current_rules().platform_at(publication.api.platform, publication.environment)
    if at is None:
        return ""
    if at.mock:
        return f"{settings.PORTAL_PUBLIC_URL}/gateway/{publication.environment}/{publication.api.slug}"
    return at.base_url


def with_servers(document: Document, text: bytes, base_url: str) -> bytes:
    """``text`` (``source_text``) with the environment's base URL spliced in where its version of the standard wants it.
    Without a base URL the document's own servers are put back."""
    head = orjson.dumps(server_members(document, base_url))
    between = b"," if head != b"{}" and text[1:2] != b"}" else b""
    return head[:-1] + between + text[1:]


def yaml_with_servers(document: Document, text: bytes, base_url: str) -> bytes:
    """The same for YAML."""
    members = server_members(document, base_url)
    return (yaml_text(orjson.dumps(members)) if members else b"") + text


def server_members(document: Document, base_url: str) -> dict[str, Any]:
    """``servers`` (3.x), or ``host``, ``basePath``, ``schemes`` (2.0), that say ``base_url``."""
    if not base_url:
        return {"servers": document.servers} if document.servers and not document.openapi.startswith("2") else {}
    if not document.openapi.startswith("2"):
        return {"servers": [{"url": base_url}]}
    scheme, _, rest = base_url.partition("://")
    host, slash, path = rest.partition("/")
    return {"host": host, "basePath": f"{slash}{path}" or "/", "schemes": [scheme]}


def operation_slice(publication: Publication, operation: Operation) -> dict[str, Any]:
    """The operation as a small self-contained OpenAPI 3 document with its environment's server: what a renderer in a
    browser holds. ``operation`` as ``operation_in`` gives it."""
    document = publication.document
    base_url = base_url_of(publication)
    meta = {
        "openapi": "3.0.3" if document.openapi.startswith("2") else document.openapi,  # details are upgraded to 3
        "info": document.info,
        "tags": document.tags,
        "servers": [{"url": base_url}] if base_url else [],
        "security_schemes": document.security_schemes,
    }
    words = {
        "operationId": operation.operation_id,
        "summary": operation.summary,
        "description": operation.description,
        "tags": operation.tags,
        "deprecated": operation.deprecated,
    }
    detail = {name: value for name, value in words.items() if value} | operation.detail
    described = {"path": operation.path, "method": operation.method.lower(), "detail": detail}
    return operation_document(meta, described, resolver(document.pk))


def resolver(document_id: int) -> Callable[[str], dict[str, Any] | None]:
    """``resolve(pointer)`` as ``specs.slice`` and ``specs.sample`` take it; each pointer is read once."""
    seen: dict[str, dict[str, Any] | None] = {}

    def resolve(pointer: str) -> dict[str, Any] | None:
        if pointer not in seen:
            seen[pointer] = schema(document_id, pointer)
        return seen[pointer]

    return resolve
