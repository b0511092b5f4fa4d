"""The page of one's tokens with its helper, everybody's tokens, and who holds what of an API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.actions import record
from audit.models import Entry
from catalog.models import Api, Branch, Compilation, Content, Document, Operation, Publication, Source
from identity import actions as identity_actions
from identity.models import SsoSession
from tests.tokens.conftest import Endpoint
from tests.tokens.test_leases import READ, call, take
from tokens import actions
from tokens.least import Needed, least_scopes
from tokens.words import ENDED, why_ended

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]


OPERATIONS: tuple[tuple[str, str, str, list[list[str]]], ...] = (
    ("listFlows", "GET", "/flows", [["integration:read"]]),
    ("putHook", "PUT", "/hooks/{id}", [["webhook:manage"], ["reporting:dashboard:read"]]),
    ("hookReport", "GET", "/hooks/report", [["webhook:manage", "integration:read"], ["reporting:dashboard:read"]]),
    ("dashboard", "GET", "/dashboard", [["reporting:dashboard:read"]]),
    ("ping", "GET", "/ping", []),
)
SLUG = "genesys-routing-v2"


@pytest.fixture
def published(db: None) -> str:
    """An API of genesys in staging with five operations."""
    source = Source.objects.create(name="specs", git="https://git.example/specs.git")
    branch = Branch.objects.create(source=source, environment="staging", name="staging")
    content = Content.objects.create(digest="c" * 64, body=b"")
    document = Document.objects.create(digest="d" * 64, engine="1", openapi="3.0.3")
    compilation = Compilation.objects.create(root_path="openapi.yaml", root_blob="b" * 40, engine="1", document=document)
    api = Api.objects.create(slug=SLUG, platform="genesys", name="routing", version="v2", title="Routing")
    where = {"commit": "a" * 40, "blob": "b" * 40, "path": "openapi.yaml"}
    Publication.objects.create(api=api, environment="staging", branch=branch, document=document, compilation=compilation, **where)
    for position, (key, method, path, scopes) in enumerate(OPERATIONS):
        Operation.objects.create(
            document=document,
            position=position,
            key=key,
            method=method,
            path=path,
            operation_id=key,
            scopes=scopes,
            haystack=f"{method} {path} {key}".lower(),
            detail_content=content,
            plan_content=content,
        )
    return SLUG


def page_of(person: Any, address: str = "/tokens", **query: Any) -> str:
    answer = person.client.get(address, query)
    assert answer.status_code == 200, answer.content
    text: str = answer.content.decode()
    return text


HERE = {"platform": "genesys", "environment": "staging"}


def test_operations_are_found_and_the_least_scopes_for_the_chosen_ones_are_ticked(owner: Any, published: str) -> None:
    found = page_of(owner, **HERE, find="hook")
    assert f'value="{SLUG}:putHook"' in found
    assert f'value="{SLUG}:listFlows"' not in found
    page = page_of(owner, **HERE, operation=[f"{SLUG}:putHook", f"{SLUG}:ping", f"{SLUG}:unknown", "nonsense"])
    assert "does for 2 of 2" in page
    assert 'value="webhook:manage" checked' in page
    assert 'value="integration:read" checked' not in page


def test_what_the_person_may_not_hold_is_named_with_who_grants_it(owner: Any, published: str) -> None:
    page = page_of(owner, **HERE, operation=[f"{SLUG}:dashboard", f"{SLUG}:listFlows"])
    assert "does for 1 of 2" in page
    assert "<code>reporting:dashboard:read</code>, which platform-team would grant" in " ".join(page.split())


def test_operations_that_name_no_scope_need_none(owner: Any, published: str) -> None:
    assert "1 of 1 name no scope" in page_of(owner, **HERE, operation=f"{SLUG}:ping")


def test_the_last_calls_of_the_person_and_of_nobody_else_are_the_choice(owner: Any, teammate: Any, published: str) -> None:
    assert "You have called nothing of" in page_of(owner, **HERE, **{"from": "calls"})
    with transaction.atomic():
        for person, operation, environment in (
            (owner, "listFlows", "staging"),
            (teammate, "putHook", "staging"),
            (owner, "ping", "sandbox"),
        ):
            record("call:sent", by=person.caller.actor, outcome="intent", api=SLUG, environment=environment, operation=operation)
    page = page_of(owner, **HERE, **{"from": "calls"})
    assert "does for 1 of 1" in page
    assert 'value="integration:read" checked' in page
    assert "putHook" not in page


def test_the_slider_goes_as_far_as_rules_and_sign_in_allow(owner: Any, endpoint: Endpoint) -> None:
    page = page_of(owner, **HERE)
    assert 'min="300" max="7200" step="300" value="7200"' in page
    assert "5 min to 2 h" in page
    SsoSession.objects.update(expires_at=timezone.now() + timedelta(seconds=2_000))
    assert 'max="1800" step="300" value="1800"' in page_of(owner, **HERE)
    SsoSession.objects.update(expires_at=timezone.now() + timedelta(seconds=200))
    page = page_of(owner, **HERE)
    assert 'type="range"' not in page
    assert "It lives 3 min at most" in page


def test_a_token_that_ended_by_itself_says_why_and_can_be_taken_again(owner: Any, endpoint: Endpoint) -> None:
    lease = take(owner, purpose="nightly & export")
    actions.revoke(by=owner.caller, lease_id=take(owner, ["webhook:manage"]).pk)
    assert "Ended within the last hour" not in page_of(owner)
    endpoint.status, endpoint.error = 400, {"error": "unauthorized_client"}
    assert owner.client.post(f"/tokens/{lease.pk}/refresh").status_code == 502
    page = page_of(owner)
    assert "Ended within the last hour" in page
    assert "refused to replace it" in page
    assert "scope=integration%3Aread&amp;purpose=nightly%20%26%20export" in page
    again = page_of(owner, **HERE, scope="integration:read", purpose="nightly & export")
    assert 'value="integration:read" checked' in again
    assert 'value="nightly &amp; export"' in again


def test_a_token_that_waits_for_its_platform_says_so(owner: Any, endpoint: Endpoint) -> None:
    lease = take(owner)
    endpoint.status, endpoint.body = 503, b""
    assert owner.client.post(f"/tokens/{lease.pk}/refresh").status_code == 503
    page = page_of(owner)
    assert "being replaced" in page
    assert "the portal tries again at" in page
    assert 'title="genesys in staging, until' not in page  # nothing to count down in the top bar
    assert owner.client.get("/api/v1/tokens").json()["results"][0]["retry_at"] is not None


def test_every_way_a_lease_ends_has_words() -> None:
    assert all(sentence.endswith(".") for sentence in ENDED.values())
    assert why_ended("something_new") == "It ended: something new."


def test_architects_see_everybodys_tokens_and_end_them(owner: Any, teammate: Any, endpoint: Endpoint) -> None:
    lease = take(teammate, purpose="nightly export")
    take(owner, ["webhook:manage"])
    assert "/tokens/everybody" in page_of(owner)
    page = page_of(owner, "/tokens/everybody")
    assert "Timo Teammate" in page
    assert "nightly export" in page
    only = page_of(owner, "/tokens/everybody", who="timo")
    assert "Olga Owner</strong>" not in only
    assert "No live token fits" in page_of(owner, "/tokens/everybody", platform="genesys", environment="production")
    back = "/tokens/everybody?who=timo"
    answer = owner.client.post(f"/tokens/everybody/{lease.pk}/revoke", {"back": back})
    assert (answer.status_code, answer["Location"]) == (302, back)
    lease.refresh_from_db()
    assert lease.end_reason == "revoked_by_architect"
    entry = Entry.objects.get(action="token:revoked")
    assert (entry.actor_name, entry.data["person"], entry.data["reason"]) == ("Olga Owner", "Timo Teammate", "revoked_by_architect")
    assert "An architect ended it." in page_of(teammate)
    assert owner.client.post(f"/tokens/everybody/{lease.pk}/revoke").status_code == 409
    evil = owner.client.post(f"/tokens/everybody/{take(teammate).pk}/revoke", {"back": "//evil.example"})
    assert evil["Location"] == "/tokens/everybody"


def test_developers_see_and_end_only_their_own(owner: Any, teammate: Any, endpoint: Endpoint) -> None:
    lease = take(owner)
    assert "/tokens/everybody" not in page_of(teammate)
    assert teammate.client.get("/tokens/everybody").status_code == 403
    assert teammate.client.post(f"/tokens/everybody/{lease.pk}/revoke").status_code == 403
    assert teammate.client.get("/api/v1/tokens?everybody=true").json()["code"] == "role_required"
    assert teammate.client.delete(f"/api/v1/tokens/{lease.pk}").status_code == 404
    lease.refresh_from_db()
    assert lease.ended_at is None


def test_the_api_lists_and_ends_everybodys_for_architects(owner: Any, teammate: Any, endpoint: Endpoint) -> None:
    lease = take(teammate)
    listed = owner.client.get("/api/v1/tokens?everybody=true&who=timo").json()
    assert [(one["person"], one["id"]) for one in listed["results"]] == [("Timo Teammate", str(lease.pk))]
    assert endpoint.issued[0] not in str(listed)
    assert owner.client.delete(f"/api/v1/tokens/{lease.pk}").status_code == 204
    assert owner.client.get("/api/v1/tokens?everybody=true").json() == {"results": [], "next": None}


def test_who_holds_what_of_an_api(owner: Any, teammate: Any, published: str, endpoint: Endpoint) -> None:
    take(owner, ["webhook:manage"])
    take(teammate)
    page = " ".join(page_of(owner, "/tokens/everybody", api=SLUG).split())
    assert "2 operations" in page  # teammate: listFlows and ping; owner: putHook and ping
    row = page.split("<code>webhook:manage</code></td>")[1].split("</tr>")[0]
    assert '<td class="number" data-label="Operations">2</td>' in row
    assert '<td class="number" data-label="Live tokens">1</td>' in row
    assert "integration-architects" in row
    assert owner.client.get("/tokens/everybody", {"api": "nothing-here"}).status_code == 404


def test_the_pages_are_few_queries(
    owner: Any, sign_in: Callable[..., Any], published: str, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(6):
        person = sign_in(f"person-{number}", groups=["integration-architects"])
        call(person, READ)
        take(person, ["webhook:manage"])
    with django_assert_max_num_queries(12):
        page_of(owner, "/tokens/everybody", api=SLUG)
    with django_assert_max_num_queries(14):
        page_of(owner, **HERE, find="hook", operation=f"{SLUG}:putHook")


def test_lost_groups_are_said_on_the_page(owner: Any, endpoint: Endpoint) -> None:
    take(owner, ["webhook:manage"])
    identity_actions.confirm_session(session_id=owner.sso_session.pk, groups=["sandbox-developers"])
    assert actions.end_over_leases() == 1
    assert "Your groups no longer grant what it was for." in page_of(owner)


NAMES = st.frozensets(st.sampled_from("abcdef"), min_size=1, max_size=3)


@given(st.lists(st.lists(NAMES, min_size=1, max_size=3), max_size=5), st.frozensets(st.sampled_from("abcdef")))
@settings(deadline=None)
def test_no_fewer_scopes_would_do(operations: list[list[frozenset[str]]], allowed: frozenset[str]) -> None:
    needed = [Needed("api", str(number), "GET", "/", tuple(alternatives)) for number, alternatives in enumerate(operations)]
    found = least_scopes(needed, allowed)
    assert frozenset(found.scopes) <= allowed
    assert len(found.served) + len(found.refused) == len(needed)
    for one in found.served:
        assert any(alternative <= frozenset(found.scopes) for alternative in one.alternatives)
    for one, missing in found.refused:
        assert missing
        assert not any(alternative <= allowed for alternative in one.alternatives)
    possible = [[one for one in served.alternatives if one <= allowed] for served in found.served]
    assert len(found.scopes) == min(len(frozenset().union(*combination)) for combination in product(*possible))


def test_very_many_choices_are_still_answered() -> None:
    needed = [Needed("api", str(n), "GET", "/", (frozenset({f"a{n}"}), frozenset({f"b{n}"}), frozenset({"all-of-it"}))) for n in range(40)]
    allowed = frozenset({"all-of-it", *(f"a{n}" for n in range(40)), *(f"b{n}" for n in range(40))})
    assert len(least_scopes(needed, allowed).scopes) <= 40
