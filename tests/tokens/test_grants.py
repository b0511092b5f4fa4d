"""How the portal asks: grants, ways to prove itself, what the rules put into a request, and how it tells that a token is over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.utils import timezone
from pytest_django import Settings

from audit.models import Entry
from identity import actions as identity_actions
from identity import revalidation
from identity.access import Grant
from identity.defects import ProviderUnusable
from identity.models import SsoSession
from portal.errors import Forbidden, Unauthenticated, Unavailable, UpstreamFailed
from tests.identity.crafted import CraftedProvider, serve
from tests.tokens.conftest import Endpoint
from tests.tokens.test_exchange import run_at_once
from tests.tokens.test_leases import READ, call, take
from tokens import actions, holding, tasks
from tokens.models import Revocation, TokenLease
from tokens.secrets import SecretUnavailable

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]

KEYS: dict[str, Callable[[], Any]] = {
    "rsa": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}
ALGORITHMS = {"rsa": "RS256", "p256": "ES256", "ed25519": "EdDSA"}


def write_key(path: Path, key: Any) -> None:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def with_key(path: Path, more: str = "") -> str:
    return f"""
          grant: client_credentials
          url: {{url}}/token
          revocation_url: {{url}}/revoke
          client_id: portal-staging
          client_authentication: private_key_jwt
          key_id: k-1
          secret: file:{path}
          scopes: [integration:read, webhook:manage]
          {more}
"""


@pytest.mark.parametrize("kind", KEYS)
def test_a_principal_proves_itself_with_its_private_key(
    kind: str, owner: Any, endpoint: Endpoint, rules: Callable[..., None], tmp_path: Path
) -> None:
    key = KEYS[kind]()
    write_key(tmp_path / "key.pem", key)
    endpoint.public_key = key.public_key()
    rules(with_key(tmp_path / "key.pem"))
    lease = take(owner)
    (form,) = endpoint.forms
    assert set(form) == {"grant_type", "scope", "client_id", "client_assertion_type"}
    (proof,) = endpoint.assertions
    assert (proof["iss"], proof["sub"], proof["kid"], proof["alg"]) == ("portal-staging", "portal-staging", "k-1", ALGORITHMS[kind])
    assert proof["exp"] - proof["iat"] == 60
    actions.revoke(by=owner.caller, lease_id=lease.pk)
    tasks.sweep()
    assert endpoint.revoked == endpoint.issued  # the second assertion is another one
    assert len({one["jti"] for one in endpoint.assertions}) == 2


def test_a_rotated_private_key_needs_no_restart(owner: Any, endpoint: Endpoint, rules: Callable[..., None], tmp_path: Path) -> None:
    first, second = KEYS["p256"](), KEYS["p256"]()
    write_key(tmp_path / "key.pem", first)
    endpoint.public_key = second.public_key()
    rules(with_key(tmp_path / "key.pem"))
    with pytest.raises(UpstreamFailed, match="invalid_client"):
        take(owner)
    write_key(tmp_path / "key.pem", second)
    holding.forget_failures()
    assert take(owner).generation == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [("no key at all", "no private key in PEM"), (None, "cannot sign")],
)
def test_a_key_that_cannot_sign_is_503_and_is_not_repeated(
    owner: Any, rules: Callable[..., None], tmp_path: Path, text: str | None, says: str
) -> None:
    if text is None:
        write_key(tmp_path / "key.pem", rsa.generate_private_key(public_exponent=65537, key_size=1024))
    else:
        (tmp_path / "key.pem").write_text(text)
    rules(with_key(tmp_path / "key.pem"))
    with pytest.raises(SecretUnavailable, match=says) as failed:
        take(owner)
    assert "no key at all" not in failed.value.detail


INJECTED = """
          grant: client_credentials
          url: {url}/token
          client_id: portal-staging
          secret: env:GENESYS_STAGING_SECRET
          scopes: [integration:read, webhook:manage]
          inject: {{group: portal_groups, role: portal_role}}
"""


def test_the_group_and_the_role_are_in_the_token_request(
    endpoint: Endpoint, rules: Callable[..., None], sign_in: Callable[..., Any], make_grants: Callable[..., None]
) -> None:
    rules(INJECTED)
    make_grants(
        Grant("team a/b", "architect", frozenset({"staging"}), scopes={"genesys": frozenset(READ)}),
        Grant("team-c", "developer", frozenset({"staging"}), scopes={"genesys": frozenset(READ)}),
        Grant("elsewhere", "platform", frozenset({"sandbox"})),
    )
    person = sign_in("pia", groups=["team-c", "team a/b", "elsewhere", "unknown-here"])
    take(person)
    assert endpoint.forms == [
        {"grant_type": "client_credentials", "scope": "integration:read", "portal_groups": "team%20a/b team-c", "portal_role": "platform"}
    ]
    assert TokenLease.objects.get().injected == {"portal_groups": "team%20a/b team-c", "portal_role": "platform"}


def test_other_groups_mean_another_token(owner: Any, endpoint: Endpoint, rules: Callable[..., None]) -> None:
    rules(INJECTED)
    first = call(owner, READ)
    identity_actions.confirm_session(session_id=owner.sso_session.pk, groups=["integration-architects", "platform-team"])
    second = call(owner, READ)
    assert second.value != first.value
    assert [form["portal_groups"] for form in endpoint.forms] == ["integration-architects", "integration-architects platform-team"]
    assert list(TokenLease.objects.order_by("created_at").values_list("end_reason", flat=True)) == ["rights_changed", ""]


OMITTED = """
          grant: client_credentials
          url: {url}/token
          client_id: portal-staging
          secret: env:GENESYS_STAGING_SECRET
          scopes: [integration:read, webhook:manage]
          omitted_scope_means: as_requested
