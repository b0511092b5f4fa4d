"""The demo platform answers from the documents, checks tokens and scopes, limits, and misbehaves when told to."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.platform.vendors import Window
from demo.repositories import git, make_documents_repository
from tests.demo.provider import Answer, Browser, Provider, identity_provider
from tests.demo.running import ROOT, environment, free_port

GENESYS = "/genesys/staging/api/v2"
CXONE = "/cxone/staging/incontactapi/services/v33.0"


@dataclass
class Running:
    """A platform that runs, with the provider whose tokens it takes."""

    provider: Provider
    url: str

    def get(self, path: str, token: str = "", method: str = "GET", headers: dict[str, str] | None = None) -> Answer:
        return Browser().send(method, self.url + path, headers=({"Authorization": f"Bearer {token}"} if token else {}) | (headers or {}))

    def switch(self, *faults: dict[str, Any]) -> Answer:
        return self._json("PUT", "/_faults", list(faults))

    def received(self) -> list[dict[str, Any]]:
        requests: list[dict[str, Any]] = self.get("/_received").json["requests"]
        return requests

    def _json(self, method: str, path: str, value: Any) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.provider.world.platform_port, timeout=10)
        try:
            connection.request(method, path, body=json.dumps(value))
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read().decode())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("platform")
    with identity_provider(home, free_port()) as provider:
        make_documents_repository(provider.world)
        with (home / "platform.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", "demo.platform"], cwd=ROOT, env=environment(home, 1), stdout=log, stderr=log)
        try:
            here = Running(provider, provider.world.platform_url)
            deadline = time.monotonic() + 30
            while True:
                with contextlib.suppress(OSError):
                    here.get("/_received")
                    break
                assert process.poll() is None and time.monotonic() < deadline, (home / "platform.log").read_text()
                time.sleep(0.1)
            yield here
        finally:
            process.terminate()
            process.wait(timeout=15)


@pytest.fixture
def platform(running: Running) -> Iterator[Running]:
    """The platform at rest: no fault on, no window full."""
    time.sleep(1.05)
    running._json("DELETE", "/_received", None)
    yield running
    running.switch()


@pytest.fixture(scope="module")
def token(running: Running) -> str:
    return running.provider.machine_token("portal-staging", "integration:read")


def test_it_answers_with_the_example_of_the_document(platform: Running, token: str) -> None:
    answer = platform.get(f"{GENESYS}/webhooks", token)
    assert answer.status == 200
    assert answer.json["entities"][0]["name"] == "order-status"
    assert answer.headers["inin-ratelimit-allowed"] == "10"


def test_each_branch_answers_from_its_own_document(platform: Running, token: str) -> None:
    production = platform.provider.machine_token("portal-production", "integration:read")
    assert platform.get(f"{GENESYS}/webhook-event-types", token).status == 200
    assert platform.get("/genesys/production/api/v2/webhook-event-types", production).status == 404
    assert platform.get("/genesys/production/api/v2/users/search?q=ada", production).status == 200


def test_without_a_good_token_there_is_no_answer(platform: Running, token: str) -> None:
    for bad in ("", "no-such-token", platform.provider.machine_token("portal-production")):
        answer = platform.get(f"{GENESYS}/webhooks", bad)
        assert (answer.status, answer.json["code"]) == (401, "bad.credentials")


def test_a_scope_that_is_missing_is_refused_by_genesys_and_unknown_to_cxone(platform: Running, token: str) -> None:
    answer = platform.get(f"{GENESYS}/webhooks", token, method="POST")
    assert (answer.status, answer.json["code"]) == (403, "missing.any.permissions")
    assert set(answer.json) == {"message", "code", "status", "contextId", "details", "errors"}
    other = platform.provider.machine_token("portal-cxone-staging")
    assert platform.get(f"{CXONE}/contacts/active", other).status == 200


def test_a_revoked_token_is_refused_by_the_next_request(platform: Running) -> None:
    value = platform.provider.machine_token("portal-staging")
    assert platform.get(f"{GENESYS}/users", value).status == 200
    client = {"client_id": "portal-staging", "client_secret": platform.provider.world.secrets["portal-staging"], "token": value}
    Browser().send("POST", f"{platform.provider.world.issuer}/oauth/revoke", client)
    assert platform.get(f"{GENESYS}/users", value).status == 401


def test_the_eleventh_request_of_a_second_is_too_many_for_genesys(platform: Running, token: str) -> None:
    answers = [platform.get(f"{GENESYS}/users/me", token) for _ in range(14)]
    refused = [answer for answer in answers if answer.status == 429]
    assert sum(answer.status == 200 for answer in answers) == 10
    assert len(refused) == 4
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].json["code"] == "too.many.requests.retry.after"
    assert refused[0].json["message"] == "Rate limit exceeded the maximum. Retry the request in [1] seconds"


def test_the_sixth_request_of_a_second_is_too_many_for_cxone(platform: Running) -> None:
    value = platform.provider.machine_token("portal-cxone-staging")
    answers = [platform.get(f"{CXONE}/agents", value) for _ in range(7)]
    assert [answer.status for answer in answers].count(429) == 2
    assert answers[0].headers["x-ratelimit-limit"] == "5"
    assert answers[-1].headers["x-ratelimit-remaining"] == "0"
    assert set(answers[-1].json) == {"error", "errorDescription"}


def test_a_window_forgets_what_left_it() -> None:
    window = Window(2, seconds=0.05)
    assert [window.take()[0] for _ in range(3)] == [True, True, False]
    time.sleep(0.06)
    assert window.take()[0]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "status", "status": 502}, 502),
        ({"kind": "redirect"}, 302),
        ({"kind": "unauthorized", "times": 1}, 401),
    ],
)
def test_faults_change_the_status(platform: Running, token: str, fault: dict[str, Any], status: int) -> None:
    platform.switch(fault)
    assert platform.get(f"{GENESYS}/users/me", token).status == status


def test_a_fault_strikes_as_often_and_where_it_is_told(platform: Running, token: str) -> None:
    platform.switch({"kind": "unauthorized", "times": 1, "path": "/users/me"})
    assert [platform.get(f"{GENESYS}/users", token).status, platform.get(f"{GENESYS}/users/me", token).status] == [200, 401]
    assert platform.get(f"{GENESYS}/users/me", token).status == 200


def test_a_late_answer_is_right_but_late(platform: Running, token: str) -> None:
    platform.switch({"kind": "delay", "seconds": 0.2})
    started = time.monotonic()
    assert platform.get(f"{GENESYS}/users/me", token).json["name"] == "Ada Agent"
    assert time.monotonic() - started >= 0.2


def test_bodies_that_are_wrong(platform: Running, token: str) -> None:
    platform.switch({"kind": "malformed_json"})
    with pytest.raises(ValueError):
        _ = platform.get(f"{GENESYS}/users/me", token).json
    platform.switch({"kind": "wrong_schema"})
    assert platform.get(f"{GENESYS}/users/me", token).json == ["unexpected", 1, None]


@pytest.mark.parametrize(("kind", "error"), [("reset", OSError), ("cut", http.client.IncompleteRead), ("timeout", TimeoutError)])
def test_connections_that_end_badly(platform: Running, token: str, kind: str, error: type[Exception]) -> None:
    platform.switch({"kind": kind})
    connection = http.client.HTTPConnection("127.0.0.1", platform.provider.world.platform_port, timeout=1)
    try:
        with pytest.raises(error):
            connection.request("GET", f"{GENESYS}/users/me", headers={"Authorization": f"Bearer {token}"})
            connection.getresponse().read()
    finally:
        connection.close()


def test_an_endless_answer_goes_on_until_the_caller_hangs_up(platform: Running, token: str) -> None:
    platform.switch({"kind": "endless"})
    with socket.create_connection(("127.0.0.1", platform.provider.world.platform_port), timeout=5) as connection:
        connection.sendall(f"GET {GENESYS}/users/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        read = 0
        while read < 1_000_000:
            read += len(connection.recv(65_536))
    platform.switch()
    assert platform.get(f"{GENESYS}/users/me", token).status == 200


def test_a_fault_that_does_not_exist_is_refused_and_changes_nothing(platform: Running) -> None:
    platform.switch({"kind": "delay"})
    for wrong in ({"kind": "nonsense"}, {"kind": "delay", "colour": "red"}):
        assert platform.switch(wrong).status == 400
    assert [fault["kind"] for fault in platform.get("/_faults").json] == ["delay"]


def test_what_arrived_is_counted_without_its_secrets(platform: Running, token: str) -> None:
    platform.get(f"{GENESYS}/users?pageSize=5", token, headers={"X-Request-Id": "abc"})
    (note,) = platform.received()
    assert (note["method"], note["path"], note["query"], note["status"], note["request_id"]) == ("GET", "/users", "pageSize=5", 200, "abc")
    assert token not in json.dumps(note)


@pytest.mark.parametrize(
    "path", ["/", "/genesys", "/genesys/staging/api/v3/users", "/genesys/nowhere/api/v2/users", "/genesys/staging/api/v2x"]
)
def test_nothing_lives_outside_the_base_paths(platform: Running, token: str, path: str) -> None:
    assert platform.get(path, token).status == 404


def test_a_method_the_document_lacks_is_not_allowed(platform: Running, token: str) -> None:
    answer = platform.get(f"{GENESYS}/webhooks", token, method="PUT")
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, POST"


def test_a_document_somebody_adds_is_answered_too(platform: Running, token: str) -> None:
    document = {
        "openapi": "3.0.3",
        "info": {"title": "Later", "version": "1"},
        "paths": {"/later/{id}": {"get": {"responses": {"200": {"description": "ok", "content": {"application/json": {"example": [1]}}}}}}},
    }
    document["paths"]["/later/{id}"]["get"]["parameters"] = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]  # type: ignore[index]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name) / "work"
        git("clone", "--quiet", "--branch", "staging", str(platform.provider.world.documents_repository), str(work), folder=Path(name))
        (work / "genesys" / "later" / "v1").mkdir(parents=True)
        (work / "genesys" / "later" / "v1" / "openapi.json").write_text(json.dumps(document))
        git("add", "--all", folder=work)
        git("commit", "--quiet", "--message", "Later", folder=work)
        git("push", "--quiet", "origin", "staging", folder=work)
    time.sleep(0.6)
    answer = platform.get(f"{GENESYS}/later/7", token)
    assert (answer.status, answer.json) == (200, [1])
