"""The demo identity provider is a strict one: code with PKCE, sid, logout that reaches the portal, bounded scopes."""

from __future__ import annotations

import http.server
import json
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
import pytest

from tests.demo.provider import Browser, Provider, code_of, identity_provider, proof


class Portal(http.server.BaseHTTPRequestHandler):
    """Stands where the portal is and keeps the logout tokens it is sent."""

    tokens: queue.Queue[tuple[str, str]] = queue.Queue()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.tokens.put((self.path, parse_qs(body)["logout_token"][0]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        return


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Portal) as portal:
        thread = threading.Thread(target=portal.serve_forever, daemon=True)
        thread.start()
        home: Path = tmp_path_factory.mktemp("provider")
        with identity_provider(home, portal.server_address[1]) as running:
            yield running
        portal.shutdown()
        thread.join(timeout=5)


def claims_of(provider: Provider, token: str, **options: Any) -> dict[str, Any]:
    """The claims of a token the provider signed, its signature checked with the published key."""
    keys = Browser().send("GET", f"{provider.world.issuer}/.well-known/jwks.json").json
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    return dict(jwt.decode(token, key.key, algorithms=["RS256"], audience="portal", issuer=provider.world.issuer, **options))


def signed_in(provider: Provider, browser: Browser, account: str) -> dict[str, Any]:
    """Sign in the whole way and return the token answer."""
    verifier, challenge = proof()
    back = provider.sign_in(browser, account, provider.authorize_url(challenge))
    assert back.status == 302 and back.location.startswith(provider.redirect_uri)
    answer = provider.token(
        "portal", grant_type="authorization_code", code=code_of(back), redirect_uri=provider.redirect_uri, code_verifier=verifier
    )
    assert answer.status == 200, answer.text
    return dict(answer.json)


@pytest.mark.parametrize(
    ("account", "groups"),
    [
        ("developer", ["sandbox-developers"]),
        ("architect", ["integration-architects"]),
        ("platform", ["platform-team"]),
        ("nobody", []),
    ],
)
def test_each_account_signs_in_with_its_groups_and_a_session_id(provider: Provider, account: str, groups: list[str]) -> None:
    tokens = signed_in(provider, Browser(), account)
    claims = claims_of(provider, tokens["id_token"])
    assert claims["groups"] == groups
    assert claims["preferred_username"] == account
    assert claims["nonce"] == "the-nonce"
    assert len(claims["sid"]) >= 16
    assert claims["exp"] - claims["iat"] <= 7200
    assert tokens["expires_in"] <= 7200


def test_the_subject_is_the_same_next_time_and_the_session_id_is_not(provider: Provider) -> None:
    first, second = (claims_of(provider, signed_in(provider, Browser(), "developer")["id_token"]) for _ in range(2))
    assert first["sub"] == second["sub"]
    assert first["sid"] != second["sid"]


def test_the_page_has_one_button_for_each_account(provider: Provider) -> None:
    page = Browser().send("GET", f"{provider.world.issuer}/sign-in")
    assert [f'name="account" value="{name}"' in page.text for name in ("developer", "architect", "platform", "nobody")] == [True] * 4
    assert "<script" not in page.text


def test_an_account_that_does_not_exist_is_refused_on_the_page(provider: Provider) -> None:
    browser = Browser()
    page = browser.send("GET", f"{provider.world.issuer}/sign-in")
    answer = browser.submit(page, f"{provider.world.issuer}/sign-in", account="root")
    assert answer.status == 400
    assert "There is no such account" in answer.text


def test_signing_in_never_leads_to_another_site(provider: Provider) -> None:
    browser = Browser()
    page = browser.send("GET", f"{provider.world.issuer}/sign-in?next=//evil.example/")
    answer = browser.submit(page, f"{provider.world.issuer}/sign-in", account="developer", next="//evil.example/")
    assert answer.location == "/"


@pytest.mark.parametrize("change", [{"code_challenge": ""}, {"code_challenge_method": "plain"}])
def test_without_s256_there_is_no_code(provider: Provider, change: dict[str, str]) -> None:
    _, challenge = proof()
    browser = Browser()
    signed_in(provider, browser, "developer")
    answer = browser.send("GET", provider.authorize_url(challenge, **change))
    assert "?code=" not in answer.headers.get("location", "")
    assert answer.status in {302, 400}


def test_a_wrong_verifier_and_a_used_code_are_refused(provider: Provider) -> None:
    verifier, challenge = proof()
    back = provider.sign_in(Browser(), "developer", provider.authorize_url(challenge))
    form = {"grant_type": "authorization_code", "code": code_of(back), "redirect_uri": provider.redirect_uri}
    assert provider.token("portal", **form, code_verifier=proof()[0]).status == 400
    assert provider.token("portal", **form, code_verifier=verifier).status == 200
    assert provider.token("portal", **form, code_verifier=verifier).status == 400


def test_codes_go_to_the_portal_by_either_of_its_names_and_nowhere_else(provider: Provider) -> None:
    _, challenge = proof()
    local = f"http://localhost:{provider.portal_port}/oidc/callback/"
    assert provider.sign_in(Browser(), "developer", provider.authorize_url(challenge, redirect_uri=local)).location.startswith(local)
    browser = Browser()
    signed_in(provider, browser, "developer")
    for elsewhere in ("http://127.0.0.1:1/oidc/callback/", "https://evil.example/", f"{local}more"):
        assert browser.send("GET", provider.authorize_url(challenge, redirect_uri=elsewhere)).status == 400


def test_the_portal_s_own_logout_ends_the_sign_in_and_sends_a_logout_token(provider: Provider) -> None:
    browser = Browser()
    tokens = signed_in(provider, browser, "architect")
    query = urlencode(
        {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": f"http://127.0.0.1:{provider.portal_port}/signed-out"}
    )
    answer = browser.send("GET", f"{provider.world.issuer}/oauth/logout?{query}")
    assert answer.location == f"http://127.0.0.1:{provider.portal_port}/signed-out"
    assert browser.send("GET", f"{provider.world.issuer}/").location == "/sign-in"
    path, token = Portal.tokens.get(timeout=5)
    assert path == "/oidc/backchannel-logout/"
    claims = claims_of(provider, token)
    expected = claims_of(provider, tokens["id_token"])
    assert (claims["sid"], claims["sub"]) == (expected["sid"], expected["sub"])
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert "nonce" not in claims
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"


def test_signing_out_at_the_provider_tells_the_portal(provider: Provider) -> None:
    browser = Browser()
    tokens = signed_in(provider, browser, "developer")
    page = browser.send("GET", f"{provider.world.issuer}/")
    assert "You are Dana Developer" in page.text
    browser.submit(page, f"{provider.world.issuer}/sign-out")
    _, token = Portal.tokens.get(timeout=5)
    assert claims_of(provider, token)["sid"] == claims_of(provider, tokens["id_token"])["sid"]


def test_a_principal_gets_the_scopes_it_asks_for_within_its_own(provider: Provider) -> None:
    asked = provider.token("portal-staging", grant_type="client_credentials", scope="integration:read").json
    assert asked["scope"] == "integration:read"
    assert asked["expires_in"] <= 7200
    everything = provider.token("portal-staging", grant_type="client_credentials").json
    assert set(everything["scope"].split()) == {"integration:read", "webhook:manage", "routing:manage", "analytics:query"}
    assert provider.token("portal-cxone-staging", grant_type="client_credentials").json["scope"] == "openid"
    for scope in ("admin", "integration:read admin", "openid"):
        refused = provider.token("portal-staging", grant_type="client_credentials", scope=scope)
        assert (refused.status, refused.json) == (400, {"error": "invalid_scope"})


def test_a_wrong_secret_and_a_wrong_grant_are_refused(provider: Provider) -> None:
    url = f"{provider.world.issuer}/oauth/token"
    assert (
        Browser().send("POST", url, {"grant_type": "client_credentials", "client_id": "portal-staging", "client_secret": "no"}).status
        == 401
    )
    assert provider.token("portal", grant_type="client_credentials").status == 400


def test_a_revoked_token_is_no_longer_active(provider: Provider) -> None:
    token = provider.machine_token("portal-staging", "integration:read")
    secret = provider.world.secrets["portal-staging"]
    client = {"client_id": "portal-staging", "client_secret": secret, "token": token}
    assert Browser().send("POST", f"{provider.world.issuer}/oauth/introspect", client).json["active"] is True
    assert Browser().send("POST", f"{provider.world.issuer}/oauth/revoke", client).status == 200
    assert Browser().send("POST", f"{provider.world.issuer}/oauth/introspect", client).json["active"] is False


def test_discovery_names_what_the_provider_does(provider: Provider) -> None:
    document = Browser().send("GET", f"{provider.world.issuer}/.well-known/openid-configuration").json
    assert document["issuer"] == provider.world.issuer
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["id_token_signing_alg_values_supported"] == ["RS256"]
    assert document["backchannel_logout_session_supported"] is True
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint", "revocation_endpoint"):
        assert document[name].startswith(f"{provider.world.issuer}/"), json.dumps(document)
