"""``/api/v1``: environments, APIs, documents, operations, search, sources."""

from __future__ import annotations

import hashlib
import time
from typing import Any
from urllib.parse import quote

import orjson
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import actions, api_shapes, selectors
from catalog.models import Publication
from catalog.paging import number, page_of, page_of_query
from identity.callers import signed_in
from portal.errors import Malformed
from portal.web.roles import for_role

PAGING = [
    OpenApiParameter("page", int, description="From 1."),
    OpenApiParameter("limit", int, description="Rows a page, at most 1000."),
]
KINDS = ("operation", "api", "schema")


@extend_schema(operation_id="listEnvironments", responses=api_shapes.EnvironmentList, tags=["catalog"])
@api_view(["GET"])
def environments(request: Request) -> Response:
    """Where calls can go, in promotion order, and what you may do there."""
    access, rules = signed_in(request).access, selectors.current_rules()
    results = [api_shapes.environment_json(one, rules, access) for one in selectors.environments_for(access)]
    return Response({"results": results, "next": None})


@extend_schema(
    operation_id="listApis",
    parameters=[*(OpenApiParameter(name, str) for name in ("platform", "environment", "owner", "q")), *PAGING],
    responses=api_shapes.ApiList,
    tags=["catalog"],
)
@api_view(["GET"])
def apis(request: Request) -> Response:
    """Every API with what each environment shows of it, by title."""
    wanted = {name: request.query_params.get(name, "")[:200] for name in ("platform", "environment", "owner", "q")}
    rows, following = page_of(request, selectors.apis(signed_in(request).access, **wanted))
    return Response({"results": [api_shapes.api_json(row) for row in rows], "next": following})


@extend_schema(operation_id="getApi", responses=api_shapes.ApiShape, tags=["catalog"])
@api_view(["GET"])
def api(request: Request, api: str) -> Response:
    """One API."""
    return Response(api_shapes.api_json(selectors.api_row(signed_in(request).access, api)))


@extend_schema(operation_id="getDocument", responses=OpenApiTypes.OBJECT, tags=["catalog"])
@api_view(["GET"])
def document_json(request: Request, api: str, environment: str) -> HttpResponse:
    """The whole document as Git has it, as JSON, with this environment's server."""
    publication = selectors.api_in(environment, api)
    answer = _unchanged(request, publication)
    if answer is None:
        text = selectors.source_text(publication.document)
        body = selectors.with_servers(publication.document, text, selectors.base_url_of(publication))
        answer = HttpResponse(body, content_type="application/json")
    return _labelled(answer, publication)


@extend_schema(operation_id="getDocumentAsYaml", responses={(200, "application/yaml"): OpenApiTypes.STR}, tags=["catalog"])
@api_view(["GET"])
def document_yaml(request: Request, api: str, environment: str) -> HttpResponse:
    """The same as YAML."""
    publication = selectors.api_in(environment, api)
    answer = _unchanged(request, publication)
    if answer is None:
        text = actions.source_yaml(publication.document)
        answer = HttpResponse(
            selectors.yaml_with_servers(publication.document, text, selectors.base_url_of(publication)), content_type="application/yaml"
        )
    return _labelled(answer, publication)


def _tag(publication: Publication) -> str:
    # The server spliced in front is part of what is sent.
    server = hashlib.sha256(selectors.base_url_of(publication).encode()).hexdigest()
    return f'"{publication.document.digest[:32]}-{server[:12]}"'


def _unchanged(request: Request, publication: Publication) -> HttpResponse | None:
    return HttpResponse(status=304) if request.headers.get("If-None-Match") == _tag(publication) else None


def _labelled(answer: HttpResponse, publication: Publication) -> HttpResponse:
    answer["ETag"] = _tag(publication)
    answer["Cache-Control"] = "private, no-cache"
    return answer


@extend_schema(operation_id="listOperations", parameters=PAGING, responses=api_shapes.OperationList, tags=["catalog"])
@api_view(["GET"])
def operations(request: Request, api: str, environment: str) -> Response:
    """The operations of an API in an environment, in the document's order."""
    publication = selectors.api_in(environment, api)
    rows, following = page_of_query(request, selectors.operations(publication.document_id))
    return Response({"results": [api_shapes.operation_json(row) for row in rows], "next": following})


@extend_schema(operation_id="getOperation", responses=OpenApiTypes.OBJECT, tags=["catalog"])
@api_view(["GET"])
def operation(request: Request, api: str, environment: str, operation: str) -> HttpResponse:
    """One operation as a small, self-contained OpenAPI document."""
    publication, row = selectors.operation_in(environment, api, operation)
    return HttpResponse(orjson.dumps(selectors.operation_slice(publication, row)), content_type="application/json")


