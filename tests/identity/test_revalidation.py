"""The provider is asked again and again whether a sign-in still stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from audit.models import Entry
from identity import actions, provider, revalidation, tasks
from identity.encryption import unseal
from identity.models import SsoSession
from tests.identity.crafted import CraftedProvider, serve
from tests.identity.test_sign_in import finish, sign_in, start

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def crafted(settings: Settings, make_grants: Callable[..., None]) -> Iterator[CraftedProvider]:
    make_grants()
    with serve() as running:
        settings.OIDC_ISSUER = running.issuer
        settings.OIDC_RP_CLIENT_ID = "portal"
        settings.OIDC_RP_CLIENT_SECRET = "the secret"
        running.refresh_tokens = True
        running.claims = {"groups": ["integration-architects"]}
        yield running


@pytest.fixture
def browser(crafted: CraftedProvider) -> Client:
    client = Client()
    assert sign_in(client, crafted).status_code == 302
    crafted.forms.clear()
    return client


def due() -> int:
    SsoSession.objects.filter(revalidate_at__isnull=False).update(revalidate_at=timezone.now() - timedelta(seconds=1))
    return revalidation.revalidate_due_sessions()


def test_a_sign_in_is_asked_about_within_the_interval_and_stands(crafted: CraftedProvider, browser: Client) -> None:
    session = SsoSession.objects.get()
    assert session.revalidate_at is not None
    assert 260 < (session.revalidate_at - timezone.now()).total_seconds() <= 300
    assert revalidation.revalidate_due_sessions() == 0
    assert due() == 1
    assert crafted.forms[0] == {"grant_type": ["refresh_token"], "refresh_token": ["lent-1-9c1f"], "client_id": ["portal"]}
    session.refresh_from_db()
    assert session.ended_at is None
    assert session.revalidate_at > timezone.now()
    assert unseal(bytes(session.refresh_token_encrypted)) == b"lent-1-9c1f"  # the one of the second answer: forms were cleared
    assert browser.get("/account").status_code == 200
    assert not Entry.objects.filter(action="session:changed").exists()


def test_the_rotated_refresh_token_is_the_next_one_sent(crafted: CraftedProvider, browser: Client) -> None:
    crafted.forms.extend([{}, {}])
    due()
    due()
    assert [form["refresh_token"] for form in crafted.forms[2:]] == [["lent-1-9c1f"], ["lent-3-9c1f"]]


def test_a_rotated_refresh_token_is_kept_even_when_the_rest_of_the_answer_is_unusable(crafted: CraftedProvider, browser: Client) -> None:
    crafted.forms.extend([{}, {}])
    crafted.userinfo = {"sub": "ada"}
    crafted.claims = {"groups": {"not": "a list"}}
    due()
    session = SsoSession.objects.get()
    assert session.unanswered_since is not None
    assert unseal(bytes(session.refresh_token_encrypted)) == b"lent-3-9c1f"


def test_lost_groups_are_lost_at_once_and_written_down(crafted: CraftedProvider, browser: Client) -> None:
    crafted.claims = {"groups": ["sandbox-developers"]}
    due()
    session = SsoSession.objects.get()
    assert (session.ended_at, session.groups) == (None, ["sandbox-developers"])
    entry = Entry.objects.get(action="session:changed")
    assert (entry.data["before"], entry.data["groups"], entry.data["role"]) == (
        ["integration-architects"],
        ["sandbox-developers"],
        "developer",
    )
    assert entry.session == str(session.pk)


def test_somebody_in_no_group_any_more_stays_signed_in_and_may_nothing(crafted: CraftedProvider, browser: Client) -> None:
    crafted.claims = {}
    due()
    assert SsoSession.objects.get().groups == []
    assert browser.get("/account").status_code == 200
    assert browser.get("/tokens").status_code == 403


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"token_answer": {"error": "invalid_grant"}, "token_status": 400}, "revalidation_refused"),
        ({"token_answer": {"error": "invalid_grant"}, "token_status": 401}, "revalidation_refused"),
        ({"claims": {"sub": "eve"}, "userinfo": {"sub": "ada"}}, "revalidation_refused"),
        ({"userinfo": {"sub": "eve"}}, "revalidation_refused"),
    ],
    ids=str,
)
def test_a_provider_that_no_longer_stands_by_it_ends_the_sign_in(
    crafted: CraftedProvider, browser: Client, change: dict[str, Any], reason: str
) -> None:
    for name, value in change.items():
        setattr(crafted, name, value)
    due()
    session = SsoSession.objects.get()
    assert session.end_reason == reason
    assert bytes(session.refresh_token_encrypted) == bytes(session.id_token_encrypted) == b""
    assert browser.get("/account").status_code == 302
    entry = Entry.objects.get(action="session:ended")
    assert (entry.subject, entry.data["reason"]) == (str(session.pk), reason)


@pytest.mark.parametrize(
    ("change", "defect"),
    [
        ({"token_answer": {"error": "temporarily_unavailable"}, "token_status": 503}, "token_answer"),
        ({"token_answer": {"error": "invalid_client"}, "token_status": 401}, "code_refused"),
        ({"token_answer": {"error": "slow_down"}, "token_status": 429}, "code_refused"),
        ({"token_answer": {"nothing": "useful"}}, "token_answer"),
        ({"token_answer": {"access_token": 7}}, "token_answer"),
        ({"claims": {"exp": 1}}, "expired"),
        ({"claims": {"aud": "another"}}, "audience"),
        ({"claims": {"groups": "x" * 201}}, "groups"),
        ({"userinfo": None}, "userinfo"),
    ],
    ids=str,
)
def test_an_answer_that_says_nothing_about_the_person_leaves_the_sign_in_standing_for_a_while(
    crafted: CraftedProvider, browser: Client, change: dict[str, Any], defect: str
) -> None:
    for name, value in change.items():
        setattr(crafted, name, value)
    due()
    session = SsoSession.objects.get()
    assert session.ended_at is None
    assert session.groups == ["integration-architects"]
    assert session.revalidate_at is not None
    assert session.revalidate_at < timezone.now() + timedelta(seconds=31)
    due()
    entry = Entry.objects.get(action="session:unanswered")  # once an outage, not once a try
    assert (entry.outcome, entry.data["defect"], entry.subject) == ("failed", defect, str(session.pk))
    SsoSession.objects.update(unanswered_since=timezone.now() - timedelta(seconds=1_801))
    due()
    assert SsoSession.objects.get().end_reason == "not_revalidated"


def test_a_provider_that_is_back_starts_the_clock_anew(crafted: CraftedProvider, browser: Client, settings: Settings) -> None:
    issuer, settings.OIDC_ISSUER = settings.OIDC_ISSUER, "http://127.0.0.1:9"
    due()
    assert SsoSession.objects.get().unanswered_since is not None
    settings.OIDC_ISSUER = issuer
    due()
    session = SsoSession.objects.get()
    assert (session.unanswered_since, session.ended_at) == (None, None)
    assert [one.action for one in Entry.objects.order_by("id")][-2:] == ["session:unanswered", "session:revalidated"]


def test_a_provider_that_names_groups_in_id_tokens_only_and_sends_none_leaves_them(crafted: CraftedProvider, browser: Client) -> None:
    crafted.token_answer = {"access_token": "another", "token_type": "Bearer"}
    due()
    assert SsoSession.objects.get().groups == ["integration-architects"]


def test_a_provider_that_names_groups_in_userinfo_is_believed_there(crafted: CraftedProvider) -> None:
    crafted.claims, crafted.userinfo = {}, {"groups": ["integration-architects"]}
    sign_in(Client(), crafted)
    assert SsoSession.objects.get().groups_in == "userinfo"
    crafted.token_answer = {"access_token": "another", "token_type": "Bearer"}
    crafted.userinfo = {}
    due()
    assert SsoSession.objects.get().groups == []


def test_a_provider_that_lends_no_refresh_token_is_not_asked(crafted: CraftedProvider) -> None:
    crafted.refresh_tokens = False
    sign_in(Client(), crafted)
    assert SsoSession.objects.get().revalidate_at is None
    assert due() == 0


def test_two_workers_ask_once(crafted: CraftedProvider, browser: Client) -> None:
    SsoSession.objects.update(revalidate_at=timezone.now())
    seen = SsoSession.objects.get()
    assert actions.claim_revalidation(seen)
    assert not actions.claim_revalidation(seen)
    assert not revalidation.revalidate(SsoSession.objects.get())  # whoever reads it now finds it taken as well
    assert crafted.forms == []
    SsoSession.objects.update(asking_until=timezone.now())  # whoever had it was killed
    assert revalidation.revalidate_due_sessions() == 1


def test_a_sign_in_that_ends_while_the_provider_answers_stays_ended_and_keeps_nothing(crafted: CraftedProvider, browser: Client) -> None:
    session = SsoSession.objects.get()
    assert browser.post("/oidc/logout/").status_code == 302
    actions.keep_provider_tokens(session_id=session.pk, refresh_token="late", id_token="late")
    assert not actions.confirm_session(session_id=session.pk, groups=["platform-team"])
    actions.postpone_revalidation(session_id=session.pk, defect="discovery")
    session.refresh_from_db()
    assert (session.end_reason, session.groups) == ("signed_out", ["integration-architects"])
    assert bytes(session.refresh_token_encrypted) == b""


def test_a_refresh_token_whose_key_is_gone_ends_the_sign_in(crafted: CraftedProvider, browser: Client, settings: Settings) -> None:
    from cryptography.fernet import Fernet

    settings.PORTAL_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    due()
    assert SsoSession.objects.get().end_reason == "revalidation_refused"


def test_no_token_of_the_provider_lies_anywhere_in_clear(
    crafted: CraftedProvider, browser: Client, everything_stored: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    crafted.forms.extend([{}, {}])
    SsoSession.objects.update(revalidate_at=timezone.now())
    assert tasks.revalidate() == 1
    kept = everything_stored() + caplog.text
    for hidden in ("lent-1-9c1f", "lent-3-9c1f", "opaque-access", "the secret"):
        assert hidden not in kept


def test_the_queries_of_a_revalidation_are_few(
    crafted: CraftedProvider, browser: Client, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    SsoSession.objects.update(revalidate_at=timezone.now())
    with django_assert_max_num_queries(9):
        assert revalidation.revalidate_due_sessions() == 1


def test_another_tab_can_sign_in_while_the_first_is_asked_about(crafted: CraftedProvider, browser: Client) -> None:
    asked = start(Client(), crafted)
    assert due() == 1
    assert finish(Client(), asked).status_code == 403  # another browser's state
    assert SsoSession.objects.filter(ended_at=None).count() == 1


def test_rotated_signing_keys_are_followed(crafted: CraftedProvider, browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    crafted.keys["two"], crafted.kid = rsa.generate_private_key(public_exponent=65537, key_size=2048), "two"
    due()
    assert SsoSession.objects.get().unanswered_since is not None  # the keys were read a moment ago: not again so soon
    monkeypatch.setattr(provider, "KEYS_AGAIN_SECONDS", 0.0)
    due()
    assert SsoSession.objects.get().unanswered_since is None


@pytest.mark.parametrize(("ahead", "stands"), [(25, True), (-25, True), (120, False)])
def test_clocks_may_differ_by_half_a_minute(crafted: CraftedProvider, browser: Client, ahead: int, stands: bool) -> None:
    now = int(timezone.now().timestamp()) + ahead
    crafted.claims |= {"iat": now, "nbf": now, "exp": now + 20 if ahead < 0 else now + 300}
    due()
    assert (SsoSession.objects.get().unanswered_since is None) is stands
