"""Every refusal has one shape."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from django.test import Client, RequestFactory

from portal import errors
from portal.web import problem

ROOT = Path(__file__).resolve().parent.parent.parent


def every_error() -> list[type[errors.PortalError]]:
    return [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.PortalError)]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_becomes_a_problem_document(kind: type[errors.PortalError]) -> None:
    response = problem.problem_response(kind("Do this next."), "request-1")
    document = json.loads(response.content)
    assert response["Content-Type"] == "application/problem+json"
    assert response.status_code == document["status"] == kind.status
    assert document["code"] == kind.code
    assert document["detail"] == "Do this next."
    assert document["request_id"] == "request-1"
    assert {"type", "title"} <= set(document)


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in every_error()]
    assert len(codes) == len(set(codes))


def test_every_error_of_the_module_is_drawn_in_its_tree() -> None:
    tree = ast.get_docstring(ast.parse((ROOT / "portal" / "errors.py").read_text())) or ""
    for kind in every_error():
        assert kind.__name__ in tree


@pytest.mark.parametrize(
    ("raised", "status"), [(Http404("x"), 404), (PermissionDenied("x"), 403), (RequestDataTooBig("x"), 413), (errors.Gone("x"), 410)]
)
def test_the_framework_s_refusals_have_our_shape(raised: Exception, status: int) -> None:
    translated = problem.as_portal_error(raised)
    assert translated is not None
    assert translated.status == status


def test_a_bug_is_not_a_refusal() -> None:
    assert problem.as_portal_error(ValueError("a bug")) is None


def test_findings_are_all_listed() -> None:
    found = [{"location": "body", "pointer": f"/{number}", "keyword": "type", "message": "m"} for number in range(40)]
    document = json.loads(problem.problem_response(errors.Invalid("x", errors=found), "r").content)
    assert document["errors"] == found


@pytest.mark.parametrize(
    ("path", "accept", "program"),
    [
        ("/api/v1/apis", "text/html", True),
        ("/apis", "application/json", True),
        ("/apis", "text/html,application/json;q=0.9", False),
        ("/apis", "*/*", False),
    ],
)
def test_programs_and_people_are_told_apart(path: str, accept: str, program: bool) -> None:
    assert problem.wants_program_answer(RequestFactory().get(path, headers={"accept": accept})) is program


def test_nothing_at_an_address_is_a_problem_for_programs(db: None) -> None:
    response = Client().get("/health/nothing")
    assert response.status_code in {401, 404}
    assert response["Content-Type"] == "application/problem+json"
