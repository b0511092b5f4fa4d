"""``/api/v1/elevations``: more quota for a while."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.response import Response

from catalog.paging import page_of_query
from gateway import selectors
from gateway.actions import decide_elevation, request_elevation
from gateway.limits import LARGEST_PER_MINUTE, LONGEST_MINUTES
from gateway.models import Elevation
from identity.callers import SignedInApiRequest
from portal.web.roles import for_role

STANDINGS = ("pending", "in_force", "ended", "refused")


class ElevationRequest(serializers.Serializer[Any]):
    """``minutes`` count from the approval."""

    per_minute = serializers.IntegerField(min_value=1, max_value=LARGEST_PER_MINUTE)
    minutes = serializers.IntegerField(min_value=1, max_value=LONGEST_MINUTES)
    reason = serializers.CharField(max_length=Elevation.LONGEST_REASON)


class ElevationShape(serializers.ModelSerializer[Elevation]):
    """``state`` is how it stands now: pending, in_force until ``until``, ended, or refused."""

    person = serializers.CharField(source="account.name", read_only=True)
    state = serializers.ChoiceField(STANDINGS, source="standing", read_only=True)
    decided_by = serializers.CharField(source="decided_by.name", default="", read_only=True)

    class Meta:
        model = Elevation
        fields = ("id", "person", "per_minute", "minutes", "reason", "state", "requested_at", "decided_at", "decided_by", "until")


class ElevationList(serializers.Serializer[Any]):
    results = ElevationShape(many=True)
    next = serializers.URLField(allow_null=True)


@extend_schema(methods=["GET"], operation_id="listElevations", responses=ElevationList, tags=["calls"])
@extend_schema(methods=["POST"], operation_id="requestElevation", request=ElevationRequest, responses={201: ElevationShape}, tags=["calls"])
@api_view(["GET", "POST"])
def elevations(request: SignedInApiRequest) -> Response:
    """Requests for more quota: yours, or everybody's for the platform team; and a new one of yours."""
    if request.method == "POST":
        wanted = ElevationRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        asked = request_elevation(by=request.caller, **wanted.validated_data)
        return Response(ElevationShape(asked).data, status=status.HTTP_201_CREATED)
    rows, following = page_of_query(request, selectors.elevations_for(request.caller))
    return Response({"results": ElevationShape(rows, many=True).data, "next": following})


@extend_schema(operation_id="approveElevation", request=None, responses=ElevationShape, tags=["calls"])
@for_role("platform")
@api_view(["POST"])
def approve(request: SignedInApiRequest, elevation_id: UUID) -> Response:
    """Approve somebody else's request: in force from now until its minutes are over."""
    return Response(ElevationShape(decide_elevation(elevation_id=elevation_id, by=request.caller, approve=True)).data)


@extend_schema(operation_id="refuseElevation", request=None, responses=ElevationShape, tags=["calls"])
@for_role("platform")
@api_view(["POST"])
def refuse(request: SignedInApiRequest, elevation_id: UUID) -> Response:
    """Refuse a request; nothing changes for whoever asked."""
    return Response(ElevationShape(decide_elevation(elevation_id=elevation_id, by=request.caller, approve=False)).data)
