"""System checks: each has an id, says what is wrong, and hints what to do.

``./manage.py check`` looks for settings that cannot work anywhere; ``./manage.py check --deploy`` refuses what is
unsafe in production. The server itself refuses to start in production while one of the latter stands
(:func:`refuse_unsafe_production`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cryptography.fernet import Fernet
from django.apps import AppConfig
from django.conf import settings
from django.core import checks

from portal.env import EnvironmentInvalid

ASYMMETRIC_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA"})


def _finding(number: int, message: str, hint: str) -> checks.Error:
    return checks.Error(message, hint=hint, id=f"portal.E{number:03d}")


@checks.register("portal")
def settings_can_work(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[checks.CheckMessage]:
    """What cannot work in any environment."""
    return [*_impossible(), *_processes()]


def _impossible() -> Iterable[checks.CheckMessage]:
    for position, key in enumerate(settings.PORTAL_ENCRYPTION_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            yield _finding(
                1,
                f"Key {position} of PORTAL_ENCRYPTION_KEYS is not a Fernet key.",
                "Make one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'",
            )
    wrong = [name for name in settings.OIDC_SIGNING_ALGORITHMS if name not in ASYMMETRIC_ALGORITHMS]
    if wrong:
        yield _finding(
            2,
            f"OIDC_SIGNING_ALGORITHMS lists {', '.join(wrong)}: only asymmetric algorithms prove who signed.",
            "Set it to the algorithm of your provider, usually RS256.",
        )
    if settings.DATABASE_URL and settings.DATABASES["default"]["ENGINE"].rsplit(".", 1)[-1] not in {"postgresql", "sqlite3"}:
        yield _finding(3, "DATABASE_URL names a database the portal is not tested with.", "Use postgres://… (15 or newer).")
    if settings.REDIS_URL and not settings.REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
        yield _finding(4, "REDIS_URL is not an address of Redis.", "It looks like redis://host:6379/0, or rediss:// with TLS.")
    if settings.PORTAL_PUBLIC_URL.count("/") != 2 or not settings.PORTAL_PUBLIC_URL.startswith(("http://", "https://")):
        yield _finding(
            5,
            f"PORTAL_PUBLIC_URL is not an origin: {settings.PORTAL_PUBLIC_URL}",
            "It is scheme, host and port only, such as https://portal.example.com",
        )


def _processes() -> Iterable[checks.CheckMessage]:
    if not settings.REDIS_URL and settings.WEB_CONCURRENCY > 1:
        yield _finding(
            6,
            f"WEB_CONCURRENCY is {settings.WEB_CONCURRENCY}, but without Redis quotas and leases are counted inside one web process.",
            "Unset WEB_CONCURRENCY, or set REDIS_URL.",
        )


@checks.register("portal", deploy=True)
def settings_are_safe_in_production(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[checks.CheckMessage]:
    """What is unsafe where real people and real platforms are."""
    return [*_unsafe_keys(), *_unsafe_identity(), *_unsafe_shape()]


def _unsafe_keys() -> Iterable[checks.CheckMessage]:
    if settings.DEVELOPMENT:
        yield _finding(
            10,
            "PORTAL_ENVIRONMENT is development: loopback upstreams, an http issuer and generated keys are allowed.",
            "Set PORTAL_ENVIRONMENT=production.",
        )
    if len(settings.SECRET_KEY) < 50 or len(set(settings.SECRET_KEY)) < 5 or settings.DEVELOPMENT:
        yield _finding(11, "SECRET_KEY is missing, short, or one made for development.", "Set SECRET_KEY to 50 random characters or more.")
    if not settings.PORTAL_ENCRYPTION_KEYS or settings.DEVELOPMENT:
        yield _finding(
            12,
            "PORTAL_ENCRYPTION_KEYS is missing or was made for development: leases and webhook secrets could not outlive this machine.",
            "Set it to one Fernet key; put a new one in front to rotate.",
        )
    if settings.DEBUG:
        yield _finding(13, "DEBUG is on.", "It shows source code and settings to visitors; turn it off.")


def _unsafe_identity() -> Iterable[checks.CheckMessage]:
    if not settings.OIDC_ISSUER.startswith("https://"):
        yield _finding(
            20, "OIDC_ISSUER is not an https address.", "Set it to the issuer of your identity provider, exactly as its tokens say it."
        )
    if not settings.OIDC_RP_CLIENT_ID or not settings.OIDC_RP_CLIENT_SECRET:
        yield _finding(
            21,
            "OIDC_CLIENT_ID or OIDC_CLIENT_SECRET is not set.",
            "Register the portal at your identity provider; use OIDC_CLIENT_SECRET_FILE for a mounted secret.",
        )
    if not settings.OIDC_USE_PKCE:
        yield _finding(22, "PKCE is off.", "Leave OIDC_USE_PKCE on: every current provider supports it.")
    if not settings.SERVED_OVER_HTTPS:
        yield _finding(
            23,
            "PORTAL_PUBLIC_URL is not https: session cookies would travel in clear.",
            "Set PORTAL_PUBLIC_URL=https://… and end TLS in front of the portal.",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield _finding(24, "PORTAL_ALLOWED_HOSTS allows every host.", "Name the hosts people use, comma separated.")


def _unsafe_shape() -> Iterable[checks.CheckMessage]:
    if not settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        yield _finding(
            30,
            "DATABASE_URL does not name a PostgreSQL database.",
            "SQLite serves one process on one machine; set DATABASE_URL=postgres://…",
        )
    if not settings.REDIS_URL:
        yield _finding(31, "REDIS_URL is not set: quotas and leases would be counted per process.", "Set REDIS_URL=redis://…")
    if not settings.PORTAL_RULES:
        yield _finding(
            32,
            "PORTAL_RULES is not set: there is no environment, no source and nobody may do anything.",
            "Set it to the Git address of your rules, with #branch if it is not the default one.",
        )


def refuse_unsafe_production() -> None:
    """Raise EnvironmentInvalid with every reason when the server must not start. Does nothing in development."""
    if settings.DEVELOPMENT:
        return
    messages = checks.run_checks(tags=["portal"], include_deployment_checks=True)
    serious = [message for message in messages if message.is_serious() and not message.is_silenced()]
    if serious:
        lines = "\n".join(f"  {message.id}: {message.msg} {message.hint}" for message in serious)
        raise EnvironmentInvalid(f"The portal does not start with these settings:\n{lines}")
