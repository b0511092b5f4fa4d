"""What a test needs beyond a bare clone.

A test marked ``postgres``, ``redis``, ``browser`` or ``node`` is skipped with the reason when that is not there, and fails
instead when ``PORTAL_REQUIRE`` names it: nothing passes in CI by being skipped.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


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