"""


def test_a_server_known_to_leave_the_scope_out_is_believed_and_still_judged_when_it_speaks(
    owner: Any, endpoint: Endpoint, rules: Callable[..., None]
) -> None:
    rules(OMITTED)
    endpoint.answer = {"scope": None}
    assert take(owner).scopes == READ
    endpoint.answer = {"scope": "integration:read more:than:asked"}
    with pytest.raises(UpstreamFailed) as refused:
        take(owner, ["webhook:manage"])
    assert refused.value.extra["reason"] == "scope_narrower_than_asked"


def test_no_grant_means_no_token_and_the_portal_bounds_the_scopes(owner: Any, endpoint: Endpoint, rules: Callable[..., None]) -> None:
    rules("          {{grant: none}}")

    def leased(*alternatives: list[str]) -> Any:
        return actions.lease_for_call(by=owner.caller, platform="genesys", environment="staging", scopes=alternatives)

    assert leased(READ) is None
    assert leased() is None
    with pytest.raises(Forbidden) as refused:
        leased(["reporting:dashboard:read"])
    assert refused.value.code == "scope_forbidden"
    assert endpoint.forms == []


DELETED = """
          grant: client_credentials
          url: {url}/token
          revocation: bearer_delete
          revocation_url: {url}/api/v2/tokens/me
          client_id: portal-staging
          secret: env:GENESYS_STAGING_SECRET
          scopes: [integration:read, webhook:manage]
          scopes_bound_by: portal
"""


def test_a_platform_without_a_revocation_endpoint_is_told_with_the_token_itself(
    owner: Any, endpoint: Endpoint, rules: Callable[..., None]
) -> None:
    rules(DELETED)
    leased = call(owner, READ)
    endpoint.revocation_status = 500
    actions.revoke(by=owner.caller, lease_id=leased.lease_id)
    tasks.sweep()
    assert Revocation.objects.get().attempts == 1
    endpoint.revocation_status = 401  # it opens nothing any more: that is what was wanted
    Revocation.objects.update(due_at=timezone.now())
    tasks.sweep()
    assert endpoint.deleted == [f"Bearer {leased.value}"] * 2
    assert not Revocation.objects.exists()


@pytest.mark.parametrize(("status", "told"), [(200, True), (400, False), (403, False), (429, False), (503, False)])
def test_a_revocation_is_tried_until_it_was_told_or_the_token_has_ended(owner: Any, endpoint: Endpoint, status: int, told: bool) -> None:
    endpoint.revocation_status = status
    actions.revoke(by=owner.caller, lease_id=take(owner).pk)
    tasks.sweep()
    assert Revocation.objects.exists() is not told
    Revocation.objects.update(due_at=timezone.now(), until=timezone.now() - timedelta(seconds=1))
    tasks.sweep()
    assert not Revocation.objects.exists()


def test_a_secret_rotated_after_the_issue_does_not_keep_the_portal_from_revoking(
    owner: Any, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = take(owner)
    endpoint.secret = "rotated-secret-55aa"
    actions.revoke(by=owner.caller, lease_id=lease.pk)
    tasks.sweep()
    assert Revocation.objects.exists()
    monkeypatch.setenv("GENESYS_STAGING_SECRET", "rotated-secret-55aa")
    Revocation.objects.update(due_at=timezone.now())
    tasks.sweep()
    assert not Revocation.objects.exists()
    assert endpoint.revoked == endpoint.issued


EXCHANGE = """
          grant: token_exchange
          url: {url}/token
          revocation_url: {url}/revoke
          client_id: portal-staging
          secret: env:GENESYS_STAGING_SECRET
          audience: https://platform.example
          scopes: [integration:read, webhook:manage]
