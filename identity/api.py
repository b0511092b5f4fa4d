"""``/api/v1/access-keys`` and ``/api/v1/sign-ins``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from identity import actions, selectors
from identity.callers import signed_in
from identity.guards import check_role
from identity.models import AccessKey, SsoSession

SIGN_INS_A_PAGE = 50


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


class SignInSummary(serializers.ModelSerializer[SsoSession]):
    """A sign-in that is not over. ``revalidated_at`` is when the identity provider last confirmed it."""

    person = serializers.CharField(source="account", read_only=True)
    current = serializers.SerializerMethodField(help_text="The one this request came through.")

    class Meta:
        model = SsoSession
        fields = ("id", "person", "groups", "user_agent", "remote", "created_at", "last_seen_at", "expires_at", "revalidated_at", "current")

    def get_current(self, session: SsoSession) -> bool:
        return bool(session.pk == self.context["current"])


class SignInList(serializers.Serializer[Any]):
    results = SignInSummary(many=True)
    next = serializers.URLField(allow_null=True)


@extend_schema(
    operation_id="listSignIns",
    responses=SignInList,
    tags=["sign-ins"],
    parameters=[
        OpenApiParameter("everybody", bool, description="Everybody's, not only yours: for the platform team."),
        OpenApiParameter("who", str, description="With everybody: a part of a name, an address or a subject."),
        OpenApiParameter("page", int),
    ],
)
@api_view(["GET"])
def sign_ins(request: Request) -> Response:
    """Where you are signed in; for the platform team, where everybody is."""
    caller, query = signed_in(request), request.query_params
    page = selectors.page_number(query.get("page", ""))
    if query.get("everybody") == "true":
        check_role(caller, "platform")
        rows = selectors.everybodys_sessions(query.get("who", "").strip()[:100])
    else:
        rows = selectors.live_sessions(caller.account_id).select_related("account")
    found = list(rows[(page - 1) * SIGN_INS_A_PAGE : page * SIGN_INS_A_PAGE + 1])
    more = {**query.dict(), "page": str(page + 1)}
    following = request.build_absolute_uri(f"?{urlencode(more)}") if len(found) > SIGN_INS_A_PAGE else None
    listed = SignInSummary(found[:SIGN_INS_A_PAGE], many=True, context={"current": caller.session_id})
    return no_store(Response({"results": listed.data, "next": following}))


@extend_schema(
    operation_id="endSignIn",
    request=None,
    responses={204: OpenApiResponse(description="It has ended, with its tokens and access keys.")},
    tags=["sign-ins"],
)
@api_view(["DELETE"])
def sign_in(request: Request, session_id: UUID) -> Response:
    """End a sign-in: yours, or as the platform team anybody's."""
    caller = signed_in(request)
    if selectors.is_own(session_id, caller=caller) or not caller.access.at_least("platform"):
        actions.end_own_session(session_id=session_id, by=caller)
    else:
        actions.end_anybodys_session(session_id=session_id, by=caller)
    return no_store(Response(status=status.HTTP_204_NO_CONTENT))


def no_store(response: Response) -> Response:
    response["Cache-Control"] = "no-store"
    return response
