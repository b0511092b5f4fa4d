"""Sending a recorded call again: through the same gateway, by the same person, and what the comparison says."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.comparison import MOST_DIFFERENCES, compare
from gateway.models import Call
from gateway.replay import MOST_AT_ONCE, _places, head_of, left_out
from tests.conftest import Person
from tests.gateway.test_reading import make_call
from tests.gateway.world import Answer, World

__all__ = ["make_call"]

MakeCall = Callable[..., Call]
JSON = ["content-type", "application/json"]


def replay(world: World, call_id: str, environment: str, *, person: str = "tess", **headers: str) -> Answer:
    sent = {"Authorization": f"Bearer {world.people[person]['key']}", "Content-Type": "application/json"} | headers
    body = json.dumps({"environment": environment}).encode()
    return world.request("POST", f"/api/v1/calls/{call_id}/replay", headers=sent, body=body)


# --- Through the gateway ---------------------------------------------------------------------------------------------------


@pytest.mark.own_process
def test_a_call_is_sent_again_as_a_call_of_its_own_and_the_answers_are_compared(world: World) -> None:
    first = world.call("GET", "/things?limit=3", headers={"X-Org": "north", "Accept-Language": "de", "X-Unknown": "stays"})
    answer = replay(world, first.call_id, "production")
    assert answer.status == 200, answer.body
    told = answer.json
    assert told["equal"] is True
    assert (told["original"]["id"], told["replay"]["id"]) == (first.call_id, answer.call_id)
    assert told["status"] == {"original": 200, "replay": 200}
    assert (told["headers"], told["body"], told["notes"]) == ([], [], [])
    before, after = world.platform.calls
    assert (after.method, after.target) == (before.method, before.target)
    for name in ("x-org", "accept-language"):
        assert after.header(name) == before.header(name) is not None
    assert after.header("x-request-id") != before.header("x-request-id")
    record = world.record(answer.call_id)
    assert (record["environment"], record["state"], record["request_verdict"]) == ("production", "answered", "valid")
    assert uuid.UUID(record["replay_of"]) == uuid.UUID(first.call_id)
    entries = world.entries(answer.call_id)
    assert [(entry["action"], entry["outcome"]) for entry in entries] == [
        ("call:sent", "intent"),
        ("call:answered", "ok"),
        ("call:replayed", "ok"),
    ]
    assert json.loads(entries[-1]["data"])["equal"] is True
    assert world.api("tess", f"/calls/{answer.call_id}").json["replay_of"] == first.call_id


@pytest.mark.own_process
def test_it_takes_a_token_of_its_own_and_spends_quota_like_any_call(world: World) -> None:
    first = world.call("GET", "/secured", platform="acme", person="petra")
    used = world.api("petra", "/quota").json["person"]["used"]
    answer = replay(world, first.call_id, "staging", person="petra")
    assert answer.json["equal"] is True
    assert (world.platform.calls[-1].header("authorization") or "").startswith("Bearer token-")
    assert world.api("petra", "/quota").json["person"]["used"] == used + 1


@pytest.mark.own_process
def test_a_mocked_answer_is_compared_with_a_real_one(world: World) -> None:
    first = world.call("GET", "/things/7")
    told = replay(world, first.call_id, "sandbox").json
    assert told["status"] == {"original": 200, "replay": 200}
    assert told["body"] == []
    assert len(world.platform.calls) == 1


@pytest.mark.own_process
@pytest.mark.parametrize(
    ("person", "environment", "path", "status", "code"),
    [
        ("dana", "production", "/things", 403, "environment_forbidden"),
        ("tess", "sandbox", "/news", 404, "unknown_operation"),
        ("tess", "nowhere", "/things", 404, "unknown_environment"),
        ("tess", "sandbox/plain-things-v1/things", "/things", 404, "unknown_environment"),
    ],
)
def test_what_the_gateway_refuses_is_refused_here_with_the_same_problem(
    world: World, person: str, environment: str, path: str, status: int, code: str
) -> None:
    first = world.call("GET", path, person=person)
    answer = replay(world, first.call_id, environment, person=person)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert len(world.platform.calls) == 1
    if code != "unknown_environment":
        entries = world.entries(answer.json["call"])
        assert [(one["action"], one["outcome"], one["code"]) for one in entries] == [
            ("call:refused", "refused", code),
            ("call:replayed", "refused", code),
        ]


@pytest.mark.own_process
def test_a_platform_that_hangs_ends_as_the_gateways_timeout(world: World) -> None:
    first = world.call("GET", "/things", platform="never")
    # The same address, told apart by what is recorded of it: a call that never got an answer is sent again too.
    hanging = world.call("GET", "/behave/never", platform="never")
    assert first.status == 200
    answer = replay(world, hanging.call_id, "production")
    assert (answer.status, answer.json["code"]) == (504, "upstream_timeout")
    assert world.entries(answer.json["call"])[-1]["outcome"] == "failed"


@pytest.mark.own_process
def test_the_form_of_the_page_leads_to_the_new_call(world: World) -> None:
    tess = world.people["tess"]
    first = world.call("GET", "/things/1")
    form = urlencode({"environment": "sandbox", "csrfmiddlewaretoken": tess["csrf"]}).encode()
    headers = {"Cookie": tess["cookie"], "Content-Type": "application/x-www-form-urlencoded"}
    answer = world.request("POST", f"/calls/{first.call_id}/replay", headers=headers, body=form)
    assert answer.status == 302, answer.body
    made = answer.headers["location"].rpartition("/")[2]
    assert uuid.UUID(world.record(made)["replay_of"]) == uuid.UUID(first.call_id)
    without = world.request(
        "POST", f"/calls/{first.call_id}/replay", headers=headers | {"Accept": "application/json"}, body=b"environment=sandbox"
    )
    assert without.status == 403


def test_the_page_of_a_repeated_call_shows_what_differs(owner: Person, make_call: MakeCall) -> None:
    first = make_call(owner, path="/users", response_headers=[JSON], response_body='{"id": 7, "name": "Ada"}')
    again = make_call(
        owner, path="/users", replay_of=first.pk, status=202, response_headers=[JSON, ["x-new", "<i>"]], response_body='{"id": "7"}'
    )
    page = " ".join(owner.client.get(f"/calls/{again.pk}").content.decode().split())
    assert "Compared with the first answer" in page
    assert f'href="/calls/{first.pk}"' in page
    assert "200 then, 202 now" in page
    assert "<td><code>/id</code></td><td>type</td><td>number</td><td>string</td>" in page
    assert "<code>/name</code></td><td>removed</td>" in page
    assert "&lt;i&gt;" in page
    equal = make_call(owner, path="/users", replay_of=first.pk, response_headers=[JSON], response_body='{"id": 8, "name": "Bo"}')
    assert '<span class="chip chip-good">equal</span>' in owner.client.get(f"/calls/{equal.pk}").content.decode()
    orphan = make_call(owner, path="/users", replay_of=uuid.uuid4())
    assert "Compared with" not in owner.client.get(f"/calls/{orphan.pk}").content.decode()


def test_the_page_offers_the_environments_one_may_call(owner: Person, teammate: Person, make_call: MakeCall) -> None:
    from catalog.models import RulesRevision
    from tests.catalog.world import ACCESS, ENVIRONMENTS, SOURCES

    files = {"environments.yaml": ENVIRONMENTS, "sources.yaml": SOURCES % "https://git.example/x.git", "access.yaml": ACCESS}
    RulesRevision.objects.create(commit="c" * 40, digest=uuid.uuid4().hex, files=files, sound=True, current=True)
    for person, offered in ((owner, [True, True, True]), (teammate, [True, True, False])):
        page = person.client.get(f"/calls/{make_call(person, path='/users').pk}").content.decode()
        assert [f"Run again in {title}" in page for title in ("Sandbox", "Staging", "Production")] == offered


# --- Whose, and which ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"method": "POST"}, 422, "unsafe_method"),
        ({"method": "DELETE"}, 422, "unsafe_method"),
        ({"query": "api_key=•••"}, 409, "call_masked"),
        ({"path": "/by-token/•••"}, 409, "call_masked"),
        ({"query": "q=" + "a" * 3_998}, 409, "call_incomplete"),
        ({"path": "/" + "a" * 7_999}, 409, "call_incomplete"),
        ({"request_bytes": 12}, 409, "call_incomplete"),
        ({"api": ""}, 409, "call_incomplete"),
    ],
)
def test_what_cannot_be_repeated_as_it_was_is_refused_and_leaves_nothing(
    owner: Person, make_call: MakeCall, fields: dict[str, Any], status: int, code: str
) -> None:
    call = make_call(owner, **{"path": "/users"} | fields)
    answer = owner.client.post(f"/api/v1/calls/{call.pk}/replay", {"environment": "staging"}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert Call.objects.count() == 1
    page = owner.client.get(f"/calls/{call.pk}").content.decode()
    assert "Run again in" not in page
    assert "Send it from its page" in page or "use its page" in page


def test_somebody_elses_call_is_not_there_not_even_for_the_platform_team(
    owner: Person, platform_person: Person, make_call: MakeCall
) -> None:
    call = make_call(owner, path="/users")
    for address in (f"/api/v1/calls/{call.pk}/replay", f"/calls/{call.pk}/replay", f"/api/v1/calls/{uuid.uuid4()}/replay"):
        assert platform_person.client.post(address, {"environment": "staging"}).status_code == 404
    page = platform_person.client.get(f"/calls/{call.pk}").content.decode()
    assert "Run again" not in page


def test_more_at_once_than_there_are_threads_for_are_told_to_come_back(
    owner: Person, make_call: MakeCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog.rules import Environment, Rules
    from gateway import replay as replaying

    monkeypatch.setattr(replaying, "current_rules", lambda: Rules(environments=(Environment("staging", "Staging"),)))
    taken = [_places.acquire(blocking=False) for _ in range(MOST_AT_ONCE)]
    try:
        call = make_call(owner, path="/users")
        answer = owner.client.post(f"/api/v1/calls/{call.pk}/replay", {"environment": "staging"}, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (503, "gateway_busy")
    finally:
        for _ in filter(None, taken):
            _places.release()


def test_only_headers_that_go_to_platforms_and_were_not_masked_go_again() -> None:
    call = Call(
        method="GET",
        api="things",
        path="/a%2Fb",
        query="q=%C3%A9",
        state=Call.ANSWERED,
        request_headers=[
            ["accept", "text/plain"],
            ["x-org", "north"],
            ["x-api-key", "•••"],
            ["authorization", "Bearer •••"],
            ["cookie", "theme=•••"],
            ["user-agent", "portal/1"],
            ["x-request-id", "abc"],
            ["x-portal-confirm", "production"],
            ["x-forwarded-for", "1.2.3.4"],
        ],
    )
    head = head_of(call, "staging", remote="127.0.0.1", confirm="")
    assert head.headers == (("accept", "text/plain"), ("x-org", "north"))
    assert (head.path, head.query, head.declared_length) == ("/gateway/staging/things/a%2Fb", "q=%C3%A9", 0)
    assert left_out(call) == ["cookie", "x-api-key"]
    assert head_of(call, "staging", remote="", confirm="staging").fields["x-portal-confirm"] == "staging"


# --- Comparing -------------------------------------------------------------------------------------------------------------


def answered(body: Any = None, *headers: list[str], status: int = 200, **fields: Any) -> Call:
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    known = {"origin": "upstream", "method": "GET", "response_bytes": len(text), "response_headers": list(headers) or [JSON]}
    return Call(status=status, response_body=text, **known | fields)


def body_of(original: Any, replay_: Any) -> list[tuple[str, str, str, str]]:
    found = compare(answered(original), answered(replay_))
    return [(one["pointer"], one["change"], one["original"], one["replay"]) for one in found.body]


def test_values_may_differ_and_shapes_may_not() -> None:
    assert body_of({"id": 1, "tags": ["a"]}, {"id": 2.5, "tags": ["b", "c"]}) == []
    assert body_of({"a": 1}, {"a": "1"}) == [("/a", "type", "number", "string")]
    assert body_of({"a": {"b": 1}}, {}) == [("/a", "removed", "object", "")]
    assert body_of({}, {"a": [1]}) == [("/a", "added", "", "array")]
    assert body_of([{"a": 1}], [{"a": 1}, {"a": None}]) == [("/*/a", "type", "number", "null, number")]
    assert body_of({"x/y~": 1}, {"x/y~": True}) == [("/x~1y~0", "type", "number", "boolean")]
    assert body_of({"items": []}, {"items": [{"id": 1}]}) == []
    assert body_of({"a": 1}, [1]) == [("", "type", "object", "array")]
    assert body_of({"a": 1}, None) == [("", "type", "object", "none")]


def test_headers_are_compared_by_name_and_the_content_type_by_value() -> None:
    found = compare(
        answered({}, JSON, ["ETag", "1"], ["Date", "x"]),
        answered({}, ["Content-Type", "application/json; charset=utf-8"], ["x-new", "1"]),
    )
    assert [(one["name"], one["change"]) for one in found.headers] == [
        ("content-type", "changed"),
        ("etag", "removed"),
        ("x-new", "added"),
    ]
    assert not found.equal
    assert compare(answered({}, JSON, ["etag", "1"]), answered({}, JSON, ["ETag", "2"])).equal


def test_what_cannot_be_compared_is_said_and_never_called_equal() -> None:
    cut = answered('{"a": 1, "b')
    deep = answered("[" * 60 + "]" * 60)
    refused = answered({}, origin="portal")
    for one in (cut, deep, refused):
        found = compare(answered({"a": 1}), one)
        assert found.notes
        assert not found.equal
        assert found.body == []


def test_a_list_of_differences_ends() -> None:
    found = compare(answered({f"a{number}": 1 for number in range(300)}), answered({}))
    assert len(found.body) == MOST_DIFFERENCES
    assert "300 places of the body differ" in found.notes[0]


def test_bodies_that_are_no_json_are_only_told_apart_from_none() -> None:
    page = ["content-type", "text/html"]
    assert compare(answered("<p>a", page), answered("<p>b", page)).equal
    assert body_of("", "") == []
    assert compare(answered("<p>a", page), answered(None, page)).body == [
        {"pointer": "", "change": "type", "original": "text", "replay": "none"}
    ]
