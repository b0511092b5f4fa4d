"""``/api/v1/access-keys``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from identity import actions, selectors
from identity.callers import signed_in
from identity.models import AccessKey


class AccessKeyRequest(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100, help_text="What the key is for, in your words.")


class AccessKeySummary(serializers.ModelSerializer[AccessKey]):
    """``expires_at`` is the end of the sign-in it was made in; it may end sooner."""

    expires_at = serializers.DateTimeField(source="session.expires_at", read_only=True)
    session = serializers.UUIDField(source="session_id", read_only=True)

    class Meta:
        model = AccessKey
        fields = ("id", "name", "prefix", "session", "created_at", "last_used_at", "expires_at")


class AccessKeyMade(AccessKeySummary):
    key = serializers.CharField(read_only=True, help_text="Shown in this answer and never again.")

    class Meta(AccessKeySummary.Meta):
        fields = (*AccessKeySummary.Meta.fields, "key")  # type: ignore[assignment]


class AccessKeyList(serializers.Serializer[Any]):
    results = AccessKeySummary(many=True)
    next = serializers.URLField(allow_null=True)


@extend_schema(methods=["GET"], operation_id="listAccessKeys", responses=AccessKeyList, tags=["access keys"])
@extend_schema(
    methods=["POST"], operation_id="createAccessKey", request=AccessKeyRequest, responses={201: AccessKeyMade}, tags=["access keys"]
)
@api_view(["GET", "POST"])
def access_keys(request: Request) -> Response:
    """The keys of your live sign-ins; make one."""
    if request.method == "POST":
        wanted = AccessKeyRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        key, value = actions.create_access_key(name=wanted.validated_data["name"], by=signed_in(request))
        return no_store(Response({**AccessKeySummary(key).data, "key": value}, status=status.HTTP_201_CREATED))
    keys = AccessKeySummary(selectors.live_keys(signed_in(request).account_id), many=True)
    return no_store(Response({"results": keys.data, "next": None}))


@extend_schema(
    operation_id="revokeAccessKey",
    request=None,
    responses={204: OpenApiResponse(description="It opens nothing any more.")},
    tags=["access keys"],
)
@api_view(["DELETE"])
def access_key(request: Request, key_id: UUID) -> Response:
    """Revoke a key of yours."""
    actions.revoke_access_key(key_id=key_id, by=signed_in(request))
    return no_store(Response(status=status.HTTP_204_NO_CONTENT))


def no_store(response: Response) -> Response:
    response["Cache-Control"] = "no-store"
    return response
