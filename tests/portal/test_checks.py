from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet

from portal import checks
from portal.env import EnvironmentInvalid

SAFE: dict[str, Any] = {
    "DEVELOPMENT": False,
    "DEBUG": False,
    "SECRET_KEY": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "PORTAL_ENCRYPTION_KEYS": [Fernet.generate_key().decode()],
    "OIDC_ISSUER": "https://id.example.com",
    "OIDC_RP_CLIENT_ID": "portal",
    "OIDC_RP_CLIENT_SECRET": "kept elsewhere",
    "OIDC_SIGNING_ALGORITHMS": ["RS256"],
    "OIDC_USE_PKCE": True,
    "PORTAL_PUBLIC_URL": "https://portal.example.com",
    "SERVED_OVER_HTTPS": True,
    "ALLOWED_HOSTS": ["portal.example.com"],
    "DATABASE_URL": "postgres://db/portal",
    "REDIS_URL": "redis://redis/0",
    "PORTAL_RULES": "https://git.example.com/rules.git",
    "WEB_CONCURRENCY": 1,
}
POSTGRES = {"default": {"ENGINE": "django.db.backends.postgresql"}}

UNSAFE = [
    ("DEVELOPMENT", True, "portal.E010"),
    ("SECRET_KEY", "short", "portal.E011"),
    ("SECRET_KEY", "a" * 80, "portal.E011"),
    ("PORTAL_ENCRYPTION_KEYS", [], "portal.E012"),
    ("DEBUG", True, "portal.E013"),
    ("OIDC_ISSUER", "http://id.example.com", "portal.E020"),
    ("OIDC_RP_CLIENT_SECRET", "", "portal.E021"),
    ("OIDC_USE_PKCE", False, "portal.E022"),
    ("SERVED_OVER_HTTPS", False, "portal.E023"),
    ("ALLOWED_HOSTS", ["*"], "portal.E024"),
    ("DATABASES", {"default": {"ENGINE": "django.db.backends.sqlite3"}}, "portal.E030"),
    ("REDIS_URL", "", "portal.E031"),
    ("PORTAL_RULES", "", "portal.E032"),
]
IMPOSSIBLE = [
    ("PORTAL_ENCRYPTION_KEYS", ["not a key"], "portal.E001"),
    ("OIDC_SIGNING_ALGORITHMS", ["HS256"], "portal.E002"),
    ("DATABASES", {"default": {"ENGINE": "django.db.backends.mysql"}}, "portal.E003"),
    ("REDIS_URL", "http://redis", "portal.E004"),
    ("PORTAL_PUBLIC_URL", "https://portal.example.com/sub", "portal.E005"),
]


@pytest.fixture
def safe(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    # The checks read values; replacing the object keeps Django's own connection settings out of it.
    class Values:
        DATABASES = POSTGRES

    values = Values()
    for name, value in SAFE.items():
        setattr(values, name, value)
    monkeypatch.setattr(checks, "settings", values)
    return values


def identifiers(*findings: Any) -> list[str]:
    return [str(finding.id) for finding in findings]


def test_safe_settings_raise_nothing(safe: Any) -> None:
    assert checks.settings_can_work(None) == []
    assert checks.settings_are_safe_in_production(None) == []


@pytest.mark.parametrize(("name", "value", "identifier"), UNSAFE)
def test_each_unsafe_setting_is_named_with_a_hint(safe: Any, name: str, value: Any, identifier: str) -> None:
    setattr(safe, name, value)
    findings = checks.settings_are_safe_in_production(None)
    assert identifier in identifiers(*findings)
    assert all(finding.hint for finding in findings)


@pytest.mark.parametrize(("name", "value", "identifier"), IMPOSSIBLE)
def test_each_impossible_setting_is_named(safe: Any, name: str, value: Any, identifier: str) -> None:
    setattr(safe, name, value)
    assert identifiers(*checks.settings_can_work(None)) == [identifier]


def test_the_server_refuses_to_start_with_every_reason(safe: Any) -> None:
    safe.REDIS_URL = ""
    safe.OIDC_ISSUER = "http://id.example.com"
    with pytest.raises(EnvironmentInvalid) as refusal:
        checks.refuse_unsafe_production()
    assert "portal.E031" in str(refusal.value)
    assert "portal.E020" in str(refusal.value)


def test_several_web_processes_need_redis(safe: Any) -> None:
    safe.WEB_CONCURRENCY = 4
    assert checks.settings_can_work(None) == []
    safe.REDIS_URL = ""
    assert identifiers(*checks.settings_can_work(None)) == ["portal.E006"]


def test_development_starts_with_anything(safe: Any) -> None:
    safe.DEVELOPMENT = True
    checks.refuse_unsafe_production()


def test_no_finding_repeats_a_secret(safe: Any) -> None:
    safe.PORTAL_ENCRYPTION_KEYS = ["a secret that is no key"]
    said = " ".join(f"{finding.msg} {finding.hint}" for finding in checks.settings_can_work(None))
    assert "a secret that is no key" not in said
