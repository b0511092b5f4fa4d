"""The audit of the pinned packages fails on what it finds, and admits when it could not look."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.demo.running import ROOT


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vulnerabilities", ROOT / "requirements" / "vulnerabilities.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def command(tmp_path: Path, program: str) -> tuple[str, ...]:
    """A stand-in for pip-audit that prints what the real one prints."""
    path = tmp_path / "pip_audit.py"
    path.write_text("import sys\n" + program)
    return (sys.executable, str(path))


def test_a_vulnerability_fails_the_check_and_is_named(audit: ModuleType, tmp_path: Path) -> None:
    report = '{"dependencies": [{"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}], "fixes": []}'
    status, text = audit.audit(command=command(tmp_path, f"print({report!r}); sys.exit(1)"))
    assert status == 1
    assert "old 1.0: PYSEC-1, mended in 1.1" in text


def test_nothing_found_passes(audit: ModuleType, tmp_path: Path) -> None:
    report = '{"dependencies": [{"name": "new", "version": "2.0", "vulns": []}], "fixes": []}'
    assert audit.audit(command=command(tmp_path, f"print({report!r})")) == (0, "No known vulnerability in 1 pinned packages.")


def test_a_service_that_is_not_there_is_said_and_does_not_fail(audit: ModuleType, tmp_path: Path) -> None:
    status, text = audit.audit(command=command(tmp_path, "sys.exit('requests.exceptions.ConnectionError: Max retries exceeded')"))
    assert status == 0
    assert "could not be reached" in text


def test_an_audit_that_breaks_fails_the_check(audit: ModuleType, tmp_path: Path) -> None:
    status, text = audit.audit(command=command(tmp_path, "sys.exit('unrecognised arguments')"))
    assert status == 1
    assert "unrecognised arguments" in text
