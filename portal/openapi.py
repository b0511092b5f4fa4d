"""The portal's own document, made once a process: it changes with the code and not with who asks."""

from __future__ import annotations

from functools import lru_cache

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator


@lru_cache(maxsize=1)
def _document() -> bytes:
    return orjson.dumps(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


@require_safe
def own_document(request: HttpRequest) -> HttpResponse:
    """``GET /api/v1/openapi.json``. CONTRACT, "HTTP"."""
    return HttpResponse(_document(), content_type="application/json")
