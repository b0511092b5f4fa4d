"""Who gets in, and who is told what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from audit.actions import PORTAL
from identity import actions, selectors
from identity.access import Grant
from identity.models import Account, SsoSession

pytestmark = pytest.mark.django_db


def test_nobody_is_taken_to_sign_in_and_comes_back() -> None:
    answer = Client().get("/", {"environment": "staging"})
    assert answer.status_code == 302
    assert answer["Location"] == "/oidc/authenticate/?next=%2F%3Fenvironment%3Dstaging"


def test_a_sign_in_is_a_caller_with_the_access_of_its_groups(owner: Any) -> None:
    assert owner.caller.name == "Olga Owner"
    assert owner.caller.access.role == "architect"
    assert owner.caller.access.may_write("staging")
    assert not owner.caller.access.may_write("production")


def test_somebody_without_a_known_group_sees_what_would_let_them_in(stranger: Any) -> None:
    answer = stranger.client.get("/")
    assert answer.status_code == 403
    assert "sandbox-developers" in answer.content.decode()


def test_group_names_are_compared_with_their_case(sign_in: Callable[..., Any], make_grants: Callable[..., None]) -> None:
    make_grants()
    assert sign_in("mallory", groups=["Platform-Team"]).caller.access.role == ""


@pytest.mark.parametrize(
    ("field", "ago"),
    [("expires_at", timedelta(seconds=1)), ("last_seen_at", timedelta(seconds=3600))],
    ids=["absolute", "idle"],
)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_a_lapsed_sign_in_opens_nothing_on_any_method(owner: Any, field: str, ago: timedelta, method: str) -> None:
    SsoSession.objects.filter(pk=owner.sso_session.pk).update(**{field: timezone.now() - ago})
    assert getattr(owner.client, method)("/api/v1/access-keys").status_code == 401
    owner.sso_session.refresh_from_db()
    assert owner.sso_session.ended_at is not None


def test_an_ended_sign_in_is_over_for_its_keys_too(owner: Any) -> None:
    key = owner.access_key()
    assert selectors.caller_of(access_key=key) is not None
    actions.end_session(session_id=owner.sso_session.pk, reason="test", by=owner.caller.actor)
    assert selectors.caller_of(access_key=key) is None
    assert not actions.end_session(session_id=owner.sso_session.pk, reason="again", by=PORTAL)
    owner.sso_session.refresh_from_db()
    assert owner.sso_session.end_reason == "test"


def test_a_disabled_account_opens_nothing(owner: Any) -> None:
    Account.objects.filter(pk=owner.account.pk).update(is_active=False)
    assert owner.client.get("/").status_code == 302


def test_use_keeps_a_sign_in_awake_at_most_once_a_minute(owner: Any, django_assert_num_queries: Any) -> None:
    SsoSession.objects.filter(pk=owner.sso_session.pk).update(last_seen_at=timezone.now() - timedelta(seconds=61))
    actions.note_use(caller=owner.caller)
    owner.sso_session.refresh_from_db()
    assert timezone.now() - owner.sso_session.last_seen_at < timedelta(seconds=5)
    caller = owner.caller
    with django_assert_num_queries(0):
        actions.note_use(caller=caller)


def test_new_grants_count_at_once(owner: Any, make_grants: Callable[..., None]) -> None:
    make_grants(Grant(group="somebody-else", role="developer"))
    assert owner.caller.access.role == ""
    assert selectors.groups_granting(role="developer") == ["somebody-else"]


def test_groups_granting_names_only_groups_that_grant_all_of_it(owner: Any) -> None:
    assert selectors.groups_granting(environment="production") == ["integration-architects", "platform-team"]
    assert selectors.groups_granting(environment="production", write=True) == ["platform-team"]
    assert selectors.groups_granting(scope=("cxone", "interactions:write")) == ["platform-team"]
    assert selectors.groups_granting(role="architect") == ["integration-architects", "platform-team"]


@override_settings(SSO_IDLE_SECONDS=60)
def test_the_sweep_ends_what_is_over(owner: Any, teammate: Any) -> None:
    SsoSession.objects.filter(pk=owner.sso_session.pk).update(last_seen_at=timezone.now() - timedelta(seconds=61))
    assert actions.end_lapsed_sessions() == 1
    owner.sso_session.refresh_from_db()
    assert owner.sso_session.end_reason == "idle"
    assert teammate.caller.name == "Timo Teammate"
