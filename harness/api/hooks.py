"""Webhooks: making, changing, deleting."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from harness import selectors
from harness.actions import endpoints, sending
from harness.api.shapes import (
    HookChange,
    HookList,
    HookRequest,
    HookShown,
    ProfileList,
    ProfileShown,
    SecretShown,
    SendingList,
    SendingShown,
    SendRequest,
)
from harness.models import HookEndpoint
from harness.signatures.commands import SAMPLE
from harness.signatures.registry import PROFILES
from identity.callers import signed_in


@extend_schema(methods=["GET"], operation_id="listHooks", responses=HookList, tags=["webhooks"])
@extend_schema(methods=["POST"], operation_id="createHook", request=HookRequest, responses={201: HookShown}, tags=["webhooks"])
@api_view(["GET", "POST"])
def hooks(request: Request) -> Response:
    """Your webhooks; make one."""
    if request.method == "POST":
        wanted = HookRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        made = endpoints.create_endpoint(by=signed_in(request), **wanted.validated_data)
        return private(shown(selectors.endpoint(signed_in(request).account_id, made.pk)), status.HTTP_201_CREATED)
    return private({"results": [shown(found) for found in selectors.endpoints(signed_in(request).account_id)], "next": None})


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
        endpoints.delete_endpoint(by=signed_in(request), endpoint_id=hook_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
    if request.method == "PATCH":
        wanted = HookChange(data=request.data)
        wanted.is_valid(raise_exception=True)
        endpoints.change_endpoint(by=signed_in(request), endpoint_id=hook_id, **wanted.validated_data)
    return private(shown(selectors.endpoint(signed_in(request).account_id, hook_id)))


@extend_schema(operation_id="rotateHook", request=None, responses=HookShown, tags=["webhooks"])
@api_view(["POST"])
def rotate(request: Request, hook_id: UUID) -> Response:
    """Give one webhook of yours another address; the one before answers 404 at once."""
    endpoints.rotate_address(by=signed_in(request), endpoint_id=hook_id)
    return private(shown(selectors.endpoint(signed_in(request).account_id, hook_id)))


@extend_schema(operation_id="retireHookSecret", request=None, responses={200: HookShown}, tags=["webhooks"])
@api_view(["DELETE"])
def secret(request: Request, hook_id: UUID, fingerprint: str) -> Response:
    """Retire one of two live secrets at once."""
    endpoints.retire_secret(by=signed_in(request), endpoint_id=hook_id, secret=fingerprint)
    return private(shown(selectors.endpoint(signed_in(request).account_id, hook_id)))


@extend_schema(methods=["GET"], operation_id="listSendings", responses=SendingList, tags=["webhooks"])
@extend_schema(methods=["POST"], operation_id="sendDelivery", request=SendRequest, responses=SendingList, tags=["webhooks"])
@api_view(["GET", "POST"])
def send(request: Request, hook_id: UUID) -> Response:
    """Send a delivery, rightly signed or with one fault by choice; what was sent before, newest first."""
    caller = signed_in(request)
    if request.method == "POST":
        asked = SendRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        values["payload"] = values.get("payload", SAMPLE).encode("utf-8", "replace")
        done = sending.send(by=caller, endpoint_id=hook_id, wanted=sending.Wanted(**values))
    else:
        done = list(selectors.sendings(selectors.endpoint(caller.account_id, hook_id)))
    return private({"results": SendingShown(done, many=True).data, "next": None})


@extend_schema(operation_id="listHookProfiles", responses=ProfileList, tags=["webhooks"])
@api_view(["GET"])
def profiles(request: Request) -> Response:
    """How platforms sign, and what may be changed of each."""
    return Response({"results": ProfileShown(list(PROFILES.values()), many=True).data, "next": None})


def shown(found: HookEndpoint) -> dict[str, Any]:
    """An endpoint as its owner sees it; never its secrets."""
    return {
        "id": found.pk,
        "name": found.name,
        "profile": found.profile,
        "header": selectors.profile(found).header,
        "settings": found.settings,
        "debug": found.debug,
        "expires_at": found.expires_at,
        "url": selectors.address(found),
        "secrets": SecretShown(selectors.live_secrets(found.pk), many=True).data,
        "created_at": found.created_at,
        "received": getattr(found, "received", 0),
        "refused": getattr(found, "refused", 0),
        "last_at": getattr(found, "last_at", None),
    }


def private(data: Any, code: int = 200) -> Response:
    """An answer nobody keeps."""
    return Response(data, status=code, headers={"Cache-Control": "no-store"})
