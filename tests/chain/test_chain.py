"""The chain, end to end, over HTTP: document → environment → token → call → record. The same in both shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chain import shapes
from tests.chain.person import Person
from tests.chain.shapes import Portal, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]

API = "genesys-integration-v2"
CALL = f"/gateway/staging/{API}/webhooks"


PRODUCTION = pytest.param("production", marks=[pytest.mark.postgres, pytest.mark.redis])


@pytest.fixture(scope="module", params=["embedded", PRODUCTION])
def portal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    home: Path = tmp_path_factory.mktemp(request.param)
    with getattr(shapes, request.param)(home) as running:
        reader = Person(running.bases[0], "platform")

        def published() -> bool:
            # Before the rules are read nobody has a role; each environment is published when its own branch was read.
            answer = reader.get(f"/api/v1/apis/{API}")
            return answer.status_code == 200 and set(answer.json()["environments"]) == {"sandbox", "staging", "production"}

        wait_for(published, f"the first sync\n{shapes.words(home)}")
        yield running


@pytest.fixture
def developer(portal: Portal) -> Person:
    return Person(portal.bases[0], "developer")


@pytest.fixture
def architect(portal: Portal) -> Person:
    return Person(portal.bases[0], "architect")


@pytest.fixture
def platform(portal: Portal) -> Person:
    person = Person(portal.bases[0], "platform")
    person.base = portal.bases[-1]  # the sign-in made at one web process holds at the other
    return person


def test_a_call_is_checked_sent_answered_and_recorded(portal: Portal, architect: Person, platform: Person) -> None:
    operations = architect.json(f"/api/v1/apis/{API}/staging/operations")["results"]
    assert "listInternalWebhooks" in {operation["operation"] for operation in operations}
    token = architect.post(
        "/api/v1/tokens", json={"platform": "genesys", "environment": "staging", "scopes": ["integration:read"], "purpose": "a first look"}
    )
    assert token.status_code == 201, token.text
    answer = architect.get(CALL)
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Portal-Origin"] == "upstream"
    assert answer.headers["X-Portal-Request"] == "valid"
    assert answer.headers["X-Portal-Response"] == "valid"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    call = answer.headers["X-Portal-Call"]

    # Any web process knows it, and so does the log.
    architect.base = portal.bases[-1]
    assert architect.json(f"/api/v1/calls/{call}")["status"] == 200
    wait_for(
        lambda: any(call in json.dumps(entry) for entry in platform.json("/api/v1/audit?action=call:answered")["results"]), "the entry", 10
    )
    wait_for(lambda: platform.json("/api/v1/audit/verify")["ok"], "a log that proves itself", 20)


def test_what_does_not_match_the_document_never_leaves(architect: Person) -> None:
    answer = architect.post(CALL, json={"name": 5})
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert problem["code"] == "request_invalid"
    assert answer.headers["X-Portal-Origin"] == "portal"
    assert {error["location"] for error in problem["errors"]} == {"body"}
    assert len(problem["errors"]) >= 2


def test_everyone_is_refused_what_is_not_theirs(developer: Person, architect: Person, platform: Person, portal: Portal) -> None:
    assert developer.get(f"/gateway/production/{API}/webhooks").json()["code"] == "environment_forbidden"
    body = {"name": "Completed calls", "url": "https://hooks.example.com/in", "events": ["call.completed"]}
    refused = architect.post(f"/gateway/production/{API}/webhooks", json=body).json()
    assert refused["code"] == "write_forbidden"
    assert "platform-team" in refused["detail"]
    assert platform.request("DELETE", f"/gateway/production/{API}/webhooks/1b7c0d7e-3d1c-4a53-8a4e-6a1f0c9b2d11").json()["code"] in {
        "confirmation_required"
    }
    nobody = Person(portal.bases[0], "nobody")
    assert nobody.get("/api/v1/apis").status_code == 403
    assert Person(portal.bases[0]).get("/api/v1/apis").status_code == 401
    assert developer.get("/api/v1/audit").status_code == 403


def test_an_access_key_calls_until_its_sign_in_ends(portal: Portal) -> None:
    architect = Person(portal.bases[0], "architect")
    made = architect.post("/api/v1/access-keys", json={"name": "a script"})
    assert made.status_code == 201, made.text
    script = Person(portal.bases[-1])
    bearer = {"Authorization": f"Bearer {made.json()['key']}"}
    assert script.get(CALL, headers=bearer).status_code == 200
    ended = architect.post("/oidc/logout/")
    assert ended.status_code in {200, 302}, ended.text
    assert script.get(CALL, headers=bearer).status_code == 401
    assert architect.get("/api/v1/apis").status_code == 401


def test_the_quota_is_one_for_all_web_processes(portal: Portal) -> None:
    # The developer's quota is for this test alone: it is spent for a minute, whatever order the tests have.
    developer = Person(portal.bases[0], "developer")
    statuses: list[int] = []
    for number in range(60):
        developer.base = portal.bases[number % len(portal.bases)]
        answer = developer.get(f"/gateway/sandbox/{API}/webhooks")
        statuses.append(answer.status_code)
        if answer.status_code == 429:
            break
    assert statuses[-1] == 429, statuses
    assert answer.json()["detail"] == "Internal developer quota exceeded. Contact platform team for temporary elevation."
    assert int(answer.headers["Retry-After"]) >= 1
    assert statuses.count(200) <= 50


def test_a_token_value_is_nowhere_in_what_was_written(portal: Portal) -> None:
    architect = Person(portal.bases[0], "architect")
    made = architect.post(
        "/api/v1/tokens",
        json={"platform": "genesys", "environment": "staging", "scopes": ["integration:read"], "purpose": "to be looked for"},
    ).json()
    revealed = architect.post(f"/api/v1/tokens/{made['id']}/reveal")
    assert revealed.status_code == 200, revealed.text
    value = next(text for text in revealed.json().values() if isinstance(text, str) and len(text) >= 24 and text != made["id"])
    assert value not in json.dumps(Person(portal.bases[0], "platform").json("/api/v1/audit"))
    written = [
        path
        for path in portal.home.rglob("*")
        if path.is_file() and "identity" not in path.name and "demo/" not in str(path.relative_to(portal.home))
    ]
    holding = [str(path) for path in written if value.encode() in path.read_bytes()]
    assert holding == []


@pytest.mark.parametrize("portal", [PRODUCTION], indirect=True)
def test_redis_may_go_and_come_back(portal: Portal) -> None:
    architect = Person(portal.bases[0], "architect")
    assert architect.get(CALL).status_code == 200
    portal.stop_redis()
    # Reading goes on; a call to an unprotected environment is limited locally and says so; a protected one is refused.
    assert architect.get("/api/v1/apis").status_code == 200
    assert architect.get(f"/gateway/sandbox/{API}/webhooks").status_code == 200
    refused = architect.get(f"/gateway/production/{API}/webhooks")
    assert refused.status_code == 503, refused.text
    assert refused.headers["X-Portal-Origin"] == "portal"
    portal.start_redis()
    wait_for(lambda: architect.get(CALL).status_code == 200, "a call after Redis came back", 30)
    wait_for(lambda: architect.get(f"/gateway/production/{API}/webhooks").status_code == 200, "production after Redis came back", 30)
    # Wake-ups resume: what was written meanwhile is sealed by the worker.
    platform = Person(portal.bases[0], "platform")
    before = platform.json("/api/v1/audit/verify")
    assert before["ok"], before
    assert architect.get(CALL).status_code == 200
    wait_for(lambda: platform.json("/api/v1/audit/verify")["sealed_to"] > before["sealed_to"], "sealing after Redis came back", 40)
