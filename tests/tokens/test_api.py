"""``/api/v1/tokens`` and the page ``/tokens``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from identity import actions as identity_actions
from identity.access import Grant
from tests.tokens.conftest import Endpoint
from tests.tokens.test_leases import BOUND_BY_PORTAL, take
from tokens.models import TokenLease

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]

ASK = {"platform": "genesys", "environment": "staging", "scopes": ["integration:read"], "purpose": "nightly export"}


def post(client: Client, address: str, data: Any = None, **headers: str) -> Any:
    return client.post(address, data or {}, content_type="application/json", headers=headers)


def test_a_token_is_taken_listed_shown_replaced_and_ended(owner: Any, endpoint: Endpoint) -> None:
    made = post(owner.client, "/api/v1/tokens", ASK)
    assert made.status_code == 201, made.content
    assert endpoint.issued[0].encode() not in made.content
    lease = made.json()
    assert (lease["scopes"], lease["purpose"], lease["principal"]) == (["integration:read"], "nightly export", "default")
    listed = owner.client.get("/api/v1/tokens").json()
    assert ([one["id"] for one in listed["results"]], listed["next"]) == ([lease["id"]], None)
    shown = post(owner.client, f"/api/v1/tokens/{lease['id']}/reveal")
    assert shown.json()["access_token"] == endpoint.issued[0]
    assert shown["Cache-Control"] == "no-store"
    replaced = post(owner.client, f"/api/v1/tokens/{lease['id']}/refresh").json()
    assert replaced["fingerprint"] != lease["fingerprint"]
    assert owner.client.delete(f"/api/v1/tokens/{lease['id']}").status_code == 204
    assert owner.client.get("/api/v1/tokens").json()["results"] == []
    assert post(owner.client, f"/api/v1/tokens/{lease['id']}/reveal").status_code == 409
    actions = Entry.objects.order_by("id").values_list("action", flat=True)
    assert [one for one in actions if one.startswith("token:")] == ["token:issued", "token:revealed", "token:refreshed", "token:revoked"]


def test_the_same_with_an_access_key_and_it_dies_with_the_sign_in(owner: Any) -> None:
    key = {"Authorization": f"Bearer {owner.access_key()}"}
    assert post(Client(enforce_csrf_checks=True), "/api/v1/tokens", ASK, **key).status_code == 201
    identity_actions.end_session(session_id=owner.sso_session.pk, reason="test", by=owner.caller.actor)
    assert post(Client(), "/api/v1/tokens", ASK, **key).status_code == 401


def test_a_cookie_needs_the_csrf_token(sign_in: Callable[..., Any], make_grants: Callable[..., None]) -> None:
    make_grants()
    person = sign_in("carl", groups=["integration-architects"], enforce_csrf=True)
    assert post(person.client, "/api/v1/tokens", ASK).json()["code"] == "csrf_failed"
    assert not TokenLease.objects.exists()


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"scopes": ["reporting:dashboard:read"]}, 403, "scope_forbidden"),
        ({"scopes": ["admin:all"]}, 403, "scope_forbidden"),
        ({"scopes": "integration:read"}, 422, "invalid"),
        ({"scopes": None}, 422, "invalid"),
        ({"purpose": ""}, 422, "invalid"),
        ({"ttl": 86_400}, 422, "invalid"),
        ({"ttl": "soon"}, 422, "invalid"),
        ({"platform": "else"}, 404, "unknown_place"),
    ],
    ids=str,
)
def test_a_refusal_is_a_problem_document(owner: Any, change: dict[str, Any], status: int, code: str) -> None:
    answer = post(owner.client, "/api/v1/tokens", ASK | change)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"


def test_somebody_elses_token_is_not_there(owner: Any, teammate: Any) -> None:
    lease = take(owner)
    for method, tail in (("get", ""), ("delete", ""), ("post", "/reveal"), ("post", "/refresh")):
        assert getattr(teammate.client, method)(f"/api/v1/tokens/{lease.pk}{tail}").status_code == 404


def test_the_page_offers_what_is_allowed_and_says_why_not_for_the_rest(teammate: Any) -> None:
    page = teammate.client.get("/tokens").content.decode()
    assert 'value="integration:read"' in page
    assert "granted by integration-architects or platform-team" in page
    assert page.count("disabled") >= 2


def test_the_page_takes_shows_once_and_ends(owner: Any, endpoint: Endpoint) -> None:
    form = {"place": "genesys/staging", "scopes": ["integration:read"], "purpose": "try it", "ttl": "900"}
    assert owner.client.post("/tokens", form)["Location"] == "/tokens?platform=genesys&environment=staging"
    lease = TokenLease.objects.get()
    page = owner.client.get("/tokens").content.decode()
    assert "try it" in page
    assert endpoint.issued[0] not in page
    shown = owner.client.post(f"/tokens/{lease.pk}/reveal")
    assert endpoint.issued[0] in shown.content.decode()
    assert shown["Cache-Control"] == "no-store"
    assert endpoint.issued[0] not in owner.client.get("/tokens").content.decode()
    assert owner.client.post(f"/tokens/{lease.pk}/refresh").status_code == 302
    assert owner.client.post(f"/tokens/{lease.pk}/revoke").status_code == 302
    assert "No tokens yet" in owner.client.get("/tokens").content.decode()


def test_the_page_says_what_was_wrong_and_keeps_what_was_filled_in(owner: Any, endpoint: Endpoint) -> None:
    form = {"place": "genesys/staging", "scopes": ["integration:read"], "purpose": "  ", "ttl": "900"}
    answer = owner.client.post("/tokens", form)
    assert answer.status_code == 422
    assert "what the token is for" in answer.content.decode()
    assert "checked" in answer.content.decode()
    endpoint.status, endpoint.error = 400, {"error": "invalid_scope"}
    answer = owner.client.post("/tokens", form | {"purpose": "x"})
    assert answer.status_code == 502
    assert "invalid_scope" in answer.content.decode()


def test_a_token_that_may_not_be_shown_has_no_button_for_it_and_says_why(teammate: Any, owner: Any, rules: Callable[..., None]) -> None:
    rules(BOUND_BY_PORTAL)
    form = {"place": "genesys/staging", "scopes": ["integration:read"], "purpose": "try it", "ttl": "900"}
    for person, shown in ((teammate, False), (owner, True)):
        assert person.client.post("/tokens", form).status_code == 302
        page = person.client.get("/tokens").content.decode()
        assert ("Reveal once" in page) is shown
        assert ("This token cannot be shown: genesys does not limit it" in page) is not shown


def test_the_other_places_stay_when_one_is_chosen(teammate: Any, rules: Callable[..., None]) -> None:
    page = teammate.client.get("/tokens?platform=genesys&environment=staging").content.decode()
    assert "Genesys Cloud CX · staging" in page
    elsewhere = teammate.client.get("/tokens?environment=sandbox").content.decode()
    assert "Genesys Cloud CX · staging" in elsewhere
    assert "No platform hands out tokens in sandbox" in elsewhere


def test_where_nothing_can_be_taken_the_button_says_so(make_grants: Callable[..., None], teammate: Any) -> None:
    make_grants(Grant("sandbox-developers", "developer", frozenset({"sandbox", "staging"})))
    page = teammate.client.get("/tokens").content.decode()
    assert "disabled aria-describedby" in page
    assert "Nothing here can be taken with your groups." in page