"""
EXCHANGED = {"issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}


@pytest.fixture
def crafted(settings: Settings) -> Iterator[CraftedProvider]:
    with serve() as running:
        settings.OIDC_ISSUER = running.issuer
        settings.OIDC_RP_CLIENT_ID = "portal"
        settings.OIDC_RP_CLIENT_SECRET = "the secret"
        running.refresh_tokens = True
        running.claims = {"sub": "olga", "groups": ["integration-architects"]}
        running.userinfo = {"sub": "olga"}
        yield running


@pytest.fixture
def exchanging(owner: Any, endpoint: Endpoint, rules: Callable[..., None], crafted: CraftedProvider) -> Any:
    """The owner, whose ID token the platform exchanges."""
    rules(EXCHANGE)
    endpoint.answer = dict(EXCHANGED)
    renew(owner, crafted)
    return owner


def renew(person: Any, crafted: CraftedProvider, refresh_token: str = "lent") -> str:
    """Let the person's sign-in hold tokens of the provider, as after a real one."""
    token = crafted.id_token()
    identity_actions.keep_provider_tokens(session_id=person.sso_session.pk, refresh_token=refresh_token, id_token=token)
    SsoSession.objects.update(subject="olga", revalidate_at=timezone.now() + timedelta(minutes=5))
    return token


def test_the_persons_id_token_is_exchanged(exchanging: Any, endpoint: Endpoint, crafted: CraftedProvider) -> None:
    take(exchanging)
    (form,) = endpoint.forms
    claims = jwt.decode(form.pop("subject_token"), crafted.keys["one"].public_key(), algorithms=["RS256"], audience="portal")
    assert claims["sub"] == "olga"
    assert form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "scope": "integration:read",
        "audience": "https://platform.example",
    }


def test_an_expired_id_token_is_renewed_first(exchanging: Any, endpoint: Endpoint, crafted: CraftedProvider) -> None:
    crafted.claims["exp"] = int(timezone.now().timestamp()) + 10
    renew(exchanging, crafted)
    del crafted.claims["exp"]
    take(exchanging)
    assert crafted.forms[-1]["grant_type"] == ["refresh_token"]
    claims = jwt.decode(endpoint.forms[0]["subject_token"], options={"verify_signature": False})
    assert claims["exp"] > timezone.now().timestamp() + 200


def test_without_a_current_id_token_there_is_no_exchange(exchanging: Any, endpoint: Endpoint, crafted: CraftedProvider) -> None:
    crafted.claims["exp"] = int(timezone.now().timestamp()) + 10
    renew(exchanging, crafted)
    with pytest.raises(Unavailable) as failed:
        take(exchanging)
    assert failed.value.code == "token_unavailable"
    assert "no ID token" in failed.value.detail
    assert endpoint.forms == []


def test_a_sign_in_the_provider_withdraws_in_the_middle_gets_nothing(exchanging: Any, endpoint: Endpoint, crafted: CraftedProvider) -> None:
    crafted.claims["exp"] = int(timezone.now().timestamp()) + 10
    renew(exchanging, crafted)
    crafted.token_answer, crafted.token_status = {"error": "invalid_grant"}, 400
    with pytest.raises(Unauthenticated):
        take(exchanging)
    assert SsoSession.objects.get().end_reason == "revalidation_refused"
    assert endpoint.forms == []


@pytest.mark.parametrize("kind", [None, "urn:ietf:params:oauth:token-type:id_token", 7])
def test_an_exchange_for_something_else_is_refused_and_revoked(exchanging: Any, endpoint: Endpoint, kind: object) -> None:
    endpoint.answer = {"issued_token_type": kind}
    with pytest.raises(UpstreamFailed) as refused:
        take(exchanging)
    assert refused.value.extra["reason"] == "type_unusable"
    tasks.sweep()
    assert endpoint.revoked == endpoint.issued


def test_no_id_token_is_logged_or_stored_in_clear(
    exchanging: Any, endpoint: Endpoint, crafted: CraftedProvider, everything_stored: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    take(exchanging)
    kept = everything_stored() + caplog.text
    assert endpoint.forms[0]["subject_token"] not in kept
    assert endpoint.forms[0]["subject_token"].split(".")[2] not in kept
    assert json.dumps(Entry.objects.get(action="token:issued").data).count("token_exchange") == 1


def test_a_session_without_a_refresh_token_waits_for_nobody(exchanging: Any, crafted: CraftedProvider) -> None:
    crafted.claims["exp"] = 1
    renew(exchanging, crafted)
    SsoSession.objects.update(revalidate_at=None)
    with pytest.raises(ProviderUnusable):
        revalidation.current_id_token(exchanging.sso_session.pk)


@pytest.mark.django_db(transaction=True)
def test_many_exchanges_at_once_renew_the_id_token_once(exchanging: Any, endpoint: Endpoint, crafted: CraftedProvider) -> None:
    """A provider that rotates takes a refresh token that comes twice for stolen."""
    crafted.claims["exp"] = int(timezone.now().timestamp()) + 10
    renew(exchanging, crafted)
    del crafted.claims["exp"]
    found = run_at_once(12, lambda: revalidation.current_id_token(exchanging.sso_session.pk))
    assert len(set(found)) == 1
    assert len([form for form in crafted.forms if form.get("grant_type") == ["refresh_token"]]) == 1
