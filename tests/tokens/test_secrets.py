"""Where the secrets of principals are kept: Vault (a stand-in that speaks its HTTP API) and AWS Secrets Manager (moto's server)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from audit.models import Entry
from portal.errors import Unavailable
from tests.tokens import vault as fake_vault
from tests.tokens.conftest import SECRET, Endpoint
from tests.tokens.test_leases import READ, call, take
from tests.tokens.vault import FakeVault
from tokens import actions, secrets
from tokens.models import TokenLease
from tokens.secrets import SecretUnavailable, secret
from tokens.secrets import vault as vault_backend
from upstream import breaker

REFERENCE = "vault:kv/portal/genesys#client_secret"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    secrets.forget()
    breaker.reset()
    yield
    secrets.forget()


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeVault]:
    with fake_vault.serve() as running:
        monkeypatch.setenv("VAULT_ADDR", running.url)
        monkeypatch.setenv("VAULT_ROLE_ID", running.role_id)
        monkeypatch.setenv("VAULT_SECRET_ID", running.secret_id)
        running.put("kv/portal/genesys", client_secret="the-first-value")
        yield running


def test_a_field_of_a_secret_is_read_with_its_version(vault: FakeVault) -> None:
    found = secret(REFERENCE)
    assert (found.value, found.version) == ("the-first-value", "1")
    assert "the-first-value" not in repr(found)
    assert vault.asked == [("POST", "/v1/auth/approle/login"), ("GET", "/v1/kv/data/portal/genesys")]


def test_it_is_kept_for_a_minute_and_not_a_moment_longer(vault: FakeVault, monkeypatch: pytest.MonkeyPatch) -> None:
    secret(REFERENCE)
    vault.put("kv/portal/genesys", client_secret="the-second-value")
    assert secret(REFERENCE).value == "the-first-value"
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + secrets.KEPT_SECONDS)
    found = secret(REFERENCE)
    assert (found.value, found.version) == ("the-second-value", "2")
    assert vault.asked.count(("POST", "/v1/auth/approle/login")) == 1


def test_a_vault_that_is_away_when_the_minute_is_over_is_503_and_not_the_old_value(
    vault: FakeVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret(REFERENCE)
    vault.sealed = True
    assert secret(REFERENCE).value == "the-first-value"
    with pytest.raises(SecretUnavailable) as failed:
        secret(REFERENCE, again=True)
    assert (failed.value.status, failed.value.code, failed.value.headers) == (503, "secret_unavailable", {"Retry-After": "30"})
    assert "sealed or down" in failed.value.detail
    with pytest.raises(SecretUnavailable):  # what was kept is gone with the failure
        secret(REFERENCE)
    vault.sealed = False
    assert secret(REFERENCE).value == "the-first-value"


def test_the_login_is_renewed_before_it_ends_and_made_anew_when_it_cannot_be(vault: FakeVault) -> None:
    secret(REFERENCE)
    login = vault_backend._login
    assert login is not None
    login.renew_at = 0.0
    secret(REFERENCE, again=True)
    assert vault.asked[2:] == [("POST", "/v1/auth/token/renew-self"), ("GET", "/v1/kv/data/portal/genesys")]
    assert login.renew_at > time.monotonic() + 2_000
    login.renew_at, vault.renewable = 0.0, False
    secret(REFERENCE, again=True)
    assert vault.asked[4:] == [
        ("POST", "/v1/auth/token/renew-self"),
        ("POST", "/v1/auth/approle/login"),
        ("GET", "/v1/kv/data/portal/genesys"),
    ]


def test_a_revoked_login_is_made_anew_once(vault: FakeVault) -> None:
    secret(REFERENCE)
    vault.tokens.clear()
    assert secret(REFERENCE, again=True).value == "the-first-value"
    assert vault.asked.count(("POST", "/v1/auth/approle/login")) == 2


def test_a_rotated_secret_id_is_used_at_the_next_login(vault: FakeVault, monkeypatch: pytest.MonkeyPatch) -> None:
    secret(REFERENCE)
    vault.secret_id = "secret-id-2"
    vault.tokens.clear()
    with pytest.raises(SecretUnavailable, match="role id and secret id"):
        secret(REFERENCE, again=True)
    monkeypatch.setenv("VAULT_SECRET_ID", "secret-id-2")
    assert secret(REFERENCE).value == "the-first-value"


def test_many_at_once_sign_in_once(vault: FakeVault) -> None:
    vault.delay = 0.05
    with ThreadPoolExecutor(16) as pool:
        assert {found.value for found in pool.map(lambda _: secret(REFERENCE), range(16))} == {"the-first-value"}
    assert vault.asked.count(("POST", "/v1/auth/approle/login")) == 1


def test_a_namespace_is_named(vault: FakeVault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_NAMESPACE", "team-a")
    secret(REFERENCE)
    assert vault.namespaces == {"team-a"}


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (lambda vault: vault.values.clear(), "no such secret"),
        (lambda vault: vault.values["kv/portal/genesys"].append(None), "no such secret, or it was deleted"),
        (lambda vault: vault.put("kv/portal/genesys", other="x"), "no such field"),
        (lambda vault: vault.put("kv/portal/genesys", client_secret=7), "not text"),
        (lambda vault: vault.put("kv/portal/genesys", client_secret=""), "empty"),
        (lambda vault: setattr(vault, "body", b"<html>a proxy</html>"), "cannot be used"),
        (lambda vault: setattr(vault, "body", b'{"auth": null}'), "cannot be used"),
        (lambda vault: setattr(vault, "sealed", True), "sealed or down"),
    ],
)
def test_what_cannot_be_read_is_said_by_name_and_without_the_value(
    vault: FakeVault, prepare: Callable[[FakeVault], Any], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    prepare(vault)
    with pytest.raises(SecretUnavailable, match=says) as failed:
        secret(REFERENCE)
    assert REFERENCE in failed.value.detail
    shown = failed.value.detail + caplog.text
    assert "the-first-value" not in shown
    assert "secret-id-1" not in shown


def test_vault_is_asked_over_https_only_outside_loopback(monkeypatch: pytest.MonkeyPatch, vault: FakeVault) -> None:
    monkeypatch.setenv("VAULT_ADDR", "http://vault.example:8200")
    with pytest.raises(SecretUnavailable, match="must be an https address"):
        secret(REFERENCE)
    monkeypatch.delenv("VAULT_ADDR")
    with pytest.raises(SecretUnavailable, match="must be set"):
        secret(REFERENCE)


PRINCIPAL = f"""
          grant: client_credentials
          url: {{url}}/token
          revocation_url: {{url}}/revoke
          client_id: portal-staging
          secret: "{REFERENCE}"
          scopes: [integration:read, webhook:manage]
