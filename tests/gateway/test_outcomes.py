"""Every row of the outcome table through real sockets: its status, its code, its entry, and what reached the platform."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.gateway.world import RESPONSE_LIMIT, Answer, World
from tests.serving import talk

pytestmark = pytest.mark.own_process

LIMIT = 524_288


def refused(world: World, answer: Answer, status: int, code: str, *, state: str = "refused") -> dict[str, Any]:
    """The answer is the portal's problem, and the log and the record say the same; returns the problem."""
    document: dict[str, Any] = answer.json
    assert (answer.status, document["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-portal-origin"] == "portal"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    last = world.entries(answer.call_id)[-1]
    assert (last["code"], last["request_id"]) == (code, document["request_id"])
    record = world.record(answer.call_id)
    assert (record["state"], record["status"], record["code"], record["origin"]) == (state, status, code, "portal")
    return document


def not_sent(world: World, answer: Answer, status: int, code: str) -> dict[str, Any]:
    """As ``refused``, and nothing reached the platform."""
    document = refused(world, answer, status, code)
    assert [entry["action"] for entry in world.entries(answer.call_id)] == ["call:refused"]
    assert world.platform.received == []
    return document


def answered(world: World, answer: Answer, status: int, *, request: str = "valid", response: str = "valid") -> None:
    """The answer is the platform's, and the log has its intent and its outcome."""
    assert answer.status == status, answer.body
    assert answer.headers["x-portal-origin"] == "upstream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert (answer.headers["x-portal-request"], answer.headers["x-portal-response"]) == (request, response)
    entries = world.entries(answer.call_id)
    assert [(entry["action"], entry["outcome"]) for entry in entries] == [("call:sent", "intent"), ("call:answered", "ok")]
    record = world.record(answer.call_id)
    assert (record["state"], record["status"], record["origin"]) == ("answered", status, "upstream")
    assert (record["intent_entry"], record["outcome_entry"]) == (entries[0]["id"], entries[1]["id"])


# --- Who -----------------------------------------------------------------------------------------------------------------


def test_a_stranger_is_401_and_recorded(world: World) -> None:
    not_sent(world, world.call("GET", "/things", person=None), 401, "not_signed_in")


def test_a_wrong_key_is_401(world: World) -> None:
    not_sent(world, world.call("GET", "/things", person=None, headers={"Authorization": "Bearer nonsense"}), 401, "not_signed_in")


def test_the_cookie_needs_the_csrf_header_on_get_too(world: World) -> None:
    tess = world.people["tess"]
    not_sent(world, world.call("GET", "/things", person=None, headers={"Cookie": tess["cookie"]}), 403, "csrf_failed")
    with_header = {"Cookie": tess["cookie"], "X-CSRFToken": tess["csrf"]}
    answered(world, world.call("GET", "/things", person=None, headers=with_header), 200)
    assert [one.header("cookie") for one in world.platform.calls] == [None]


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Mode": "navigate"}, {"Sec-Fetch-Dest": "document"}, {"Sec-Fetch-Dest": "iframe"}])
def test_a_navigation_is_refused(world: World, headers: dict[str, str]) -> None:
    not_sent(world, world.call("GET", "/things", headers=headers), 403, "navigation_refused")


# --- Environment -----------------------------------------------------------------------------------------------------------


def test_an_environment_of_others_is_403_and_names_who_has_it(world: World) -> None:
    document = not_sent(world, world.call("GET", "/things", person="dana", environment="production"), 403, "environment_forbidden")
    assert document["groups"] == ["testers", "writers"]


def test_writing_without_the_right_is_403_and_names_who_has_it(world: World) -> None:
    document = not_sent(world, world.call("POST", "/things", person="rene", body={"name": "x"}), 403, "write_forbidden")
    assert document["groups"] == ["developers", "testers", "writers"]
    answered(world, world.call("GET", "/things", person="rene"), 200)


def test_a_protected_environment_must_be_named_to_be_written(world: World) -> None:
    document = not_sent(world, world.call("POST", "/things", environment="production", body={"name": "x"}), 403, "write_forbidden")
    assert document["groups"] == ["writers"]


def test_an_unknown_environment_is_404(world: World) -> None:
    not_sent(world, world.call("GET", "/things", environment="nowhere"), 404, "unknown_environment")
    assert "You may call: " in world.call("GET", "/things", environment="nowhere").json["detail"]


# --- Operation -------------------------------------------------------------------------------------------------------------


def test_an_unknown_api_is_404(world: World) -> None:
    not_sent(world, world.call("GET", "/things", platform="unheard"), 404, "unknown_api")


def test_a_path_that_is_an_operation_of_its_own_elsewhere_is_said_to_be_one(world: World) -> None:
    document = not_sent(world, world.call("GET", "/numbered/latest"), 422, "request_invalid")
    assert document["detail"].endswith("In production this path is another operation, /numbered/latest, which staging does not have.")
    document = not_sent(world, world.call("GET", "/numbered/oldest"), 422, "request_invalid")
    assert document["detail"] == "The request does not match the document in one place."
    refused = world.call("GET", "/numbered/oldest?limit=9&access_token=abcdefgh")
    assert world.record(refused.call_id)["query"] == "limit=9&access_token=•••"


def test_an_unknown_operation_is_404_and_says_where_it_exists(world: World) -> None:
    document = not_sent(world, world.call("GET", "/news", environment="production"), 404, "unknown_operation")
    assert document["environments"] == ["staging"]
    assert "It exists in staging." in document["detail"]
    answered(world, world.call("GET", "/news"), 200)


@pytest.mark.parametrize("method", ["DELETE", "HEAD", "OPTIONS", "TRACE"])
def test_a_method_the_document_does_not_have_is_405_with_allow(world: World, method: str) -> None:
    answer = world.call(method, "/things", person="petra")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")
    assert world.entries(answer.call_id)[-1]["code"] == "method_not_allowed"
    assert world.platform.received == []


@pytest.mark.parametrize("path", ["/things/..%2f..%2fadmin", "/things/%2e%2e", "/things/..;x", "/behave/..%5c..%5cx"])
def test_a_path_that_climbs_is_never_sent(world: World, path: str) -> None:
    answer = world.call("GET", path)
    assert answer.status in {400, 404, 422}
    assert world.entries(answer.call_id)[-1]["action"] == "call:refused"
    assert world.platform.received == []


# --- Size ------------------------------------------------------------------------------------------------------------------


def test_a_body_of_exactly_the_limit_passes(world: World) -> None:
    body = b"x" * LIMIT
    answered(world, world.call("PUT", "/upload", headers={"Content-Type": "application/octet-stream"}, body=body), 200)
    assert [len(one.body) for one in world.platform.calls] == [LIMIT]


def test_a_declared_byte_more_is_413_before_anything_is_read(world: World) -> None:
    head = (
        f"PUT /gateway/staging/plain-things-v1/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.people['tess']['key']}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {LIMIT + 1}\r\n\r\n"
    )
    answer = parsed(talk(world.port, head.encode()))
    document = not_sent(world, answer, 413, "payload_too_large")
    assert (document["limit"], document["size"]) == (LIMIT, LIMIT + 1)
    assert answer.headers["connection"] == "close"
    assert world.record(answer.call_id)["request_bytes"] == LIMIT + 1


def test_a_chunked_body_is_413_as_soon_as_it_passes_the_limit(world: World) -> None:
    head = (
        f"PUT /gateway/staging/plain-things-v1/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.people['tess']['key']}\r\n"
        "Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"4000\r\n" + b"x" * 16_384 + b"\r\n"
    answer = parsed(talk(world.port, head.encode(), *([chunk] * 38)))  # 608 KB, and no end
    document = not_sent(world, answer, 413, "payload_too_large")
    assert LIMIT < document["size"] <= LIMIT + 16_384 * 8
    assert answer.headers["connection"] == "close"


def test_bytes_past_the_declared_length_are_not_part_of_the_body(world: World) -> None:
    head = (
        f"POST /gateway/staging/plain-things-v1/things HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.people['tess']['key']}\r\n"
        "Content-Type: application/json\r\nContent-Length: 13\r\n\r\n"
    )
    answer = parsed(talk(world.port, head.encode() + b'{"name": "x"}' + b"y" * 600_000))
    answered(world, answer, 201)
    assert answer.headers["connection"] == "close"
    assert [one.body for one in world.platform.calls] == [b'{"name": "x"}']


def test_a_stranger_cannot_make_the_portal_hold_a_large_body(world: World) -> None:
    head = "PUT /gateway/staging/plain-things-v1/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n"
    not_sent(world, parsed(talk(world.port, head.encode())), 401, "not_signed_in")


# --- Validation ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"{", b'{"name": "x", "name": "y"}', b'{"name": NaN}', b'{"name": "\\ud800"}', b"[" * 5_000, b"\xff\xfe"])
def test_a_body_that_is_not_json_is_400(world: World, body: bytes) -> None:
    not_sent(world, world.call("POST", "/things", headers={"Content-Type": "application/json"}, body=body), 400, "malformed_body")


def test_every_finding_of_a_request_is_in_the_refusal(world: World) -> None:
    answer = world.call("POST", "/things?colour=red", body={"name": "x" * 30, "tags": ["a", 1, "b"]})
    document = not_sent(world, answer, 422, "request_invalid")
    found = {(one["location"], one["pointer"], one["keyword"]) for one in document["errors"]}
    assert {("body", "/name", "maxLength"), ("body", "/tags/0", "type"), ("body", "/tags/2", "type")} <= found
    assert any(location == "query" for location, _, _ in found)
    assert set(document["errors"][0]) >= {"location", "pointer", "keyword", "message", "expected", "got", "schema"}
    assert len(json.loads(world.record(answer.call_id)["request_findings"])) == len(document["errors"])


def test_a_type_the_document_does_not_have_is_422(world: World) -> None:
    answer = world.call("POST", "/things", headers={"Content-Type": "text/html"}, body=b"<p>")
    not_sent(world, answer, 422, "request_invalid")


def test_an_encoded_body_is_415(world: World) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    not_sent(world, world.call("POST", "/things", headers=headers, body=b"\x1f\x8b"), 415, "encoded_body")


def test_a_header_that_is_not_ascii_is_400(world: World) -> None:
    head = (
        f"GET /gateway/staging/plain-things-v1/things HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.people['tess']['key']}\r\n"
    ).encode()
    not_sent(world, parsed(talk(world.port, head + b"X-Org: caf\xe9\r\n\r\n")), 400, "malformed_header")


# --- Production ------------------------------------------------------------------------------------------------------------


def test_a_protected_environment_wants_confirmation(world: World) -> None:
    document = not_sent(
        world, world.call("POST", "/things", person="petra", environment="production", body={"name": "x"}), 428, "confirmation_required"
    )
    assert "X-Portal-Confirm: production" in document["detail"]
    wrong = {"X-Portal-Confirm": "staging"}
    not_sent(
        world,
        world.call("POST", "/things", person="petra", environment="production", body={"name": "x"}, headers=wrong),
        428,
        "confirmation_required",
    )


def test_a_confirmed_call_to_production_is_sent(world: World) -> None:
    confirmed = {"X-Portal-Confirm": "production"}
    answer = world.call("POST", "/things", person="petra", environment="production", body={"name": "x"}, headers=confirmed)
    answered(world, answer, 201)
    assert json.loads(world.entries(answer.call_id)[0]["data"])["confirmed"] is True
    answered(world, world.call("GET", "/things", environment="production"), 200)


# --- The other side --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "status", "code"),
    [
        ("closed", 502, "upstream_unreachable"),
        ("never", 504, "upstream_timeout"),
        ("drips", 504, "upstream_timeout"),
        ("reset", 502, "upstream_broken"),
        ("cut", 502, "upstream_broken"),
        ("malformed", 502, "upstream_broken"),
        ("status999", 502, "upstream_broken"),
    ],
)
def test_a_platform_that_fails_has_its_code_and_its_outcome(world: World, platform: str, status: int, code: str) -> None:
    answer = world.call("GET", f"/behave/{platform}", platform=platform)
    refused(world, answer, status, code, state="failed")
    entries = world.entries(answer.call_id)
    assert [(entry["action"], entry["outcome"]) for entry in entries] == [("call:sent", "intent"), ("call:answered", "failed")]


def test_a_platform_that_keeps_failing_is_left_alone(world: World) -> None:
    seen = [world.call("GET", "/behave/fails", platform="fails") for _ in range(30)]
    assert seen[0].status == 503
    assert seen[0].headers["x-portal-origin"] == "upstream"
    last = seen[-1]
    refused(world, last, 503, "circuit_open")
    assert int(last.headers["retry-after"]) >= 1
    assert len(world.platform.calls) < 30


def test_an_answer_to_head_has_the_length_the_platform_says(world: World) -> None:
    answer = world.call("HEAD", "/things/1")
    answered(world, answer, 200)
    assert (answer.headers["content-length"], answer.body) == ("4711", b"")


def test_an_answer_to_head_has_no_length_where_the_platform_says_none(world: World) -> None:
    answer = world.call("HEAD", "/things/unsaid")
    answered(world, answer, 200)
    assert "content-length" not in answer.headers
    answered(world, world.call("GET", "/things/1"), 200)


def test_an_endless_answer_is_cut_and_said(world: World) -> None:
    answer = world.call("GET", "/behave/endless")
    answered(world, answer, 200, response="unchecked")
    assert len(answer.body) == RESPONSE_LIMIT
    assert answer.headers["x-portal-truncated"] == str(RESPONSE_LIMIT)
    assert world.record(answer.call_id)["truncated"] == 1


def test_an_answer_of_several_members_is_not_judged_by_its_first(world: World) -> None:
    answer = world.call("GET", "/behave/members", headers={"Accept-Encoding": "gzip"})
    answered(world, answer, 200, response="unchecked")
    # The platform's limits stand alone, and what would act on a browser stays here.
    assert answer.headers["ratelimit"] == '"a";r=1'
    assert "ratelimit-policy" not in answer.headers
    assert "activate-storage-access" not in answer.headers


def test_a_gzip_bomb_goes_on_as_it_came_and_is_not_unpacked_past_the_cap(world: World) -> None:
    answer = world.call("GET", "/behave/bomb", headers={"Accept-Encoding": "gzip"})
    answered(world, answer, 200, response="unchecked")
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < RESPONSE_LIMIT


def test_a_compressed_answer_is_checked_and_passed_on_undecoded(world: World) -> None:
    answer = world.call("GET", "/behave/gzipped", headers={"Accept-Encoding": "br, gzip"})
    answered(world, answer, 200)
    assert answer.body.startswith(b"\x1f\x8b")
    assert world.platform.calls[0].header("accept-encoding") == "gzip"
    assert json.loads(world.record(answer.call_id)["response_body"]) == {"id": "1", "name": "Ada"}


def test_a_redirect_is_shown_and_not_followed(world: World) -> None:
    answer = world.call("GET", "/behave/redirect")
    answered(world, answer, 302)
    assert "location" not in answer.headers
    assert ["Location", "http://169.254.169.254/latest"] in json.loads(world.record(answer.call_id)["response_headers"])
    assert len(world.platform.calls) == 1


def test_an_answer_that_does_not_match_is_reported_and_passed_on(world: World) -> None:
    answer = world.call("GET", "/behave/wrong")
    answered(world, answer, 200, response="invalid")
    assert answer.json == {"id": 7, "surprise": [1]}
    found = {(one["pointer"], one["keyword"]) for one in json.loads(world.record(answer.call_id)["response_findings"])}
    assert ("/id", "type") in found
    assert ("/name", "required") in found


def test_an_unasked_second_answer_reaches_nobody(world: World) -> None:
    assert world.call("GET", "/behave/twice").json["name"] == "mine"
    assert [world.call("GET", "/things", person=person).json["name"] for person in ("petra", "rene", "tess")] == ["Ada"] * 3


def test_what_acts_on_a_browser_is_kept_from_it(world: World) -> None:
    answer = world.call("GET", "/behave/cookies")
    answered(world, answer, 200)
    assert not {"set-cookie", "strict-transport-security"} & set(answer.headers)
    record = world.record(answer.call_id)
    assert json.loads(record["stopped"]) == ["set-cookie", "strict-transport-security", "x-portal-origin"]
    assert "alice-secret" not in json.dumps(record)
    world.call("GET", "/things", person="petra")
    assert world.platform.calls[-1].header("cookie") is None


def test_a_page_of_the_platform_is_never_a_page_of_the_portal(world: World) -> None:
    answer = world.call("GET", "/behave/page")
    answered(world, answer, 200, response="invalid")


def test_a_401_of_the_platform_is_the_platforms(world: World) -> None:
    answer = world.call("GET", "/behave/unauthorized")
    answered(world, answer, 401, response="unchecked")
    assert "www-authenticate" not in answer.headers


# --- Quota -----------------------------------------------------------------------------------------------------------------


def test_the_shared_pace_of_a_platform_refuses_without_charging_the_person(world: World) -> None:
    answers = [world.call("GET", "/things", platform="paced") for _ in range(6)]
    over = [answer for answer in answers if answer.status == 429]
    assert over
    document = refused(world, over[0], 429, "quota_exceeded")
    assert document["detail"] == "Internal developer quota exceeded. Contact platform team for temporary elevation."
    assert document["violated-policies"] == ["platform"]
    assert int(over[0].headers["retry-after"]) >= 1
    assert over[0].headers["ratelimit-policy"] == '"person";q=100000;w=60, "platform";q=3;w=1'
    assert len(world.platform.calls) == 6 - len(over)


# --- Mocked ----------------------------------------------------------------------------------------------------------------


def test_a_mocked_environment_answers_from_the_document(world: World) -> None:
    answer = world.call("GET", "/things", environment="sandbox")
    answered(world, answer, 200)
    assert answer.headers["x-portal-mock"] == "true"
    assert set(answer.json) == {"id", "name"}
    other = world.call("GET", "/things/7", environment="sandbox", headers={"Prefer": "code=404"})
    answered(world, other, 404)
    assert world.platform.received == []


# --- What leaves -----------------------------------------------------------------------------------------------------------


def test_the_platform_gets_what_it_should_and_nothing_of_the_portal(world: World) -> None:
    headers = {
        "X-Org": "7",
        "X-Unknown": "1",
        "X-Forwarded-For": "1.2.3.4",
        "Accept": "application/json",
        "Cookie": "theme=dark; other=1",
        "If-None-Match": '"a"',
    }
    answer = world.call("GET", "/things?limit=3", headers=headers)
    answered(world, answer, 200)
    (got,) = world.platform.calls
    assert got.target == "/base/things?limit=3"
    names = {name.lower() for name, _ in got.headers}
    assert names <= {"host", "x-org", "accept", "accept-encoding", "cookie", "if-none-match", "user-agent", "x-request-id", "connection"}
    assert got.header("cookie") == "theme=dark"
    assert (got.header("user-agent") or "").startswith("portal/")
    assert got.header("x-request-id") == world.record(answer.call_id)["request_id"]
    assert "x-unknown" in json.loads(world.record(answer.call_id)["withheld"])


def test_secrets_of_a_call_are_not_kept(world: World) -> None:
    body = {"name": "x", "password": "hunter2-hunter2", "note": "Bearer abcdefghijklmnop"}
    answer = world.call("POST", "/things", body=body)
    answered(world, answer, 201)
    kept = json.dumps(world.record(answer.call_id)) + json.dumps(world.entries(answer.call_id))
    for secret in ("hunter2", "abcdefghijklmnop", world.people["tess"]["key"]):
        assert secret not in kept


def parsed(raw: bytes) -> Answer:
    """A raw answer as an Answer."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return Answer(int(lines[0].split(" ")[1]), fields, body)
