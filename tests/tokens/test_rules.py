"""What the rules may say about tokens."""

from __future__ import annotations

import pytest

from catalog.rules_check import read
from tests.tokens.conftest import ACCESS, ENVIRONMENTS, SOURCES


def findings(token: str) -> dict[str, str]:
    files = {"environments.yaml": ENVIRONMENTS.format(token=token), "sources.yaml": SOURCES, "access.yaml": ACCESS}
    return {finding.rule: finding.text for finding in read(files).findings if finding.level == "error"}


SOUND = "grant: client_credentials, url: 'https://id.example/token', client_id: c, secret: env:SECRET, scopes: [a:read]"


def test_a_principal_may_name_where_tokens_are_revoked() -> None:
    assert findings(f"          {{{SOUND}, revocation_url: 'https://id.example/revoke'}}") == {}
    assert "place" in findings(f"          {{{SOUND}, revocation_url: 'ftp://id.example/revoke'}}")


@pytest.mark.parametrize("scope", ["admin:all", "*", "users:*", "users:all", "Admin:read", "a:admin"])
def test_patterns_and_administrative_scopes_never_load(scope: str) -> None:
    assert {"scope-pattern", "scope-admin"} & set(findings(f"          {{{SOUND.replace('a:read', repr(scope))}}}"))


@pytest.mark.parametrize("grant", ["client_credentials", "token_exchange"])
def test_everything_a_principal_may_say_loads(grant: str) -> None:
    more = (
        "client_authentication: private_key_jwt, key_id: k-1, audience: 'https://api.example', resource: 'https://api.example/v2', "
        "omitted_scope_means: as_requested, revocation: bearer_delete, inject: {group: portal_groups, role: portal_role}"
    )
    assert findings(f"          {{{SOUND.replace('client_credentials', grant)}, {more}}}") == {}


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ("client_authentication: tls", "unknown-value"),
        ("omitted_scope_means: everything", "unknown-value"),
        ("revocation: phone", "unknown-value"),
        ("inject: {group: scope}", "parameter"),
        ("inject: {role: Client_ID}", "parameter"),
        ("inject: {group: 'two words'}", "parameter"),
        ("inject: {group: same, role: same}", "parameter"),
        ("inject: {team: x}", "unknown-key"),
        ("inject: x", "type"),
    ],
)
def test_what_a_principal_may_not_say_is_refused(more: str, rule: str) -> None:
    found = findings(f"          {{{SOUND}, {more}}}")
    assert rule in found, found


def test_the_password_grant_needs_the_access_key() -> None:
    assert "username, password" in findings(f"          {{{SOUND.replace('client_credentials', 'password')}}}")["missing-key"]


@pytest.mark.parametrize(
    "reference",
    [
        "the-secret-itself",
        "env:",
        "file:relative",
        "vault:a#c",
        "vault:a/b",
        "vault:a/../b#c",
        "vault:a/..#c",
        "vault:a/b#c d",
        "vault:a//b#c",
        "aws:",
        "aws:name#",
        "aws:na me",
    ],
)
def test_a_secret_that_is_no_reference_is_refused_and_is_not_repeated(reference: str) -> None:
    said = findings(f"          {{{SOUND.replace('env:SECRET', repr(reference))}}}")
    assert "secret" in said
    assert "the-secret-itself" not in said["secret"]


@pytest.mark.parametrize(
    "reference",
    ["env:SECRET", "file:/run/secrets/a", "vault:secret/portal/genesys#client_secret", "aws:portal/genesys", "aws:portal/g#key"],
)
def test_a_secret_is_named_where_it_is_kept(reference: str) -> None:
    assert findings(f"          {{{SOUND.replace('env:SECRET', repr(reference))}}}") == {}
