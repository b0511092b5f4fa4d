"""``/api/v1``: what differs between two environments."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors
from catalog.models import Publication
from catalog.paging import page_of
from catalog.selectors.drift import CHANGED, FAILED, IN_SYNC, MISSING, NEVER_SYNCED, WAITING
from identity.callers import signed_in

PAIR = [
    OpenApiParameter("from", str, description="The old side; the last environment unless given."),
    OpenApiParameter("to", str, description="The new side; the environment before the last unless given."),
]
PAGING = [
    OpenApiParameter("page", int, description="From 1."),
    OpenApiParameter("limit", int, description="Rows a page, at most 1000."),
]
JUDGED = (IN_SYNC, CHANGED)


class DriftCounts(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=[IN_SYNC, CHANGED, MISSING, NEVER_SYNCED, WAITING, FAILED])
    breaking = serializers.IntegerField(allow_null=True, help_text="null where there is no verdict.")
    warning = serializers.IntegerField(allow_null=True)
    info = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(help_text="Why there is no verdict, in a sentence.")


class DriftOfApi(DriftCounts):
    api = serializers.CharField()
    title = serializers.CharField()
    platform = serializers.CharField()
    missing_in = serializers.CharField(help_text="The environment that does not show the API.")
    url = serializers.CharField(help_text="The page of the changes; empty where there is none.")


class DriftMatrix(serializers.Serializer[Any]):
    to = serializers.CharField()
    results = DriftOfApi(many=True)
    next = serializers.URLField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.CharField(), **super().get_fields()}


class ChangeShape(serializers.Serializer[Any]):
    rule = serializers.CharField(help_text="A stable id; `specs rules` lists them.")
    level = serializers.ChoiceField(choices=["breaking", "warning", "info"])
    operation = serializers.CharField(help_text="`METHOD /path`; empty for the document as a whole.")
    location = serializers.CharField()
    text = serializers.CharField()


class SideShape(serializers.Serializer[Any]):
    environment = serializers.CharField()
    commit = serializers.CharField()
    release = serializers.CharField()
    published_at = serializers.DateTimeField()


class DriftChanges(DriftCounts):
    api = serializers.CharField()
    to = SideShape()
    changes = ChangeShape(many=True, help_text="The worst first, at most 2,000; the numbers count all.")
    truncated = serializers.BooleanField(help_text="There are more changes than are listed.")

    def get_fields(self) -> dict[str, Any]:
        return {"from": SideShape(), **super().get_fields()}


def _counts(cell: selectors.DriftCell) -> dict[str, Any]:
    """A client that asks for ``breaking == 0`` must not take "not compared" for it: null is not zero."""
    judged = cell.state in JUDGED
    numbers = {level: getattr(cell, level) if judged else None for level in ("breaking", "warning", "info")}
    return {"state": cell.state, **numbers, "reason": cell.reason}


def _pair(request: Request) -> tuple[str, str]:
    old, new = (request.query_params.get(name, "")[:100] for name in ("from", "to"))
    return selectors.pair_of([one.name for one in selectors.environments_for(signed_in(request).access)], old, new)


@extend_schema(operation_id="getDriftMatrix", parameters=[*PAIR, *PAGING], responses=DriftMatrix, tags=["drift"])
@api_view(["GET"])
def drift(request: Request) -> Response:
    """Every API that one of two environments shows, and how it differs between them."""
    pair = _pair(request)
    rows, following = page_of(request, selectors.drift_matrix([pair]))
    return Response({"from": pair[0], "to": pair[1], "results": [_row(row) for row in rows], "next": following})


def _row(row: selectors.DriftRow) -> dict[str, Any]:
    (cell,) = row.cells
    place = reverse("api-drift", kwargs={"api": row.slug, "environment": cell.new})
    return {
        "api": row.slug,
        "title": row.title,
        "platform": row.platform,
        **_counts(cell),
        "missing_in": cell.missing_in,
        "url": "" if cell.missing_in else f"{place}?{urlencode({'from': cell.old})}",
    }


@extend_schema(operation_id="getDrift", parameters=PAIR, responses=DriftChanges, tags=["drift"])
@api_view(["GET"])
def api_drift(request: Request, api: str) -> Response:
    """What changed for one API from one environment to another: the shape `specs diff --format json` writes too."""
    detail = selectors.drift_of(api, _pair(request))
    return Response(
        {
            "api": api,
            "from": _side(detail.old),
            "to": _side(detail.new),
            **_counts(detail.cell),
            "changes": detail.changes,
            "truncated": detail.cell.total > len(detail.changes),
        }
    )


def _side(row: Publication) -> dict[str, Any]:
    return {"environment": row.environment, "commit": row.commit, "release": row.release, "published_at": row.published_at}
