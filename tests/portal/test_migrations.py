"""Migrations have names that say what they do, and lead back as well as forth."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunPython, RunSQL

ROOT = Path(__file__).resolve().parent.parent.parent
# From the top of the ladder down: a room is taken back before what it stands on.
ROOMS = ("harness", "gateway", "tokens", "catalog", "identity", "audit")


def migrate(home: Path, *arguments: str) -> str:
    variables = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    result = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", *arguments],
        cwd=ROOT,
        env=variables | {"PORTAL_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


def test_every_migration_has_a_name_of_its_own() -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    unnamed = [key for key in loader.disk_migrations if key[0] in ROOMS and re.search(r"_auto_|_initial$|^\d{4}_\d", key[1])]
    assert unnamed == []


def test_every_step_can_be_taken_back() -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    one_way = [
        f"{key}: {operation.describe()}"
        for key, migration in loader.disk_migrations.items()
        if key[0] in ROOMS
        for operation in migration.operations
        if isinstance(operation, (RunPython, RunSQL)) and not operation.reversible
    ]
    assert one_way == []


@pytest.mark.slow
def test_the_database_goes_forth_back_and_forth(tmp_path: Path) -> None:
    migrate(tmp_path)
    for room in ROOMS:
        assert "Unapplying" in migrate(tmp_path, room, "zero")
    assert "Applying" in migrate(tmp_path)
