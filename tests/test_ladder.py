"""Each import rule was seen to fail: a violation planted in a copy of the project is found, and by the rule meant for it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("portal", "identity", "audit", "quotas", "upstream", "specs", "catalog", "tokens", "gateway", "harness", "demo")

PLANTED = [
    ("identity/selectors.py", "import catalog.models", "Rooms: arrows point down"),
    ("quotas/actions.py", "import upstream.apps", "Rooms: arrows point down"),
    ("portal/web/pages.py", "import identity.models", "Rooms: arrows point down"),
    ("catalog/models.py", "import catalog.selectors", "Inside a room"),
    ("specs/findings.py", "import django.http", "specs is a library"),
    ("gateway/views.py", "import audit.models", "The audit tables"),
    ("harness/apps.py", "import demo", "Nothing imports the demo world"),
]


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"], cwd=directory, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("copy")
    for room in ROOMS:
        shutil.copytree(ROOT / room, target / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", target)
    return target


def test_the_project_keeps_every_rule(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("module", "line", "rule"), PLANTED, ids=[f"{module} {line}" for module, line, _ in PLANTED])
def test_a_violation_is_found(copy: Path, module: str, line: str, rule: str) -> None:
    path = copy / module
    before = path.read_text()
    path.write_text(f"{before}\n{line}\n")
    try:
        result = lint(copy)
    finally:
        path.write_text(before)
    assert result.returncode != 0
    broken = [printed for printed in result.stdout.splitlines() if re.search(r"BROKEN( \(.*\))?$", printed.rstrip())]
    assert any(rule in printed for printed in broken), result.stdout
