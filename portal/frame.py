"""What every page's frame shows: who looks, where they are, which environment is chosen."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def page_frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor. Nothing here is queried unless the template asks."""
    return {"portal_version": settings.PORTAL_VERSION, "development": settings.DEVELOPMENT}
