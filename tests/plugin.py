"""Loaded before Django: where tests keep their state, and what a test needs beyond a bare clone.

The state of the suite lies in a directory of its own: running it never touches ``./var``.

A test marked ``postgres``, ``redis``, ``browser`` or ``node`` is skipped with the reason when that is not there, and fails
instead when ``PORTAL_REQUIRE`` names it: nothing passes in CI by being skipped.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"  # outside documents, in a developer's checkout
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


_home = tempfile.mkdtemp(prefix="portal-tests-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
(Path(_home) / "static").mkdir()
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
for _name in ("REDIS_URL", "PORTAL_TEST_REDIS_URL"):
    # Tests empty their Redis: each worker has a database of its own there.
    _server, _, _number = os.environ.get(_name, "").rpartition("/")
    if _number.isdigit():
        os.environ[_name] = f"{_server}/{(int(_number) + _worker) % 16}"
os.environ["PORTAL_HOME"] = _home
for _name in ("PORTAL_ENVIRONMENT", "PORTAL_RULES", "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "PORT", "PORTAL_PUBLIC_URL"):
    os.environ.pop(_name, None)


# How long an example takes says more about what else the machine does than about the code.
hypothesis.settings.register_profile("portal", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("portal")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    from django.conf import settings

    # A file, as in real life: SQLite's shared memory locks whole tables and does not wait for threads of the same test.
    if not settings.DATABASE_URL:
        settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(Path(_home) / "test.sqlite3")
    # Hashed names need collectstatic; the walk in a browser covers those.
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True


@pytest.fixture(scope="session", autouse=True)
def _the_log_may_be_emptied_between_tests() -> Iterator[None]:
    """Tests with real transactions empty every table afterwards; the triggers of the log refuse that, so they step aside."""
    from importlib import import_module

    from django.db.backends.base.operations import BaseDatabaseOperations

    triggers = import_module("audit.migrations.0003_append_only")
    empty = BaseDatabaseOperations.execute_sql_flush

    def empty_all(operations: Any, statements: Any) -> None:
        triggers.unprotect(operations.connection)
        try:
            empty(operations, statements)
        finally:
            triggers.protect(operations.connection)

    BaseDatabaseOperations.execute_sql_flush = empty_all  # type: ignore[method-assign,assignment]
    yield
    BaseDatabaseOperations.execute_sql_flush = empty  # type: ignore[method-assign]


def browser_path() -> str | None:
    """The system's Chromium."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def missing(need: str) -> str | None:
    """Why ``need`` cannot be had here, or None when it can."""
    if need == "postgres" and not os.environ.get("PORTAL_TEST_DATABASE_URL"):
        return "PORTAL_TEST_DATABASE_URL is not set"
    if need == "redis" and not os.environ.get("PORTAL_TEST_REDIS_URL"):
        return "PORTAL_TEST_REDIS_URL is not set"
    if need == "browser" and browser_path() is None:
        return "no Chromium on this machine"
    if need == "node" and shutil.which("node") is None:
        return "no Node on this machine"
    if need == "node" and not (ROOT / "tests" / "peers" / "node_modules").is_dir():
        return "the peers are not installed: cd tests/peers && npm ci"
    return None


def required() -> set[str]:
    return {name.strip() for name in os.environ.get("PORTAL_REQUIRE", "").split(",") if name.strip()}


def pytest_runtest_setup(item: pytest.Item) -> None:
    for need in ("postgres", "redis", "browser", "node"):
        if item.get_closest_marker(need) and (reason := missing(need)):
            if need in required():
                pytest.fail(f"{need} is required here: {reason}", pytrace=False)
            pytest.skip(reason)
