"""One page of a list: ``{"results": […], "next": URL or null}``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet
from rest_framework.request import Request

from portal.errors import Malformed

Row = TypeVar("Row")
Stored = TypeVar("Stored", bound=Model)
DEFAULT_LIMIT, LARGEST_LIMIT = 100, 1_000


def number(request: Request, name: str, default: int, *, largest: int) -> int:
    """A query parameter that is a whole number from 1. Raises Malformed."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= largest:
        raise Malformed(f"{name} must be a whole number from 1 to {largest}.")
    return int(text)


def page_of(request: Request, rows: Sequence[Row]) -> tuple[list[Row], str | None]:
    """The rows of ``?page=`` (from 1, ``?limit=`` each), and the address of the page after it."""
    limit = number(request, "limit", DEFAULT_LIMIT, largest=LARGEST_LIMIT)
    page = number(request, "page", 1, largest=1_000_000)
    start = (page - 1) * limit
    return list(rows[start : start + limit]), next_page(request, page, more=len(rows) > start + limit)


def page_of_query(request: Request, rows: QuerySet[Stored]) -> tuple[list[Stored], str | None]:
    """The same for rows of the database: one row more than shown is read, and nothing is counted."""
    limit = number(request, "limit", DEFAULT_LIMIT, largest=LARGEST_LIMIT)
    page = number(request, "page", 1, largest=1_000_000)
    start = (page - 1) * limit
    found = list(rows[start : start + limit + 1])
    return found[:limit], next_page(request, page, more=len(found) > limit)


def next_page(request: Request, page: int, *, more: bool) -> str | None:
    if not more:
        return None
    query = request.query_params.copy()
    query["page"] = str(page + 1)
    return f"{settings.PORTAL_PUBLIC_URL}{request.path}?{query.urlencode()}"
