"""The API's way of knowing who calls: what the middleware found, with the CSRF check for cookies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from identity.callers import Caller
from identity.guards import check_role, needs_role, no_role
from portal.errors import Forbidden, Unauthenticated

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema
    from rest_framework.views import APIView


class SessionOrAccessKey(SessionAuthentication):
    """The session cookie, with the CSRF token for unsafe methods, or ``Authorization: Bearer <access key>``."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        caller: Caller | None = getattr(request._request, "caller", None)
        if caller is None:
            return None
        if caller.via == "cookie":
            self.enforce_csrf(request)
        return caller, None

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied:
            raise Forbidden(
                "A request with the session cookie needs the CSRF token of this portal in X-CSRFToken. Reload the page, or use an access key.",
                code="csrf_failed",
            ) from None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasRole(BasePermission):
    """Somebody is signed in and at least one of their groups is known here."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        caller: Caller | None = getattr(request._request, "caller", None)
        match = request._request.resolver_match
        if caller is None:
            raise Unauthenticated("Sign in, or send an access key as a bearer token.", headers={"WWW-Authenticate": "Bearer"})
        if caller.access.role == "" and (match is None or needs_role(match.func)):
            raise no_role(caller.access.groups)
        if match is not None and (least := getattr(match.func, "least_role", "")):
            check_role(caller, least)
        return True


class SessionOrAccessKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The two ways in, as the portal's own OpenAPI document names them; either is enough."""

    target_class = "identity.authentication.SessionOrAccessKey"
    name: str | list[str] = ["sessionCookie", "accessKey"]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, str]]:
        return [
            {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
            {"type": "http", "scheme": "bearer"},
        ]

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[str]]]:
        return [{name: []} for name in self.name]
