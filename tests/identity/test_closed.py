"""Every address is closed unless it is on the short list below: the URLconf is walked as nobody, as a stranger, and as somebody else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

pytestmark = pytest.mark.django_db

# Each with the reason why nobody needs to be signed in.
OPEN = {
    "oidc/authenticate/": "starts a sign-in",
    "oidc/callback/": "ends a sign-in",
    "oidc/logout/": "somebody whose sign-in is over may press it too",
    "oidc/backchannel-logout/": "the identity provider, with a signed token",
    "oidc/backchannel-logout": "the same",
    "signed-out": "where signing out ends",
    "problems/": "what every problem code means",
    "problems/<slug:code>": "what a problem's type address explains",
    "health/live": "the orchestrator",
    "health/ready": "the orchestrator",
    "metrics": "the monitoring, with a token of its own",
    "hooks/git/<str:source>": "a Git host, with a signature",
    "hooks/git/<slug:source>": "a Git host, with a signature",
}
# Open to everybody who is signed in, without any group known here.
NEEDS_NO_ROLE = {"account", "account/sign-ins/end", "account/sign-ins/<uuid:session_id>/end"}
VALUES = {"uuid": str(uuid.UUID(int=7)), "int": "7", "slug": "word", "str": "word", "path": "a/b"}


def addresses() -> Iterator[tuple[str, Any]]:
    def walk(patterns: Any, before: str) -> Iterator[tuple[str, Any]]:
        for entry in patterns:
            route = before + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from walk(entry.url_patterns, route)
            elif isinstance(entry, URLPattern):
                yield route, entry

    yield from walk(get_resolver().url_patterns, "")


def address_of(route: str) -> str:
    import re

    def value(match: re.Match[str]) -> str:
        kind, _, _name = match[1].rpartition(":")
        return VALUES.get(kind or "str", "word")

    return "/" + re.sub(r"<([^>]+)>", value, route).replace("\\Z", "").replace("^", "").replace("$", "")


ROUTES = [route for route, _ in addresses()]


def test_the_walk_sees_the_whole_portal() -> None:
    assert {"account", "keys", "tokens", "api/v1/tokens", "api/v1/access-keys", ""} <= set(ROUTES)
    assert len(ROUTES) > 30


@pytest.mark.parametrize("route", [route for route in ROUTES if route not in OPEN])
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options"])
def test_nobody_gets_in(route: str, method: str) -> None:
    answer = getattr(Client(), method)(address_of(route))
    if answer.status_code == 302:
        assert answer["Location"].startswith("/oidc/authenticate/?next=")
        assert not route.startswith("api/v1")
    else:
        assert answer.status_code == 401, f"{method} {route} answered {answer.status_code}"


@pytest.mark.parametrize("route", [route for route in ROUTES if route not in OPEN and route not in NEEDS_NO_ROLE])
@pytest.mark.parametrize("method", ["get", "post", "delete", "options"])
def test_a_stranger_gets_no_further_than_what_would_let_them_in(stranger: Any, route: str, method: str) -> None:
    answer = getattr(stranger.client, method)(address_of(route))
    assert answer.status_code == 403, f"{method} {route} answered {answer.status_code}"
    assert b"no_role" in answer.content


def test_what_is_open_is_still_there() -> None:
    """The list above names nothing that is gone or that never was (other rooms may add their own first)."""
    gone = {route for route in OPEN if route not in ROUTES} - {"hooks/git/<str:source>", "hooks/git/<slug:source>"}
    assert gone == set()


def test_a_stranger_may_see_their_account_and_leave(stranger: Any) -> None:
    page = stranger.client.get("/account")
    assert page.status_code == 200
    assert "none yet" in page.content.decode()
    assert stranger.client.post("/oidc/logout/").status_code == 302
    assert stranger.client.get("/account").status_code == 302


@pytest.mark.parametrize("key", ["", "pak_", "pak_" + "x" * 43, "ñ", "x" * 10_000])
def test_a_key_that_is_none_opens_nothing(owner: Any, key: str) -> None:
    answer = owner.client.get("/api/v1/access-keys", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_key_does_not_open_pages(owner: Any) -> None:
    answer = Client().get("/account", headers={"Authorization": f"Bearer {owner.access_key()}"})
    assert answer.status_code == 302