@extend_schema(
    operation_id="search",
    parameters=[
        OpenApiParameter("q", str, required=True),
        OpenApiParameter("environment", str),
        OpenApiParameter("platform", str),
        OpenApiParameter("kind", str, enum=KINDS),
        OpenApiParameter("limit", int, description="At most 100; 20 unless given."),
    ],
    responses=api_shapes.SearchAnswer,
    tags=["catalog"],
)
@api_view(["GET"])
def search(request: Request) -> Response:
    """Operations, APIs and schemas by their words, best first."""
    started = time.perf_counter()
    text, kind = request.query_params.get("q", "")[:200], request.query_params.get("kind", "")
    if kind and kind not in KINDS:
        raise Malformed(f"kind must be one of {', '.join(KINDS)}.")
    limit = number(request, "limit", 20, largest=100)
    environment, platform = (request.query_params.get(name, "")[:100] for name in ("environment", "platform"))
    access, results = signed_in(request).access, list[dict[str, Any]]()
    if kind in {"", "operation"}:
        found = selectors.search_operations(access, text, environment=environment, platform=platform, limit=limit)
        results += [_operation_hit(hit) for hit in found]
    if kind in {"", "api"}:
        results += [_api_hit(row, environment) for row in selectors.search_apis(access, text, environment, platform, limit)]
    if kind in {"", "schema"}:
        hits = selectors.search_schemas(access, text, environment=environment, platform=platform, limit=limit)
        results += [_schema_hit(schema) for schema in hits]
    took = round((time.perf_counter() - started) * 1_000, 2)
    return Response({"results": results[:limit], "next": None, "took_ms": took})


def _operation_hit(hit: selectors.OperationHit) -> dict[str, Any]:
    return {
        "kind": "operation",
        "api": hit.api,
        "title": hit.api_title,
        "platform": hit.platform,
        "environment": hit.environment,
        "environments": hit.environments,
        "operation": hit.operation,
        "method": hit.method,
        "path": hit.path,
        "summary": hit.summary,
        "deprecated": hit.deprecated,
        "url": f"/apis/{quote(hit.api)}/{quote(hit.environment)}/operations/{quote(hit.operation)}",
    }


def _api_hit(row: selectors.ApiRow, environment: str) -> dict[str, Any]:
    shown = environment or next(iter(row.environments))
    return {
        "kind": "api",
        "api": row.slug,
        "title": row.title,
        "platform": row.platform,
        "environment": shown,
        "environments": list(row.environments),
        "summary": row.summary,
        "url": f"/apis/{quote(row.slug)}/{quote(shown)}",
    }


def _schema_hit(hit: selectors.SchemaHit) -> dict[str, Any]:
    return {
        "kind": "schema",
        "api": hit.api,
        "title": hit.api_title,
        "platform": hit.platform,
        "environment": hit.environment,
        "environments": list(hit.environments),
        "pointer": hit.pointer,
        "url": f"/apis/{quote(hit.api)}/{quote(hit.environment)}/schemas?pointer={quote(hit.pointer, safe='')}",
    }


@extend_schema(operation_id="listSources", responses=api_shapes.SourceList, tags=["sync"])
@for_role("platform")
@api_view(["GET"])
def sources(request: Request) -> Response:
    """Where rules and documents come from, and how each was last read."""
    running, order = selectors.running_sources(), selectors.current_rules().environment_names
    rows = list(selectors.sources())
    troubles = selectors.troubles_of(rows)
    results = [api_shapes.source_json(row, running=row.pk in running, order=order, troubles=troubles) for row in rows]
    return Response({"results": results, "next": None})


@extend_schema(operation_id="syncSource", request=None, responses={202: api_shapes.SourceShape}, tags=["sync"])
@for_role("platform")
@api_view(["POST"])
def sync(request: Request, source: str) -> Response:
    """Read a source now. Requests that come before a worker does are one sync."""
    row = selectors.source(source)
    actions.request_sync(row, by=signed_in(request).actor, trigger="person")
    row.refresh_from_db()
    running, order = selectors.running_sources(), selectors.current_rules().environment_names
    document = api_shapes.source_json(row, running=row.pk in running, order=order, troubles=selectors.troubles_of([row]))
    return Response(document, status=status.HTTP_202_ACCEPTED)


@extend_schema(operation_id="listRuns", parameters=PAGING, responses=api_shapes.RunList, tags=["sync"])
@for_role("platform")
@api_view(["GET"])
def runs(request: Request, source: str) -> Response:
    """The syncs of a source, newest first."""
    rows, following = page_of_query(request, selectors.runs(selectors.source(source)))
    return Response({"results": api_shapes.RunShape(rows, many=True).data, "next": following})
