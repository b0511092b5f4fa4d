"""``/api/v1/hooks`` and ``/api/v1/deliveries``: the webhook bench of the person who calls."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from harness import actions, selectors
from harness.models import Delivery, HookEndpoint
from harness.profiles import PROFILES
from identity.callers import Caller
from portal.errors import Malformed

PAGE = 50


class HookRequest(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    profile = serializers.ChoiceField(choices=sorted(PROFILES))
    secret = serializers.CharField(
        trim_whitespace=False, max_length=512, write_only=True, help_text="Kept encrypted and never shown again."
    )
    debug = serializers.BooleanField(default=False, help_text="Keep the steps of each verification.")


class HookChange(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100, required=False)
    profile = serializers.ChoiceField(choices=sorted(PROFILES), required=False)
    secret = serializers.CharField(
        trim_whitespace=False,
        max_length=512,
        write_only=True,
        required=False,
        help_text="Counts at once; the one before it counts for another day.",
    )
    debug = serializers.BooleanField(required=False)


class SecretShown(serializers.Serializer[Any]):
    fingerprint = serializers.CharField()
    length = serializers.IntegerField()
    added_at = serializers.DateTimeField()
    retires_at = serializers.DateTimeField(allow_null=True)


class HookShown(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    profile = serializers.CharField()
    header = serializers.CharField(help_text="Where the signature is expected.")
    debug = serializers.BooleanField()
    url = serializers.URLField(help_text="Where the platform must send to.")
    secrets = SecretShown(many=True)
    created_at = serializers.DateTimeField()
    received = serializers.IntegerField()
    refused = serializers.IntegerField()
    last_at = serializers.DateTimeField(allow_null=True)


class HookList(serializers.Serializer[Any]):
    results = HookShown(many=True)
    next = serializers.URLField(allow_null=True)


class DeliverySummary(serializers.ModelSerializer[Delivery]):
    request_id = serializers.CharField(source="sender_id")
    duplicate_of = serializers.UUIDField(source="duplicate_of_id", allow_null=True)

    class Meta:
        model = Delivery
        fields = ("id", "received_at", "verdict", "reason", "status", "request_id", "remote", "size", "sha256", "duplicate_of")


class StepShown(serializers.Serializer[Any]):
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=["good", "bad", "info"])
    text = serializers.CharField()
    values = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))


class DeliveryShown(DeliverySummary):
    """``body`` is Base64 of the exact bytes; ``body_text`` the same as UTF-8, null when they are not. ``steps`` with debug only."""

    hook = serializers.UUIDField(source="endpoint_id")
    body = serializers.SerializerMethodField()
    body_text = serializers.SerializerMethodField()
    steps = StepShown(many=True)
    headers = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))

    def get_body(self, delivery: Delivery) -> str:
        return base64.b64encode(bytes(delivery.body)).decode()

    def get_body_text(self, delivery: Delivery) -> str | None:
        try:
            return bytes(delivery.body).decode()
        except UnicodeDecodeError:
            return None

    class Meta(DeliverySummary.Meta):
        fields = (*DeliverySummary.Meta.fields, "hook", "secret", "query", "headers", "body", "body_text", "steps")  # type: ignore[assignment]


class DeliveryList(serializers.Serializer[Any]):
    results = DeliverySummary(many=True)
    next = serializers.URLField(allow_null=True)


@extend_schema(methods=["GET"], operation_id="listHooks", responses=HookList, tags=["webhooks"])
@extend_schema(methods=["POST"], operation_id="createHook", request=HookRequest, responses={201: HookShown}, tags=["webhooks"])
@api_view(["GET", "POST"])
def hooks(request: Request) -> Response:
    """Your webhooks; make one."""
    if request.method == "POST":
        wanted = HookRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        made = actions.create_endpoint(by=_caller(request), **wanted.validated_data)
        return _private(shown(selectors.endpoint(_caller(request).account_id, made.pk)), status.HTTP_201_CREATED)
    return _private({"results": [shown(found) for found in selectors.endpoints(_caller(request).account_id)], "next": None})


@extend_schema(methods=["GET"], operation_id="getHook", responses=HookShown, tags=["webhooks"])
@extend_schema(methods=["PATCH"], operation_id="changeHook", request=HookChange, responses=HookShown, tags=["webhooks"])
@extend_schema(
    methods=["DELETE"],
    operation_id="deleteHook",
    request=None,
    responses={204: OpenApiResponse(description="Its address answers 410, later 404.")},
    tags=["webhooks"],
)
@api_view(["GET", "PATCH", "DELETE"])
def hook(request: Request, hook_id: UUID) -> Response:
    """One webhook of yours."""
    if request.method == "DELETE":
        actions.delete_endpoint(by=_caller(request), endpoint_id=hook_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
    if request.method == "PATCH":
        wanted = HookChange(data=request.data)
        wanted.is_valid(raise_exception=True)
        actions.change_endpoint(by=_caller(request), endpoint_id=hook_id, **wanted.validated_data)
    return _private(shown(selectors.endpoint(_caller(request).account_id, hook_id)))


@extend_schema(
    operation_id="listDeliveries", parameters=[OpenApiParameter("cursor", OpenApiTypes.UUID)], responses=DeliveryList, tags=["webhooks"]
)
@api_view(["GET"])
def deliveries(request: Request, hook_id: UUID) -> Response:
    """What arrived at one webhook of yours, newest first."""
    of = selectors.endpoint(_caller(request).account_id, hook_id)
    rows, more = selectors.deliveries(of, before=cursor_of(of, request.query_params.get("cursor", "")), size=PAGE)
    next_url = f"{settings.PORTAL_PUBLIC_URL}{request.path}?cursor={more.pk}" if more else None
    return _private({"results": DeliverySummary(rows, many=True).data, "next": next_url})


@extend_schema(operation_id="getDelivery", responses=DeliveryShown, tags=["webhooks"])
@api_view(["GET"])
def delivery(request: Request, delivery_id: UUID) -> Response:
    """One delivery: verdict, headers, bytes, and the steps of its verification."""
    return _private(DeliveryShown(selectors.delivery(_caller(request).account_id, delivery_id)).data)


def cursor_of(of: HookEndpoint, text: str) -> Delivery | None:
    """The delivery a page starts after; None for the first page. Raises Malformed."""
    if not text:
        return None
    try:
        found = of.deliveries.only("pk", "received_at").filter(pk=UUID(text)).first()
    except ValueError:
        found = None
    if found is None:
        raise Malformed("The cursor cannot be read, or its delivery is kept no longer. Start again without it.")
    return found


def shown(found: HookEndpoint) -> dict[str, Any]:
    """An endpoint as its owner sees it; never its secrets."""
    return {
        "id": found.pk,
        "name": found.name,
        "profile": found.profile,
        "header": PROFILES[found.profile].header,
        "debug": found.debug,
        "url": selectors.address(found),
        "secrets": SecretShown(selectors.live_secrets(found.pk), many=True).data,
        "created_at": found.created_at,
        "received": getattr(found, "received", 0),
        "refused": getattr(found, "refused", 0),
        "last_at": getattr(found, "last_at", None),
    }


def _caller(request: Request) -> Caller:
    caller: Caller = request._request.caller  # type: ignore[attr-defined]
    return caller


def _private(data: Any, code: int = 200) -> Response:
    return Response(data, status=code, headers={"Cache-Control": "no-store"})
