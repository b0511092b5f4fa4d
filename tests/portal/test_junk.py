"""Junk in a body or a query is refused with a problem, never with a fault of ours."""

from __future__ import annotations

import pytest

from tests.conftest import Person

pytestmark = pytest.mark.django_db

BODIES = [
    b"[" * 100_000,
    b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    b'{"name": "\\ud800"}',
    b'{"name": NaN}',
    b'{"name": 1e999}',
    b"\xff\xfe{",
    b"1" * 10_000,
    b"null",
    b"[]",
    b'"text"',
    b"",
    b'{"environment": 5, "platform": [], "scopes": {}, "purpose": null, "profile": {}, "secret": 1, "part": [], "api": {}, "operation": 1}',
]
ADDRESSES = ["/api/v1/access-keys", "/api/v1/tokens", "/api/v1/hooks", "/api/v1/validate", "/api/v1/sources/none/sync"]
QUERIES = [
    "/api/v1/audit?since=9999-12-31T23:59:59-23:59",
    "/api/v1/audit?until=0001-01-01T00:00:00%2B23:59",
    "/api/v1/audit?cursor=%00",
    "/api/v1/audit/export?format=xml",
    "/api/v1/calls?cursor=1&limit=-1",
    "/api/v1/apis?page=99999999999999999999",
    "/api/v1/search?q=%00&limit=x",
    "/api/v1/openapi.json?version=%0d%0aX-Evil:%201",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:20]))
def test_a_junk_body_is_refused(platform_person: Person, address: str, body: bytes) -> None:
    answer = platform_person.client.post(address, body, content_type="application/json")
    if answer.status_code >= 300:
        assert answer.status_code in {400, 403, 404, 422}, answer.content
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("address", QUERIES)
def test_a_junk_query_is_refused_or_left_alone(platform_person: Person, address: str) -> None:
    answer = platform_person.client.get(address)
    assert answer.status_code in {200, 400, 404, 422}, answer.content
    assert "X-Evil" not in answer.headers
