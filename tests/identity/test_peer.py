"""Sign-in, sign-out and back-channel logout with a certified OpenID provider, over real sockets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from django.core.servers.basehttp import ThreadedWSGIServer
from django.test.testcases import LiveServerThread
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from audit.models import Entry
from identity import revalidation
from identity.models import SsoSession
from tests.peers.process import Peer

pytestmark = [pytest.mark.node, pytest.mark.django_db(transaction=True)]


class SamePortAgain(ThreadedWSGIServer):
    """The provider knows one address of the portal, and every test serves it anew."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"allow_reuse_address": True})


@pytest.fixture
def portal(peer: Peer, settings: Settings, make_grants: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The portal, served where the provider looks for it."""
    monkeypatch.setattr(LiveServerThread, "server_class", SamePortAgain)
    settings.OIDC_ISSUER = peer.issuer
    settings.OIDC_RP_CLIENT_ID = "portal"
    settings.OIDC_RP_CLIENT_SECRET = peer.secret
    settings.PORTAL_PUBLIC_URL = peer.portal
    make_grants()
    server = LiveServer(f"127.0.0.1:{peer.portal_port}")
    try:
        yield server.url
    finally:
        server.stop()


class Browser(requests.Session):
    """Follows redirects as a browser does."""

    def sign_in(self, portal: str, account: str, next_address: str = "/account") -> requests.Response:
        page = self.get(f"{portal}/oidc/authenticate/", params={"next": next_address})
        assert "/interaction/" in page.url, page.url
        return self.post(page.url, data={"account": account})

    def token(self, portal: str) -> str:
        """The CSRF token of a form on the account page."""
        page = self.get(f"{portal}/account").text
        return page.split('name="csrfmiddlewaretoken" value="', 1)[1].split('"', 1)[0]


def test_a_person_signs_in_and_is_who_the_provider_says(portal: str) -> None:
    with Browser() as browser:
        page = browser.sign_in(portal, "architect")
        assert page.url == f"{portal}/account"
        assert "Arno Architect" in page.text
        session = SsoSession.objects.get()
        assert session.groups == ["integration-architects"]
        assert session.sid
        entry = Entry.objects.get(action="session:started")
        assert (entry.actor_name, entry.data["role"]) == ("Arno Architect", "architect")


def test_somebody_without_groups_sees_what_would_let_them_in(portal: str) -> None:
    with Browser() as browser:
        page = browser.sign_in(portal, "nobody", next_address="/")
        assert page.status_code == 403
        assert "sandbox-developers" in page.text


def test_signing_out_ends_the_session_at_the_provider_too(portal: str, peer: Peer) -> None:
    with Browser() as browser:
        browser.sign_in(portal, "developer")
        page = browser.post(f"{portal}/oidc/logout/", data={"csrfmiddlewaretoken": browser.token(portal)})
        assert page.url.startswith(f"{peer.issuer}/session/end")
        assert SsoSession.objects.get().end_reason == "signed_out"
        secret = page.text.split('name="xsrf" value="', 1)[1].split('"', 1)[0]
        last = browser.post(f"{peer.issuer}/session/end/confirm", data={"xsrf": secret, "logout": "yes"})
        assert last.url == f"{portal}/signed-out"
        assert "/interaction/" in browser.get(f"{portal}/account").url


def test_signing_out_at_the_provider_ends_only_that_browser_here_at_once(portal: str, peer: Peer) -> None:
    with Browser() as one, Browser() as two:
        one.sign_in(portal, "platform")
        two.sign_in(portal, "platform")
        page = one.get(f"{peer.issuer}/session/end", params={"client_id": "portal"})
        secret = page.text.split('name="xsrf" value="', 1)[1].split('"', 1)[0]
        started = time.monotonic()
        one.post(f"{peer.issuer}/session/end/confirm", data={"xsrf": secret, "logout": "yes"})
        assert one.get(f"{portal}/account", allow_redirects=False).status_code == 302
        assert time.monotonic() - started < 1.0
        assert two.get(f"{portal}/account", allow_redirects=False).status_code == 200
        assert Entry.objects.get(action="session:ended").data["reason"] == "backchannel_logout"


def test_a_code_that_was_not_meant_for_this_browser_is_refused(portal: str) -> None:
    with Browser() as browser, Browser() as thief:
        page = browser.get(f"{portal}/oidc/authenticate/")
        answer = browser.post(page.url, data={"account": "platform"}, allow_redirects=False)
        while not answer.headers["Location"].startswith(f"{portal}/oidc/callback/"):
            answer = browser.get(answer.headers["Location"], allow_redirects=False)
        stolen = answer.headers["Location"]
        thief.get(f"{portal}/oidc/authenticate/", allow_redirects=False)
        assert thief.get(stolen).status_code == 403
        assert browser.get(stolen).status_code in {200, 403, 404}
        assert SsoSession.objects.count() == 1


def test_access_keys_die_with_a_backchannel_logout(portal: str, peer: Peer) -> None:
    with Browser() as browser:
        browser.sign_in(portal, "developer")
        made: Any = browser.post(
            f"{portal}/api/v1/access-keys",
            json={"name": "curl"},
            headers={"X-CSRFToken": browser.token(portal), "Origin": portal},
        ).json()
        headers = {"Authorization": f"Bearer {made['key']}"}
        assert requests.get(f"{portal}/api/v1/access-keys", headers=headers, timeout=5).status_code == 200
        page = browser.get(f"{peer.issuer}/session/end", params={"client_id": "portal"})
        secret = page.text.split('name="xsrf" value="', 1)[1].split('"', 1)[0]
        browser.post(f"{peer.issuer}/session/end/confirm", data={"xsrf": secret, "logout": "yes"})
        assert requests.get(f"{portal}/api/v1/access-keys", headers=headers, timeout=5).status_code == 401


def test_lost_groups_and_an_ended_grant_reach_the_portal_without_the_person(portal: str, peer: Peer) -> None:
    with Browser() as browser:
        browser.sign_in(portal, "mover")
        before = SsoSession.objects.get()
        assert before.groups == ["integration-architects"]
        requests.post(f"{peer.issuer}/groups", json={"account": "mover", "groups": ["sandbox-developers"]}, timeout=5)
        ask_again()
        moved = SsoSession.objects.get()
        assert (moved.groups, moved.ended_at, moved.unanswered_since) == (["sandbox-developers"], None, None)
        assert bytes(moved.refresh_token_encrypted) != bytes(before.refresh_token_encrypted)  # rotated
        assert Entry.objects.get(action="session:changed").data["before"] == ["integration-architects"]
        # The first refresh token again: the provider takes it for stolen and withdraws the whole grant.
        SsoSession.objects.update(refresh_token_encrypted=before.refresh_token_encrypted)
        ask_again()
        assert SsoSession.objects.get().end_reason == "revalidation_refused"
        assert browser.get(f"{portal}/account", allow_redirects=False).status_code == 302
        kept = requests.get(f"{peer.issuer}/issued", timeout=5).json()
        assert not [token for token in kept if token in str(list(SsoSession.objects.values_list()))]


def ask_again() -> None:
    SsoSession.objects.update(revalidate_at=timezone.now())
    assert revalidation.revalidate_due_sessions() == 1
