"""The authorization code flow against a provider that can be told to misbehave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from audit.models import Entry
from audit.redaction import RedactingFilter
from identity import actions, provider
from identity.defects import ProviderUnusable
from identity.models import Account, SsoSession
from tests.identity.crafted import CraftedProvider, serve

pytestmark = pytest.mark.django_db


@pytest.fixture
def crafted(settings: Settings) -> Iterator[CraftedProvider]:
    with serve() as running:
        settings.OIDC_ISSUER = running.issuer
        settings.OIDC_RP_CLIENT_ID = "portal"
        settings.OIDC_RP_CLIENT_SECRET = "the secret"
        yield running


def start(client: Client, crafted: CraftedProvider, next_address: str = "/account") -> dict[str, str]:
    """Go to the provider; what the portal asked it for."""
    answer = client.get("/oidc/authenticate/", {"next": next_address})
    assert answer.status_code == 302, answer.content
    assert answer["Location"].startswith(f"{crafted.issuer}/authorize?")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}
    crafted.nonce = asked["nonce"]
    return asked


def finish(client: Client, asked: dict[str, str], **changes: str) -> Any:
    return client.get("/oidc/callback/", {"code": "a-code", "state": asked["state"], **changes})


def sign_in(client: Client, crafted: CraftedProvider, next_address: str = "/account") -> Any:
    return finish(client, start(client, crafted, next_address))


def test_a_sound_sign_in_ends_where_it_was_meant_to(crafted: CraftedProvider) -> None:
    client = Client(HTTP_USER_AGENT="a browser")
    crafted.claims = {"groups": ["sandbox-developers"], "sid": "s-1"}
    answer = sign_in(client, crafted)
    assert (answer.status_code, answer["Location"]) == (302, "/account")
    session = SsoSession.objects.get()
    assert (session.subject, session.issuer, session.sid, session.groups) == ("ada", crafted.issuer, "s-1", ["sandbox-developers"])
    assert session.user_agent == "a browser"
    assert client.get("/account").status_code == 200
    assert (session.account.name, session.account.email) == ("Ada", "ada@example.com")


def test_the_provider_is_asked_with_state_nonce_and_an_s256_challenge(crafted: CraftedProvider) -> None:
    client = Client()
    asked = start(client, crafted)
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert min(len(asked["state"]), len(asked["nonce"]), len(asked["code_challenge"])) >= 32
    finish(client, asked)
    assert crafted.forms[-1]["redirect_uri"] == [asked["redirect_uri"]]
    assert len(crafted.forms[-1]["code_verifier"][0]) >= 43
    assert "client_secret" not in crafted.forms[-1]


@pytest.mark.parametrize(
    ("claims", "defect"),
    [
        ({"iss": "https://evil.example"}, "issuer"),
        ({"aud": "another"}, "audience"),
        ({"azp": "another"}, "authorized_party"),
        ({"exp": None}, "missing_claim"),
        ({"exp": 1}, "expired"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "missing_claim"),
        ({"events": {}}, "events"),
        ({"sub": ""}, "subject"),
        ({"sub": "somebody-else"}, "userinfo_subject"),
        ({"groups": {"admin": True}}, "groups"),
        ({"groups": ["x" * 201]}, "groups"),
        ({"groups": [str(number) for number in range(1001)]}, "groups"),
        ({"groups": [["nested"]]}, "groups"),
    ],
    ids=str,
)
def test_a_defect_is_a_page_an_entry_and_no_sign_in(crafted: CraftedProvider, claims: dict[str, Any], defect: str) -> None:
    client = Client()
    crafted.claims = claims
    answer = sign_in(client, crafted)
    assert answer.status_code == 403
    page = answer.content.decode()
    assert f"<code>{defect}</code>" in page
    assert "Tell your administrator" in page
    assert not SsoSession.objects.exists()
    assert client.get("/account").status_code == 302
    entry = Entry.objects.get(action="session:refused")
    assert (entry.outcome, entry.code, entry.data["defect"]) == ("refused", "sign_in_refused", defect)


@pytest.mark.parametrize(
    ("answer", "status", "defect"),
    [
        ({"error": "invalid_grant"}, 400, "code_refused"),
        ({"error": "<script>alert(1)</script>"}, 400, "code_refused"),
        ({"access_token": "x"}, 200, "token_answer"),
        ({"access_token": 7, "id_token": "a.b.c"}, 200, "token_answer"),
        ({"access_token": "x", "id_token": "a.b.c"}, 200, "malformed"),
    ],
)
def test_a_token_endpoint_that_refuses_is_said(crafted: CraftedProvider, answer: dict[str, Any], status: int, defect: str) -> None:
    crafted.token_answer, crafted.token_status = answer, status
    page = sign_in(Client(), crafted)
    assert page.status_code == 403
    assert f"<code>{defect}</code>" in page.content.decode()
    assert "<script>alert" not in page.content.decode()


def test_a_state_is_used_once_and_only_in_the_browser_that_started(crafted: CraftedProvider) -> None:
    client, other = Client(), Client()
    asked = start(client, crafted)
    assert finish(other, asked).status_code == 403
    assert finish(client, asked, state="made-up").status_code == 403
    assert finish(client, asked).status_code == 302
    assert finish(client, asked).status_code == 403
    assert SsoSession.objects.count() == 1


def test_a_forged_error_does_not_end_a_sign_in(crafted: CraftedProvider) -> None:
    client = Client()
    sign_in(client, crafted)
    assert client.get("/oidc/callback/", {"error": "access_denied", "state": "made-up"}).status_code == 403
    assert client.get("/account").status_code == 200


def test_an_error_of_the_provider_is_said_without_its_free_text(crafted: CraftedProvider) -> None:
    client = Client()
    asked = start(client, crafted)
    answer = client.get("/oidc/callback/", {"error": "access_denied", "error_description": "Call +1 900 now", "state": asked["state"]})
    assert "access_denied" in answer.content.decode()
    assert "+1 900" not in answer.content.decode()


@pytest.mark.parametrize(
    "evil", ["//evil.example", "https://evil.example/", "javascript:alert(1)", "/\\evil.example", "http:///evil.example"]
)
def test_nobody_is_sent_elsewhere_after_signing_in(crafted: CraftedProvider, evil: str) -> None:
    assert sign_in(Client(), crafted, evil)["Location"] == "/"


def test_the_session_key_changes_at_every_sign_in_and_the_earlier_one_ends(crafted: CraftedProvider, settings: Settings) -> None:
    client = Client()
    asked = start(client, crafted)
    before = client.cookies[settings.SESSION_COOKIE_NAME].value
    finish(client, asked)
    first = client.cookies[settings.SESSION_COOKIE_NAME].value
    sign_in(client, crafted)
    second = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert len({before, first, second}) == 3
    assert [session.end_reason for session in SsoSession.objects.order_by("created_at")] == ["signed_in_again", ""]
    thief = Client()
    for old in (before, first):
        thief.cookies[settings.SESSION_COOKIE_NAME] = old
        assert thief.get("/account").status_code == 302


def test_two_tabs_may_sign_in_at_once(crafted: CraftedProvider) -> None:
    client = Client()
    one = start(client, crafted)
    nonce = crafted.nonce
    two = start(client, crafted)
    second_nonce, crafted.nonce = crafted.nonce, nonce
    assert finish(client, one).status_code == 302
    crafted.nonce = second_nonce
    assert finish(client, two).status_code == 302


def test_accounts_are_issuer_and_subject_never_the_address(crafted: CraftedProvider) -> None:
    sign_in(Client(), crafted)
    crafted.claims, crafted.userinfo = {"sub": "eve"}, {"sub": "eve", "email": "ada@example.com"}
    sign_in(Client(), crafted)
    assert Account.objects.filter(email="ada@example.com").count() == 2
    sign_in(Client(), crafted)
    assert Account.objects.count() == 2


def test_a_disabled_account_is_not_signed_in(crafted: CraftedProvider) -> None:
    sign_in(Client(), crafted)
    Account.objects.update(is_active=False)
    assert "account_disabled" in sign_in(Client(), crafted).content.decode()


def test_signed_claims_win_over_userinfo(crafted: CraftedProvider) -> None:
    crafted.claims, crafted.userinfo = {"groups": ["sandbox-developers"]}, {"groups": ["platform-team"]}
    sign_in(Client(), crafted)
    assert SsoSession.objects.get().groups == ["sandbox-developers"]


def test_a_new_key_of_the_provider_is_read_once_and_then_kept(crafted: CraftedProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(Client(), crafted)
    sign_in(Client(), crafted)
    assert crafted.asked.count("/keys") == 1
    assert crafted.asked.count("/.well-known/openid-configuration") == 1
    crafted.keys["two"], crafted.kid = rsa.generate_private_key(public_exponent=65537, key_size=2048), "two"
    assert "unknown_key" in sign_in(Client(), crafted).content.decode()  # read a moment ago: not again so soon
    monkeypatch.setattr(provider, "KEYS_AGAIN_SECONDS", 0.0)
    assert sign_in(Client(), crafted).status_code == 302
    assert crafted.asked.count("/keys") == 2
    sign_in(Client(), crafted)
    assert crafted.asked.count("/keys") == 2


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": None},
        {"token_endpoint": "file:///etc/passwd"},
        {"jwks_uri": 7},
        {"code_challenge_methods_supported": ["plain"]},
    ],
    ids=str,
)
def test_a_discovery_document_that_cannot_be_trusted_stops_sign_in(crafted: CraftedProvider, change: dict[str, Any]) -> None:
    crafted.discovery = change
    answer = Client().get("/oidc/authenticate/")
    assert answer.status_code == 503
    assert "discovery" in answer.content.decode()
    assert Entry.objects.get(action="session:refused").outcome == "failed"


def test_production_takes_no_address_of_the_provider_over_http(crafted: CraftedProvider) -> None:
    with pytest.raises(ProviderUnusable) as refused:
        document = {**crafted.documents()["/.well-known/openid-configuration"], "issuer": "https://id.example"}
        from django.test import override_settings

        with override_settings(DEVELOPMENT=False):
            provider.read_discovery("https://id.example", document)
    assert "not an https address" in refused.value.detail


def test_a_provider_that_is_away_is_a_page_and_leaves_sign_ins_alone(crafted: CraftedProvider, settings: Settings) -> None:
    client = Client()
    sign_in(client, crafted)
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    assert Client().get("/oidc/authenticate/").status_code == 503
    assert client.get("/account").status_code == 200
    answer = client.post("/oidc/logout/")
    assert (answer.status_code, answer["Location"]) == (302, "/signed-out")
    assert SsoSession.objects.get().end_reason == "signed_out"


def test_no_provider_at_all_is_a_page(settings: Settings) -> None:
    settings.OIDC_ISSUER = ""
    answer = Client().get("/oidc/authenticate/")
    assert answer.status_code == 503
    assert "OIDC_ISSUER" in answer.content.decode()


def test_signing_out_ends_the_session_here_and_goes_on_to_the_provider(crafted: CraftedProvider) -> None:
    client = Client()
    sign_in(client, crafted)
    assert client.get("/oidc/logout/").status_code == 405
    answer = client.post("/oidc/logout/")
    assert answer["Location"].startswith(f"{crafted.issuer}/end?")
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert query["client_id"] == ["portal"]
    assert query["id_token_hint"][0].count(".") == 2
    assert client.get("/account").status_code == 302
    assert bytes(SsoSession.objects.get().id_token_encrypted) == b""
    assert client.post("/oidc/logout/")["Location"] == "/signed-out"


def test_signing_out_needs_the_form_of_this_portal(crafted: CraftedProvider) -> None:
    client = Client(enforce_csrf_checks=True)
    sign_in(client, crafted)
    assert client.post("/oidc/logout/").status_code == 403
    assert client.get("/account").status_code == 200


def test_no_token_of_a_sign_in_is_logged_or_stored_in_clear(
    crafted: CraftedProvider, caplog: pytest.LogCaptureFixture, everything_stored: Callable[[], str]
) -> None:
    caplog.set_level("DEBUG")
    client = Client()
    crafted.token_answer = {"access_token": "opaque-access-7f3a", "token_type": "Bearer"}
    # As on every handler of the portal, whichever of them a record reaches first.
    with caplog.filtering(RedactingFilter()):
        asked = start(client, crafted)
        token = crafted.id_token()
        crafted.token_answer["id_token"] = token
        assert finish(client, asked).status_code == 302
    kept = everything_stored() + caplog.text
    for secret in (token, token.split(".")[2], "opaque-access-7f3a", "the secret", "a-code"):
        assert secret not in kept


def test_a_sign_in_nobody_finishes_is_forgotten(crafted: CraftedProvider) -> None:
    start(Client(), crafted)
    browser = Session.objects.get()
    assert browser.expire_date - timezone.now() < timedelta(minutes=31)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert actions.end_lapsed_sessions() == 1
    assert not Session.objects.exists()
