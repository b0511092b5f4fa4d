"""``/api/v1/audit``: the log, its proof, and its export. For the platform role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from audit import selectors
from audit.export import Export
from audit.verification import verify_and_keep
from audit.vocabulary import OUTCOMES
from portal.errors import Malformed
from portal.web.roles import for_role

PAGE = 100


class EntryActor(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    session = serializers.CharField()
    remote = serializers.CharField()


class EntryShown(serializers.Serializer[Any]):
    """``outcome`` is ``open`` for an intent that nothing has completed; ``sealed`` says whether the entry is under a seal yet."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    action = serializers.CharField()
    outcome = serializers.ChoiceField(choices=[*OUTCOMES, selectors.OPEN])
    text = serializers.CharField()
    actor = EntryActor()
    subject = serializers.CharField()
    api = serializers.CharField()
    environment = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]
    sealed = serializers.BooleanField()


class EntryList(serializers.Serializer[Any]):
    results = EntryShown(many=True)
    next = serializers.URLField(allow_null=True)


class ProblemShown(serializers.Serializer[Any]):
    kind = serializers.CharField()
    text = serializers.CharField()
    entry = serializers.IntegerField(allow_null=True)
    seal = serializers.IntegerField(allow_null=True)


class VerificationShown(serializers.Serializer[Any]):
    """``entries`` were compared with their seals up to ``sealed_to``; ``waiting`` are not sealed yet."""

    ok = serializers.BooleanField()
    entries = serializers.IntegerField()
    sealed_to = serializers.IntegerField()
    waiting = serializers.IntegerField()
    problems = ProblemShown(many=True)
    notes = serializers.ListField(child=serializers.CharField())


FACETS = [
    *(OpenApiParameter(name, OpenApiTypes.STR) for name in selectors.TEXT_FACETS),
    OpenApiParameter("since", OpenApiTypes.DATETIME),
    OpenApiParameter("until", OpenApiTypes.DATETIME),
]


@extend_schema(
    operation_id="listAuditEntries", parameters=[*FACETS, OpenApiParameter("cursor", OpenApiTypes.INT)], responses=EntryList, tags=["audit"]
)
@for_role("platform")
@api_view(["GET"])
def entries(request: Request) -> Response:
    """Who did what to which, newest first."""
    facets = selectors.facets_from(request.query_params)
    found, cursor = selectors.page(facets, before=read_cursor(request.query_params.get("cursor", "")), size=PAGE)
    next_url = None
    if cursor is not None:
        next_url = f"{settings.PORTAL_PUBLIC_URL}{request.path}?{urlencode(facets.as_query() | {'cursor': str(cursor)})}"
    return Response({"results": selectors.described(found), "next": next_url}, headers={"Cache-Control": "no-store"})


def read_cursor(text: str) -> int | None:
    """The id a page starts below; None for the first page. Raises Malformed."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Malformed("The cursor cannot be read. Take it from “next” as it is.")
    return int(text)


@extend_schema(operation_id="verifyAuditLog", responses=VerificationShown, tags=["audit"])
@for_role("platform")
@api_view(["GET"])
def verification(request: Request) -> Response:
    """Compare the whole log with its seals and checkpoints."""
    return Response(verify_and_keep().as_dict(), headers={"Cache-Control": "no-store"})


@extend_schema(
    operation_id="exportAuditLog",
    parameters=[*FACETS, OpenApiParameter("format", OpenApiTypes.STR, enum=["jsonl", "csv"], default="jsonl")],
    responses={
        (200, "application/jsonl"): OpenApiResponse(OpenApiTypes.STR, description="One entry a line."),
        (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="One entry a row; no cell is a formula."),
    },
    tags=["audit"],
)
@for_role("platform")
@api_view(["GET"])
def export(request: Request) -> StreamingHttpResponse:
    """Every matching entry, oldest first, as it stood when the export began. Exports are recorded."""
    caller = request._request.caller  # type: ignore[attr-defined]
    made = Export(
        selectors.facets_from(request.query_params), request.query_params.get("format", "jsonl"), by=caller.actor, via=str(caller.via)
    )
    return streamed(request._request, made)


def streamed(request: HttpRequest, made: Export) -> StreamingHttpResponse:
    """The export as an answer, chunk by chunk whichever server runs."""
    chunks = _chunks(made) if isinstance(request, ASGIRequest) else iter(made)
    return StreamingHttpResponse(
        chunks,
        content_type=made.content_type,
        headers={"Content-Disposition": f'attachment; filename="{made.name}"', "Cache-Control": "no-store"},
    )


async def _chunks(made: Export) -> AsyncIterator[bytes]:
    yield made.head()
    after: int | None = 0
    while after is not None:
        lines, after = await sync_to_async(made.chunk)(after)
        yield lines
