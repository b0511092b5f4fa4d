"""``/api/v1/tokens``: leases. The token itself leaves by ``reveal`` only."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from identity.callers import Caller, signed_in
from identity.guards import check_role
from identity.selectors import page_number
from tokens import actions, holders, selectors
from tokens.models import TokenLease

PAGE = 50


class TokenAsk(serializers.Serializer[Any]):
    platform = serializers.CharField(max_length=60)
    environment = serializers.CharField(max_length=60)
    scopes = serializers.ListField(child=serializers.CharField(max_length=200), allow_empty=True, max_length=50)
    purpose = serializers.CharField(max_length=200, help_text="What it is for, in your words; kept in the audit log.")
    ttl = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=actions.SHORTEST_TTL,
        max_value=actions.LONGEST_TTL,
        help_text="Seconds until the lease ends; without it, when the sign-in does.",
    )


class TokenSummary(serializers.ModelSerializer[TokenLease]):
    """A lease. ``expires_at`` is the end of its current token, ``ends_at`` the end of the lease.

    ``retry_at`` is set while the platform is away: there is no token until the portal has tried again.
    """

    person = serializers.CharField(source="session.account", read_only=True)

    class Meta:
        model = TokenLease
        fields = (
            "id",
            "person",
            "platform",
            "environment",
            "principal",
            "scopes",
            "bound_by",
            "purpose",
            "automatic",
            "fingerprint",
            "created_at",
            "issued_at",
            "expires_at",
            "ends_at",
            "retry_at",
            "last_used_at",
            "revealed_at",
        )


class TokenList(serializers.Serializer[Any]):
    results = TokenSummary(many=True)
    next = serializers.URLField(allow_null=True)


class TokenRevealed(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    access_token = serializers.CharField(help_text="The token. Looking at it is written to the audit log.")
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds")
    scope = serializers.CharField()


@extend_schema(
    methods=["GET"],
    operation_id="listTokens",
    responses=TokenList,
    tags=["tokens"],
    parameters=[
        OpenApiParameter("everybody", bool, description="Everybody's, not only yours: for architects. The other filters are for these."),
        OpenApiParameter("platform", str),
        OpenApiParameter("environment", str),
        OpenApiParameter("who", str, description="A part of a name or an address."),
        OpenApiParameter("page", int),
    ],
)
@extend_schema(methods=["POST"], operation_id="createToken", request=TokenAsk, responses={201: TokenSummary}, tags=["tokens"])
@api_view(["GET", "POST"])
def leases(request: Request) -> Response:
    """The live tokens of your sign-in, or as an architect everybody's; take one."""
    caller = signed_in(request)
    if request.method == "GET" and request.query_params.get("everybody") == "true":
        return _everybodys(request, caller)
    if request.method == "POST":
        ask = TokenAsk(data=request.data)
        ask.is_valid(raise_exception=True)
        lease = actions.create_lease(by=caller, **ask.validated_data)
        return _no_store(Response(TokenSummary(lease).data, status=status.HTTP_201_CREATED))
    return _no_store(Response({"results": TokenSummary(selectors.held_leases(caller), many=True).data, "next": None}))


def _everybodys(request: Request, caller: Caller) -> Response:
    check_role(caller, "architect")
    query = request.query_params
    page = page_number(query.get("page", ""))
    asked = {name: query.get(name, "").strip()[:200] for name in ("platform", "environment", "who")}
    found = list(holders.everybodys_leases(**asked)[(page - 1) * PAGE : page * PAGE + 1])
    more = {**query.dict(), "page": str(page + 1)}
    following = request.build_absolute_uri(f"?{urlencode(more)}") if len(found) > PAGE else None
    return _no_store(Response({"results": TokenSummary(found[:PAGE], many=True).data, "next": following}))


@extend_schema(methods=["GET"], operation_id="readToken", responses=TokenSummary, tags=["tokens"])
@extend_schema(
    methods=["DELETE"], operation_id="revokeToken", responses={204: OpenApiResponse(description="The token is over.")}, tags=["tokens"]
)
@api_view(["GET", "DELETE"])
def lease(request: Request, lease_id: UUID) -> Response:
    """One token of yours; end it. An architect may end anybody's."""
    caller = signed_in(request)
    if request.method == "DELETE":
        if selectors.is_own(lease_id, caller=caller) or not caller.access.at_least("architect"):
            actions.revoke(by=caller, lease_id=lease_id)
        else:
            actions.revoke_anybodys(by=caller, lease_id=lease_id)
        return _no_store(Response(status=status.HTTP_204_NO_CONTENT))
    return _no_store(Response(TokenSummary(selectors.own_lease(lease_id, caller=caller)).data))


@extend_schema(operation_id="revealToken", request=None, responses=TokenRevealed, tags=["tokens"])
@api_view(["POST"])
def reveal(request: Request, lease_id: UUID) -> Response:
    """The token itself. Every look is written to the audit log."""
    held, value = actions.reveal(by=signed_in(request), lease_id=lease_id)
    left = int((held.expires_at - timezone.now()).total_seconds()) if held.expires_at else 0
    document = {"id": held.pk, "access_token": value, "token_type": "Bearer", "expires_in": left, "scope": " ".join(held.scopes)}
    return _no_store(Response(document))


@extend_schema(operation_id="refreshToken", request=None, responses=TokenSummary, tags=["tokens"])
@api_view(["POST"])
def refresh(request: Request, lease_id: UUID) -> Response:
    """Replace the token now."""
    return _no_store(Response(TokenSummary(actions.refresh(by=signed_in(request), lease_id=lease_id)).data))


def _no_store(response: Response) -> Response:
    response["Cache-Control"] = "no-store"
    return response