"""


@pytest.mark.django_db
def test_a_secret_rotated_in_vault_is_picked_up_by_the_next_token(
    owner: Any, endpoint: Endpoint, rules: Callable[..., None], vault: FakeVault, everything_stored: Callable[[], str]
) -> None:
    vault.put("kv/portal/genesys", client_secret=SECRET)
    rules(PRINCIPAL)
    leased = call(owner, READ)
    assert Entry.objects.get(action="token:issued").data["secret_version"] == "2"
    endpoint.secret = "rotated-secret-55aa"
    vault.put("kv/portal/genesys", client_secret="rotated-secret-55aa")
    actions.refresh(by=owner.caller, lease_id=leased.lease_id)
    assert [pair[1] for pair in endpoint.clients] == [SECRET, SECRET, "rotated-secret-55aa"]
    assert Entry.objects.get(action="token:refreshed").data["secret_version"] == "3"
    kept = everything_stored()
    assert SECRET not in kept
    assert "rotated-secret-55aa" not in kept


@pytest.mark.django_db
def test_without_vault_there_is_no_token_and_the_answer_is_503(
    owner: Any, endpoint: Endpoint, rules: Callable[..., None], vault: FakeVault
) -> None:
    rules(PRINCIPAL)
    vault.sealed = True
    with pytest.raises(Unavailable) as failed:
        take(owner)
    assert (failed.value.status, failed.value.code) == (503, "secret_unavailable")
    assert endpoint.forms == []
    assert TokenLease.objects.get().end_reason == "secret_unavailable"
    entry = Entry.objects.get(action="token:refused")
    assert (entry.outcome, entry.code) == ("failed", "secret_unavailable")


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def manager(moto: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Secrets Manager as an administrator sees it."""
    for name, value in {
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": moto,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("secretsmanager")
    for one in client.list_secrets()["SecretList"]:
        client.delete_secret(SecretId=one["Name"], ForceDeleteWithoutRecovery=True)
    yield client
    client.close()


def test_a_secret_of_aws_is_read_with_its_version_and_followed_when_rotated(manager: Any) -> None:
    first = manager.create_secret(Name="portal/genesys", SecretString="the-aws-value")["VersionId"]
    found = secret("aws:portal/genesys")
    assert (found.value, found.version) == ("the-aws-value", first)
    second = manager.put_secret_value(SecretId="portal/genesys", SecretString="another-aws-value")["VersionId"]
    assert secret("aws:portal/genesys").version == first
    assert secret("aws:portal/genesys", again=True).version == second


def test_a_field_of_a_secret_of_aws_is_read(manager: Any) -> None:
    manager.create_secret(Name="cxone", SecretString='{"key": "the-key", "number": 7}')
    assert secret("aws:cxone#key").value == "the-key"
    for field in ("number", "missing"):
        with pytest.raises(SecretUnavailable, match="no such field"):
            secret(f"aws:cxone#{field}")


def test_aws_that_refuses_or_is_away_is_503_by_name(manager: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SecretUnavailable, match="ResourceNotFoundException"):
        secret("aws:nothing")
    manager.create_secret(Name="binary", SecretBinary=b"\x00\x01")
    with pytest.raises(SecretUnavailable, match="not text"):
        secret("aws:binary")
    secrets.forget()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")
    with pytest.raises(SecretUnavailable) as failed:
        secret("aws:nothing")
    assert failed.value.status == 503
    secrets.forget()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://secrets.example")
    with pytest.raises(SecretUnavailable, match="https"):
        secret("aws:nothing")
