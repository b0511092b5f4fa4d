"""What people and programs read of calls and limits, and whose they may read."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway.actions import UNKNOWN_AFTER
from gateway.exchange import time_ordered_id
from gateway.models import Call
from gateway.tasks import sweep
from tests.conftest import Person
from tests.gateway.world import World

MakeCall = Callable[..., Call]


@pytest.fixture
def make_call(db: None) -> MakeCall:
    def make(person: Person, **fields: Any) -> Call:
        return Call.objects.create(
            id=time_ordered_id(),
            account=person.account,
            **{
                "at": timezone.now(),
                "request_id": str(uuid.uuid4()),
                "environment": "staging",
                "api": "genesys-cloud-v2",
                "operation": "getUser",
                "method": "GET",
                "path": "/users/<script>alert(1)</script>",
                "state": Call.ANSWERED,
                "status": 200,
                "origin": "upstream",
                "request_verdict": "valid",
                "response_verdict": "invalid",
                "response_findings": [
                    {
                        "location": "body",
                        "pointer": "/id",
                        "keyword": "type",
                        "message": "`/id` must be text",
                        "expected": "string",
                        "got": "7",
                    }
                ],
                "response_body": '{"id":7}',
                "timings": {"total_ms": 12.5, "upstream_ms": 8.0},
            }
            | fields,
        )

    return make


def test_the_list_has_my_calls_newest_first_and_pages(owner: Person, teammate: Person, make_call: MakeCall) -> None:
    mine = [make_call(owner) for _ in range(5)]
    make_call(teammate)
    first = owner.client.get("/api/v1/calls?limit=3").json()
    assert [one["id"] for one in first["results"]] == [str(call.id) for call in reversed(mine[2:])]
    second = owner.client.get(first["next"].partition("/api")[1] + first["next"].partition("/api")[2]).json()
    assert [one["id"] for one in second["results"]] == [str(call.id) for call in reversed(mine[:2])]
    assert second["next"] is None


def test_the_list_is_filtered(owner: Person, make_call: MakeCall) -> None:
    make_call(owner)
    refused = make_call(owner, state=Call.REFUSED, environment="production", code="write_forbidden", status=403, origin="portal")
    found = owner.client.get("/api/v1/calls?environment=production&state=refused").json()["results"]
    assert [one["id"] for one in found] == [str(refused.id)]
    assert owner.client.get("/api/v1/calls?state=nonsense").status_code == 422


def test_somebody_elses_call_is_404_and_the_platform_team_reads_any(
    owner: Person, teammate: Person, platform_person: Person, make_call: MakeCall
) -> None:
    call = make_call(teammate)
    for address in (f"/api/v1/calls/{call.id}", f"/calls/{call.id}"):
        assert owner.client.get(address).status_code == 404
        assert teammate.client.get(address).status_code == 200
        assert platform_person.client.get(address).status_code == 200
    assert owner.client.get(f"/api/v1/calls/{uuid.uuid4()}").json()["code"] == "unknown_call"


def test_a_call_shows_its_findings_and_never_runs_what_it_carries(owner: Person, make_call: MakeCall) -> None:
    call = make_call(owner)
    page = owner.client.get(f"/calls/{call.id}").content.decode()
    assert "must be text" in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;" in page
    detail = owner.client.get(f"/api/v1/calls/{call.id}").json()
    assert detail["response_findings"][0]["pointer"] == "/id"
    assert detail["timings"]["upstream_ms"] == 8.0


def test_a_call_tells_what_reached_the_platform_from_what_did_not_and_links_its_entries_for_who_may_read_them(
    owner: Person, platform_person: Person, make_call: MakeCall
) -> None:
    call = make_call(owner, request_headers=[["accept", "*/*"]], withheld=["authorization"], intent_entry=41, outcome_entry=42)
    page = owner.client.get(f"/calls/{call.id}").content.decode()
    assert page.index("What the platform received") < page.index("What you sent and was not passed on") < page.index("authorization")
    assert "/audit?entry=" not in page
    reader = platform_person.client.get(f"/calls/{call.id}").content.decode()
    assert '<a href="/audit?entry=41">41</a>' in reader
    assert '<a href="/audit?entry=42">42</a>' in reader


def test_my_calls_page_lists_them_or_says_how_it_gets_filled(owner: Person, make_call: MakeCall) -> None:
    assert "No calls yet" in owner.client.get("/calls").content.decode()
    make_call(owner)
    assert "getUser" in owner.client.get("/calls").content.decode()
    assert "No call matches" in owner.client.get("/calls?environment=sandbox").content.decode()


def test_the_quota_says_which_group_won(owner: Person) -> None:
    answer = owner.client.get("/api/v1/quota").json()
    assert (answer["person"]["limit"], answer["person"]["group"]) == (200, "integration-architects")
    assert answer["person"]["candidates"] == [{"group": "integration-architects", "per_minute": 200}]
    assert "integration-architects" in owner.client.get("/quotas").content.decode()


@pytest.mark.parametrize("address", ["/calls", "/quotas", "/api/v1/calls", "/api/v1/quota", f"/calls/{uuid.UUID(int=1)}"])
def test_nothing_is_read_without_a_sign_in(client: Any, db: None, address: str) -> None:
    assert client.get(address).status_code in {302, 401}


def test_a_call_nobody_heard_of_again_is_closed_as_unknown_once(owner: Person, make_call: MakeCall) -> None:
    lost = make_call(owner, state=Call.SENT, status=None, origin="", at=timezone.now() - UNKNOWN_AFTER - timedelta(seconds=1))
    fresh = make_call(owner, state=Call.SENT, status=None, origin="")
    assert sweep() == 1
    assert sweep() == 0
    lost.refresh_from_db()
    fresh.refresh_from_db()
    assert (lost.state, lost.code, fresh.state) == (Call.UNKNOWN, "outcome_unknown", Call.SENT)
    assert lost.outcome_entry is not None


def test_ids_of_calls_sort_by_time() -> None:
    made = [time_ordered_id() for _ in range(50)]
    assert [one.version for one in made] == [7] * 50
    assert [one.int >> 80 for one in made] == sorted(one.int >> 80 for one in made)


# --- Against real documents ------------------------------------------------------------------------------------------------


def validate(world: World, **message: Any) -> tuple[int, dict[str, Any]]:
    import json

    headers = {"Authorization": f"Bearer {world.people['tess']['key']}", "Content-Type": "application/json"}
    sent = {"environment": "staging", "api": "plain-things-v1"} | message
    answer = world.request("POST", "/api/v1/validate", headers=headers, body=json.dumps(sent).encode())
    return answer.status, answer.json


def test_a_message_is_checked_without_being_sent(world: World) -> None:
    status, verdict = validate(world, operation="makeThing", part="request", body={"name": 5})
    assert (status, verdict["state"]) == (200, "invalid")
    assert [(one["location"], one["pointer"], one["keyword"]) for one in verdict["errors"]] == [("body", "/name", "type")]
    assert validate(world, operation="makeThing", part="request", body={"name": "x"})[1]["state"] == "valid"
    assert validate(world, operation="getThing", part="request")[1]["state"] == "valid"
    assert validate(world, operation="listThings", part="request", query={"limit": ["50"]})[1]["state"] == "invalid"
    assert validate(world, operation="getThing", part="response", status=200, body={"id": "1"})[1]["state"] == "invalid"
    assert validate(world, operation="gone", part="request")[1]["code"] == "unknown_operation"
    assert world.platform.received == []
