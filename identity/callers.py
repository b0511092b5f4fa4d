"""Who is calling: the answer of every way in (session cookie or access key), and the only thing rooms above need."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from uuid import UUID

from django.http import HttpRequest

from audit.actions import Actor
from identity.access import Access
from portal.errors import Unauthenticated

if TYPE_CHECKING:
    from rest_framework.request import Request


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in person, at this moment, through one live sign-in.

    ``session_expires_at`` is the latest moment anything given to this caller may live to.
    ``access.role`` is "" for somebody none of whose groups is known here.
    """

    account_id: UUID
    name: str
    session_id: UUID
    session_expires_at: datetime
    access: Access
    via: Literal["cookie", "key"]
    actor: Actor
    last_seen_at: datetime = field(repr=False)
    key_id: UUID | None = None
    key_used_at: datetime | None = field(default=None, repr=False)


class SignedInRequest(HttpRequest):
    """The type of ``request`` in a page that is not open: the middleware has put the caller on it."""

    caller: Caller


# What a view of the API calls its request. DRF's decorators accept functions of ``Request`` alone, so the type checker sees Any;
# ``signed_in(request)`` gives a typed caller.
SignedInApiRequest: TypeAlias = Any


def signed_in(request: HttpRequest | Request) -> Caller:
    """The caller of a request of a page or of the API. Raises Unauthenticated when there is none."""
    caller: Caller | None = getattr(request, "caller", None)
    if caller is None:
        raise Unauthenticated("Sign in first.")
    return caller
