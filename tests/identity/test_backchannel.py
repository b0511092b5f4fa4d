"""Back-channel logout as the provider posts it: what is accepted, once, and what each refusal leaves behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from audit.models import Entry
from identity import actions
from identity.id_token import LOGOUT_EVENT
from identity.models import SpentLogoutToken, SsoSession
from tests.identity.crafted import CraftedProvider, serve

pytestmark = pytest.mark.django_db
PLACE = "/oidc/backchannel-logout/"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def crafted(settings: Settings) -> Iterator[CraftedProvider]:
    with serve() as running:
        settings.OIDC_ISSUER = running.issuer
        settings.OIDC_RP_CLIENT_ID = "portal"
        settings.OIDC_RP_CLIENT_SECRET = "the secret"
        yield running


@pytest.fixture
def at_provider(crafted: CraftedProvider, sign_in: Callable[..., Any]) -> Callable[[str, str], Any]:
    """Somebody signed in through the crafted provider."""

    def make(subject: str, sid: str) -> Any:
        person = sign_in(subject, sid=sid)
        SsoSession.objects.filter(pk=person.sso_session.pk).update(issuer=crafted.issuer)
        return person

    return make


def token(crafted: CraftedProvider, **changes: Any) -> str:
    now = int(time.time())
    sound = {
        "iss": crafted.issuer,
        "aud": "portal",
        "iat": now,
        "exp": now + 120,
        "jti": f"j-{time.time_ns()}",
        "events": {LOGOUT_EVENT: {}},
    }
    claims = {name: value for name, value in (sound | changes).items() if value is not None}
    return jwt.encode(claims, crafted.keys["one"], algorithm="RS256", headers={"kid": "one", "typ": "logout+jwt"})


def post(logout_token: str, **options: Any) -> Any:
    from urllib.parse import urlencode

    return Client(enforce_csrf_checks=True).post(PLACE, urlencode({"logout_token": logout_token}), content_type=FORM, **options)


def live(person: Any) -> bool:
    return bool(person.client.get("/account").status_code == 200)


def test_a_session_id_ends_that_session_only(crafted: CraftedProvider, at_provider: Callable[[str, str], Any]) -> None:
    one, two = at_provider("ada", "s-1"), at_provider("ada", "s-2")
    answer = post(token(crafted, sid="s-1", sub="ada"))
    assert (answer.status_code, answer.content, answer["Cache-Control"]) == (200, b"", "no-store")
    assert (live(one), live(two)) == (False, True)


def test_a_subject_alone_ends_all_of_their_sessions(crafted: CraftedProvider, at_provider: Callable[[str, str], Any]) -> None:
    one, two, other = at_provider("ada", "s-1"), at_provider("ada", "s-2"), at_provider("bob", "s-3")
    assert post(token(crafted, sub="ada")).status_code == 200
    assert (live(one), live(two), live(other)) == (False, False, True)


def test_a_session_id_of_another_person_ends_nothing(crafted: CraftedProvider, at_provider: Callable[[str, str], Any]) -> None:
    one = at_provider("ada", "s-1")
    assert post(token(crafted, sid="s-1", sub="bob")).status_code == 200
    assert live(one)


def test_a_token_is_accepted_once(crafted: CraftedProvider, at_provider: Callable[[str, str], Any]) -> None:
    at_provider("ada", "s-1")
    once = token(crafted, sub="ada")
    assert post(once).status_code == 200
    again = at_provider("ada", "s-4")
    answer = post(once)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert live(again)
    SpentLogoutToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert actions.end_lapsed_sessions() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"events": None},
        {"events": {}},
        {"nonce": "n"},
        {"jti": None},
        {"iat": 1},
        {"exp": 1},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_that_is_not_sound_ends_nothing_and_is_written_down(
    crafted: CraftedProvider, at_provider: Callable[[str, str], Any], changes: dict[str, Any]
) -> None:
    person = at_provider("ada", "s-1")
    answer = post(token(crafted, **({"sub": "ada"} | changes)))
    assert answer.status_code == 400
    assert live(person)
    assert Entry.objects.get(action="logout:refused").outcome == "refused"


def test_only_a_form_with_one_token_is_read(crafted: CraftedProvider) -> None:
    sound = token(crafted, sub="ada")
    assert Client().get(PLACE, {"logout_token": sound}).status_code == 400
    assert Client().post(PLACE, {"logout_token": sound}, content_type="application/json").status_code == 400
    assert Client().post(PLACE, {"logout_token": sound}).status_code == 400  # multipart
    assert Client().post(PLACE, f"logout_token={sound}&logout_token={sound}", content_type=FORM).status_code == 400
    assert Client().post(PLACE, "", content_type=FORM).status_code == 400


def test_no_cookie_is_needed_or_looked_at(crafted: CraftedProvider, at_provider: Callable[[str, str], Any]) -> None:
    person = at_provider("ada", "s-1")
    answer = person.client.post(PLACE, f"logout_token={token(crafted, sub='bob')}", content_type=FORM)
    assert answer.status_code == 200
    assert live(person)


def test_one_address_cannot_flood_it(crafted: CraftedProvider, settings: Settings) -> None:
    statuses = [post("x", REMOTE_ADDR="10.9.8.7").status_code for _ in range(125)]
    assert statuses.count(429) == 5
    assert post("x", REMOTE_ADDR="10.9.8.6").status_code == 400


def test_while_the_provider_is_away_it_is_asked_to_try_again(crafted: CraftedProvider, settings: Settings) -> None:
    sound = token(crafted, sub="ada")
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    assert post(sound).status_code == 503
