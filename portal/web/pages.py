"""One view, one template, two readers: the whole page, or the part htmx asked for."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def render_page(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *, partial: str | None = None, status: int = 200
) -> HttpResponse:
    """Render ``template``, or only ``partial`` when htmx asks for it: not boosted, and not to restore a page after Back.

    The page includes the same partial, so each piece of HTML exists once.
    """
    htmx = getattr(request, "htmx", None)
    chosen = partial if partial and htmx and not htmx.boosted and not htmx.history_restore_request else template
    response = render(request, chosen, context or {}, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response
