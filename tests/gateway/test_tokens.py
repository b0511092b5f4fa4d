"""Calls that carry a token: taken with just the scopes, replaced once when the platform rejects it, refused with a reason."""

from __future__ import annotations

import pytest

from tests.gateway.test_outcomes import answered, not_sent, refused
from tests.gateway.world import World, pause
from tokens.holding import REFUSAL_KEPT_SECONDS

pytestmark = pytest.mark.own_process


def test_a_call_carries_the_leased_token_and_nothing_of_the_caller(world: World) -> None:
    answer = world.call("GET", "/secured", platform="acme")
    answered(world, answer, 200)
    (call,) = world.platform.calls
    assert (call.header("authorization") or "").startswith("Bearer token-")
    record = world.record(answer.call_id)
    assert '"things:read"' in record["scopes"]
    assert "token-" not in record["request_headers"]
    assert record["lease"]


def test_the_same_lease_serves_the_next_call(world: World) -> None:
    world.call("GET", "/secured", platform="acme", person="petra")
    taken = world.platform.tokens
    world.call("GET", "/secured", platform="acme", person="petra")
    assert world.platform.tokens == taken
    first, second = (one.header("authorization") for one in world.platform.calls[-2:])
    assert first == second


def test_a_scope_the_person_may_not_have_is_403_and_names_who_has_it(world: World) -> None:
    document = refused(world, world.call("GET", "/administration", platform="acme"), 403, "scope_forbidden")
    assert document["groups"] == ["writers"]
    assert "writers" in document["detail"]
    assert world.platform.calls == []


@pytest.mark.parametrize(("environment", "platform"), [("sandbox", "acme"), ("staging", "plain")], ids=["mocked", "without tokens"])
def test_scopes_bind_where_no_token_is_taken_too(world: World, environment: str, platform: str) -> None:
    answer = world.call("GET", "/administration", environment=environment, platform=platform)
    document = refused(world, answer, 403, "scope_forbidden")
    assert "things:write" in document["detail"]
    assert world.platform.calls == []


def test_a_rejected_token_is_replaced_once(world: World) -> None:
    answer = world.call("GET", "/behave/rejected-once", platform="acme", person="petra")
    answered(world, answer, 200)
    assert answer.json["name"] == "fresh"
    tokens = [one.header("authorization") for one in world.platform.calls]
    assert len(tokens) == 2
    assert tokens[0] != tokens[1]


def test_a_platform_that_rejects_every_token_is_asked_twice_and_believed(world: World) -> None:
    answer = world.call("GET", "/behave/unauthorized", platform="acme", person="tess")
    answered(world, answer, 401, response="unchecked")
    assert len(world.platform.calls) <= 2


def test_a_token_endpoint_that_refuses_is_502(world: World) -> None:
    world.platform.refuse_tokens = True
    answer = world.call("GET", "/secured", platform="acme", person="dana")
    refused(world, answer, 502, "token_refused")
    assert world.platform.calls == []
    # A refusal is remembered for ten seconds, so that nobody hammers the endpoint; then it is asked again.
    world.platform.refuse_tokens = False
    pause(REFUSAL_KEPT_SECONDS + 0.5)
    assert world.call("GET", "/secured", platform="acme", person="dana").status == 200


def test_a_token_endpoint_that_is_down_is_503(world: World) -> None:
    not_sent(world, world.call("GET", "/secured", platform="refused", person="petra"), 503, "token_unavailable")
