"""Settings of the demo identity provider: a Django project of its own, in its own process, on its own database."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from demo.world import LOOPBACK, World, read_world, write_private
from portal.env import env_int, home

LIFETIME_SECONDS = 3600


def kept(world: World, name: str, make: Any) -> str:
    """The text of ``demo/<name>``, made by ``make`` at first start."""
    path = world.folder / name
    if not path.exists():
        write_private(path, make())
    return path.read_text(encoding="ascii")


def new_signing_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


WORLD = read_world(home())
PORT = env_int("PORT", 8000, minimum=1, maximum=65535)
# People may open the portal by either name of loopback; each is an origin, and so a redirect address, of its own.
PORTAL_ORIGINS = [f"http://{host}:{PORT}" for host in (LOOPBACK, "localhost")]

SECRET_KEY = kept(WORLD, "identity-secret-key", lambda: secrets.token_urlsafe(48))
DEBUG = False
ALLOWED_HOSTS = [LOOPBACK, "localhost"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "demo.identity_provider.views.content_security_policy",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "demo.identity_provider.urls"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request"],
            "loaders": [("django.template.loaders.filesystem.Loader", [Path(__file__).resolve().parent / "templates"])],
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": WORLD.identity_database,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        },
    }
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
APPEND_SLASH = False
LOGIN_URL = "/sign-in"
# Cookies do not tell ports apart: these names must differ from the portal's, which lives on the same host.
SESSION_COOKIE_NAME = "provider-session"
CSRF_COOKIE_NAME = "provider-csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
X_FRAME_OPTIONS = "DENY"

OAUTH2_PROVIDER: dict[str, Any] = {
    "OAUTH2_VALIDATOR_CLASS": "demo.identity_provider.protocol.Validator",
    "SCOPES_BACKEND_CLASS": "demo.identity_provider.protocol.ScopesByClient",
    "PKCE_REQUIRED": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,  # S256 only
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "ACCESS_TOKEN_EXPIRE_SECONDS": LIFETIME_SECONDS,
    "ID_TOKEN_EXPIRE_SECONDS": LIFETIME_SECONDS,
    "REFRESH_TOKEN_EXPIRE_SECONDS": LIFETIME_SECONDS,
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": WORLD.issuer,
    "OIDC_RSA_PRIVATE_KEY": kept(WORLD, "identity-key.pem", new_signing_key),
    "OIDC_RESPONSE_TYPES_SUPPORTED": ["code"],
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False,
}
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
