"""The portal's own document is one the portal itself would publish without a finding."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from specs.sandbox import compile_in_child
from tests.conftest import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def document(owner: Person) -> dict[str, Any]:
    response = owner.client.get("/api/v1/openapi.json")
    assert response.status_code == 200
    return dict(json.loads(response.content))


def test_it_has_no_finding(document: dict[str, Any]) -> None:
    compiled = compile_in_child({"portal.json": json.dumps(document).encode()}.get, "portal.json")
    assert [finding for finding in compiled.findings if finding.level != "info"] == []
    assert compiled.operations


def test_every_operation_says_who_may_call_it(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict):
                assert operation["security"] == [{"sessionCookie": []}, {"accessKey": []}], f"{method} {path}"


def test_its_page_is_for_who_is_signed_in(owner: Person, client: Client) -> None:
    assert owner.client.get("/api/docs/").status_code == 200
    assert client.get("/api/docs/").status_code == 302
