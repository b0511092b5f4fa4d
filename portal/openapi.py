"""What drf-spectacular cannot read from the code: how a caller of the portal's own API says who they are."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension


class SessionOrAccessKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Two security schemes, either of which is enough (OpenAPI 3.1, Security Scheme Object)."""

    target_class = "identity.authentication.SessionOrAccessKey"
    name = ["accessKey", "session"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        return [
            {"type": "http", "scheme": "bearer", "description": "An access key; it dies with the sign-in it was made in."},
            {
                "type": "apiKey",
                "in": "cookie",
                "name": settings.SESSION_COOKIE_NAME,
                "description": "The browser's sign-in. Unsafe methods need X-CSRFToken as well.",
            },
        ]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        return [{"accessKey": []}, {"session": []}]
