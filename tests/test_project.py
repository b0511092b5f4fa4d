"""Rules about the project itself."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("specs", "upstream", "quotas", "audit", "identity", "catalog", "tokens", "gateway", "harness")
STEPS = {"specs": 0, "upstream": 1, "quotas": 1, "audit": 1, "identity": 2, "catalog": 3, "tokens": 4, "gateway": 5, "harness": 6}
MODULE_LIMIT = 400
FUNCTION_LIMIT = 60


def tracked(*patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listing.stdout.splitlines() if (ROOT / line).is_file()]


def product_modules() -> list[Path]:
    return [
        path for path in tracked("*.py") if path.relative_to(ROOT).parts[0] in (*ROOMS, "portal", "demo") and "migrations" not in path.parts
    ]


def test_relations_point_down_the_ladder() -> None:
    """A foreign key is an import the import rules cannot see."""
    upward = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in apps.get_models()
        if model._meta.app_label in STEPS
        for field in model._meta.get_fields()
        if field.is_relation and not field.auto_created and field.related_model and field.related_model._meta.app_label in STEPS
        if STEPS[field.related_model._meta.app_label] >= STEPS[model._meta.app_label]
        and field.related_model._meta.app_label != model._meta.app_label
    ]
    assert upward == []


def test_the_log_refers_to_nothing_that_can_be_deleted() -> None:
    relations = [
        field.name for model in apps.get_app_config("audit").get_models() for field in model._meta.get_fields() if field.is_relation
    ]
    foreign = [name for name in relations if name not in {"entry", "seal", "sealed", "entries"}]
    assert foreign == []


def test_modules_stay_readable() -> None:
    long_modules = {
        str(path.relative_to(ROOT)): count for path in product_modules() if (count := len(path.read_text().splitlines())) > MODULE_LIMIT
    }
    assert long_modules == {}


def test_functions_stay_readable() -> None:
    long_functions = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path in product_modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION_LIMIT
    ]
    assert long_functions == []


def test_no_room_is_a_drawer() -> None:
    drawers = [str(path.relative_to(ROOT)) for path in product_modules() if path.stem in {"utils", "helpers", "common", "services", "misc"}]
    assert drawers == []


def environment_variables() -> set[str]:
    """Every name the code reads through portal.env."""
    names: set[str] = set()
    for path in product_modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id.startswith("env_")
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                names.add(str(node.args[0].value))
    return names


def test_every_setting_is_in_the_readme_and_nothing_else_is() -> None:
    readme = (ROOT / "README.md").read_text()
    table = readme.split("## Configuration", 1)[1].split("\n## ", 1)[0]
    documented = set(re.findall(r"^\| `([A-Z_]+)`", table, re.MULTILINE))
    assert documented == environment_variables() | {"PORTAL_HOME"}


def test_only_one_module_reads_the_environment() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for path in product_modules()
        if re.search(r"os\.environ\[|os\.environ\.get|os\.getenv", path.read_text()) and path.relative_to(ROOT).parts[0] != "demo"
    ]
    assert readers == ["portal/env.py"]


def test_requirements_are_pinned_with_hashes() -> None:
    for name in ("base", "demo", "dev"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        pins = re.findall(r"^[a-z0-9][^ =]*==[^ ]+", text, re.MULTILINE)
        assert pins
        assert text.count("--hash=sha256:") >= len(pins)


def test_each_named_requirement_says_why_it_is_there() -> None:
    for path in tracked("requirements/*.in"):
        for line in path.read_text().splitlines():
            if line and not line.startswith(("#", "-c")):
                assert "#" in line, f"{path.name}: {line}"


def test_no_page_carries_inline_script_or_style() -> None:
    """The content security policy would refuse it; a reader of the template should not be misled."""
    inline = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|\sstyle=|\son[a-z]+=\"|javascript:", re.IGNORECASE)
    offenders = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked("templates/**/*.html", "templates/*.html")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if inline.search(line) and 'type="application/json"' not in line
    ]
    assert offenders == []


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in tracked("docs/**/*.md", "*.md")])
def test_links_in_the_documentation_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    missing = [
        target for target in targets if "://" not in target and not target.startswith("mailto:") and not (path.parent / target).exists()
    ]
    assert missing == []
