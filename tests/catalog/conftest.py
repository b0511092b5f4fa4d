from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from catalog import runtime
from tests.catalog.world import World


@pytest.fixture(autouse=True)
def forget_documents() -> Iterator[None]:
    yield
    runtime.clear()


@pytest.fixture
def world(tmp_path: Path, settings: Settings, db: None) -> World:
    """Rules and documents in Git, not read yet."""
    made = World(tmp_path)
    settings.PORTAL_RULES = str(made.rules)
    settings.PORTAL_HOME = tmp_path / "home"
    return made
