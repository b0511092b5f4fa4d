"""Every code the portal can answer with is explained at the address its problems name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.test import Client

from portal import errors
from portal.problem_types import PROBLEM_TYPES

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("portal", "identity", "audit", "quotas", "upstream", "catalog", "tokens", "gateway", "harness")
ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type)}


def codes_in_use() -> set[str]:
    """The ``code=`` of every error the rooms make, and each error class's own."""
    codes = {value.code for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.PortalError)}
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
                codes |= {str(word.value.value) for word in node.keywords if word.arg == "code" and isinstance(word.value, ast.Constant)}
    return codes


def test_every_code_is_explained() -> None:
    assert codes_in_use() - set(PROBLEM_TYPES) == set()


@pytest.mark.django_db
def test_the_address_in_a_problem_leads_to_its_explanation(client: Client) -> None:
    page = client.get("/problems/quota_exceeded")
    assert page.status_code == 200
    assert "Retry-After" in page.content.decode()
    assert client.get("/problems/no_such_code").status_code == 404


@pytest.mark.django_db
def test_all_codes_are_on_one_page(client: Client) -> None:
    page = client.get("/problems/").content.decode()
    assert all(f"/problems/{code}" in page for code in PROBLEM_TYPES)
