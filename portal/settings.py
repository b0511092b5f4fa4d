"""Every setting, once. What differs between machines is an environment variable (README, "Configuration")."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
import django_stubs_ext
import structlog
from csp.constants import NONE, SELF

from portal.bootstrap import read_or_create_secret, read_version
from portal.env import env_bool, env_choice, env_int, env_list, env_str, home

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
PORTAL_VERSION = read_version(BASE_DIR / "CHANGELOG.md")
PORTAL_HOME = home()

# --- Where it runs ---------------------------------------------------------------------------------------------------
# development: loopback upstreams, an http issuer and the demo world are allowed, secrets are made on first use.
PORTAL_ENVIRONMENT = env_choice("PORTAL_ENVIRONMENT", ("development", "production"))
DEVELOPMENT = PORTAL_ENVIRONMENT == "development"
DEBUG = False
PORT = env_int("PORT", 8000, minimum=1, maximum=65535)
PORTAL_PUBLIC_URL = env_str("PORTAL_PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
SERVED_OVER_HTTPS = PORTAL_PUBLIC_URL.startswith("https://")
_public_host = PORTAL_PUBLIC_URL.split("://", 1)[-1].split("/", 1)[0]
ALLOWED_HOSTS = env_list("PORTAL_ALLOWED_HOSTS") or [
    _public_host.rsplit(":", 1)[0],
    *(["127.0.0.1", "localhost", "[::1]"] if DEVELOPMENT else []),
]
CSRF_TRUSTED_ORIGINS = [PORTAL_PUBLIC_URL]

# How many web processes the server starts; more than one needs Redis (portal.E006).
WEB_CONCURRENCY = env_int("WEB_CONCURRENCY", 1, minimum=1)
PORTAL_METRICS_TOKEN = env_str("PORTAL_METRICS_TOKEN")

# --- Keys ------------------------------------------------------------------------------------------------------------
SECRET_KEY = env_str("SECRET_KEY") or (read_or_create_secret(PORTAL_HOME / "keys" / "secret-key") if DEVELOPMENT else "")
# Comma separated Fernet keys; the first encrypts, all decrypt.
PORTAL_ENCRYPTION_KEYS = env_list("PORTAL_ENCRYPTION_KEYS") or (
    [read_or_create_secret(PORTAL_HOME / "keys" / "encryption-key", fernet=True)] if DEVELOPMENT else []
)

# --- What it is made of ----------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "mozilla_django_oidc",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "django_structlog",
    "csp",
    "portal.apps.PortalConfig",
    "audit.apps.AuditConfig",
    "quotas.apps.QuotasConfig",
    "upstream.apps.UpstreamConfig",
    "identity.apps.IdentityConfig",
    "catalog.apps.CatalogConfig",
    "tokens.apps.TokensConfig",
    "gateway.apps.GatewayConfig",
    "harness.apps.HarnessConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.web.problem.ProblemMiddleware",
    # Every address is closed by default; a view that is open says so with login_not_required.
    "identity.middleware.SsoMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "portal.urls"
ASGI_APPLICATION = "portal.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "portal.frame.page_frame",
            ],
            "builtins": ["portal.web.templatetags"],
            "loaders": [
                ("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"]),
            ],
        },
    }
]

# --- Database --------------------------------------------------------------------------------------------------------
DATABASE_URL = env_str("DATABASE_URL")
REDIS_URL = env_str("REDIS_URL")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if DATABASE_URL:
    DATABASES: dict[str, Any] = {"default": dj_database_url.parse(DATABASE_URL, conn_health_checks=True)}
    if DATABASES["default"]["ENGINE"].endswith("postgresql"):
        DATABASES["default"]["CONN_MAX_AGE"] = 0
        DATABASES["default"]["OPTIONS"] = {
            "pool": {"min_size": 2, "max_size": env_int("PORTAL_DATABASE_POOL", 16, minimum=2), "timeout": 10}
        }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": PORTAL_HOME / "portal.sqlite3",
            # A connection per thread is kept: opening one and setting it up costs more than a page's queries.
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
                    "PRAGMA cache_size=-20000; PRAGMA mmap_size=134217728; PRAGMA temp_store=MEMORY;"
                ),
            },
        }
    }
# Among how many web processes a quota is divided while Redis cannot be asked.
PORTAL_WEB_PROCESSES = env_int("PORTAL_WEB_PROCESSES", 2, minimum=1)
CACHES: dict[str, Any] = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "portal"}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "portal"}
    )
}

# --- Sign-in ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "identity.Account"
AUTHENTICATION_BACKENDS = ["identity.oidc.StrictOidcBackend"]
LOGIN_URL = "oidc_authentication_init"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/signed-out"
SESSION_ENGINE = "identity.browser_sessions"
SESSION_COOKIE_NAME = "__Host-portal" if SERVED_OVER_HTTPS else "portal"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SERVED_OVER_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # Strict would lose the state on the way back from the provider
CSRF_COOKIE_NAME = "__Host-csrf" if SERVED_OVER_HTTPS else "portal-csrf"
CSRF_FAILURE_VIEW = "portal.web.problem.csrf_failure"

OIDC_ISSUER = env_str("OIDC_ISSUER")
OIDC_RP_CLIENT_ID = env_str("OIDC_CLIENT_ID")
OIDC_RP_CLIENT_SECRET = env_str("OIDC_CLIENT_SECRET")
OIDC_GROUPS_CLAIM = env_str("OIDC_GROUPS_CLAIM", "groups")
OIDC_RP_SCOPES = env_str("OIDC_SCOPES", "openid profile email")
OIDC_SIGNING_ALGORITHMS = env_list("OIDC_SIGNING_ALGORITHMS", "RS256,ES256")
OIDC_RP_SIGN_ALGO = OIDC_SIGNING_ALGORITHMS[0]
OIDC_USE_PKCE = True
OIDC_PKCE_CODE_CHALLENGE_METHOD = "S256"
OIDC_CLOCK_LEEWAY = 30
OIDC_LOGOUT_REQUIRE_TYP = env_bool("OIDC_LOGOUT_REQUIRE_TYP", True)
OIDC_TIMEOUT = 5
SSO_ABSOLUTE_SECONDS = env_int("SSO_ABSOLUTE_SECONDS", 43_200, minimum=60)
SSO_IDLE_SECONDS = env_int("SSO_IDLE_SECONDS", 3_600, minimum=60)
# How often the provider is asked whether a sign-in still stands, and how long one stands while it cannot be asked.
SSO_REVALIDATE_SECONDS = env_int("SSO_REVALIDATE_SECONDS", 300, minimum=10)
SSO_REVALIDATE_GRACE_SECONDS = env_int("SSO_REVALIDATE_GRACE_SECONDS", 1_800, minimum=60)

# --- Rules, documents and background work ----------------------------------------------------------------------------
PORTAL_RULES = env_str("PORTAL_RULES")
SYNC_INTERVAL_SECONDS = env_int("SYNC_INTERVAL_SECONDS", 300, minimum=5)
# Each is called by the worker with no arguments, claims what is due, and says how many rows it worked on.
SWEEPS: list[str] = [
    "catalog.tasks.sweep",
    "audit.tasks.sweep",
    "identity.tasks.sweep",
    "identity.tasks.revalidate",
    "tokens.tasks.sweep",
    "tokens.tasks.refresh",
    "gateway.tasks.sweep",
    "harness.tasks.sweep",
]
# An entry waits at most this long for its seal; every hour the whole log is compared with its seals.
AUDIT_SEAL_SECONDS = 3
AUDIT_VERIFY_SECONDS = 3_600
CELERY_BROKER_URL = env_str("CELERY_BROKER_URL") or REDIS_URL or "memory://"
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    name: {"task": "portal.sweep", "schedule": 1.0, "args": [name], "options": {"expires": 1.0}} for name in SWEEPS
}
CELERY_BEAT_SCHEDULE_FILENAME = str(PORTAL_HOME / "beat-schedule")

# --- Limits (requirement ids in the docs) ----------------------------------------------------------------------------
REQUEST_BODY_LIMIT = 524_288  # bytes; P53
RESPONSE_BODY_LIMIT = env_int("PORTAL_RESPONSE_LIMIT", 10_485_760, minimum=1_024)
# How long the platform may take for one call altogether, in seconds.
UPSTREAM_SECONDS = env_int("PORTAL_UPSTREAM_SECONDS", 30, minimum=1, maximum=300)
WEBHOOK_BODY_LIMIT = 1_048_576
# Origins the webhook bench may send to (https://receiver.example, http://10.2.3.4:*) and networks they may lie in (10.2.0.0/16).
WEBHOOK_SEND_ALLOWED = env_list("WEBHOOK_SEND_ALLOWED")
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * WEBHOOK_BODY_LIMIT
TOKEN_MAX_TTL = env_int("TOKEN_MAX_TTL", 7_200, minimum=60, maximum=7_200)  # seconds; P39

# --- API -------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["identity.authentication.SessionOrAccessKey"],
    "DEFAULT_PERMISSION_CLASSES": ["identity.authentication.HasRole"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["portal.web.parsers.StrictJsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "portal.web.problem.rest_exception_handler",
    # "format" is ours to use: /audit/export?format=csv
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Developer portal",
    "DESCRIPTION": "Documents, tokens, validated calls, webhooks and the audit log of this portal.",
    "VERSION": PORTAL_VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVERS": [{"url": PORTAL_PUBLIC_URL}],
}

# --- Pages -----------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = PORTAL_HOME / "static"
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        # Signing in and out redirects a form to the identity provider.
        "form-action": [SELF, *([OIDC_ISSUER.split("/", 3)[0] + "//" + OIDC_ISSUER.split("/", 3)[2]] if "://" in OIDC_ISSUER else [])],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if SERVED_OVER_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SERVED_OVER_HTTPS
SECURE_SSL_REDIRECT = False  # TLS ends at the proxy in front; docs/production.md
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("PORTAL_TRUST_PROXY") else None
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
APPEND_SLASH = False

# --- Logs ------------------------------------------------------------------------------------------------------------
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
# SsoMiddleware binds the account; looking at request.user here would cost every request two queries.
DJANGO_STRUCTLOG_USER_ID_FIELD = ""
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "audit.redaction.RedactingFilter"}},
    "formatters": {
        "json": {"()": structlog.stdlib.ProcessorFormatter, "processor": structlog.processors.JSONRenderer()},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["redact"]}},
    "root": {"handlers": ["stderr"], "level": env_str("PORTAL_LOG_LEVEL", "INFO")},
    "loggers": {"django.server": {"level": "WARNING"}, "uvicorn.access": {"level": "WARNING"}},
}
