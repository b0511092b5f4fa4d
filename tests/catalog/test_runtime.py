from __future__ import annotations

import threading
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from catalog import runtime
from catalog.models import Document, Operation, Publication
from tests.catalog.world import World, openapi

SLUG = "genesys-queues-v2"
PATH = "genesys/queues/v2/openapi.json"


@pytest.fixture
def published(world: World) -> World:
    world.everywhere({PATH: openapi("/queues", "/queues/{id}")})
    world.sync()
    return world


def test_what_an_environment_shows_comes_with_the_place_its_calls_go_to(published: World) -> None:
    found = runtime.published("staging", SLUG)
    assert found is not None
    assert (found.api, found.platform, found.environment.name, found.stale) == (SLUG, "genesys", "staging", False)
    assert (found.base_url, found.mock) == ("https://api.staging.example/api/v2", False)
    assert found.at is not None
    assert found.at.per_second == 8
    sandbox = runtime.published("sandbox", SLUG)
    assert sandbox is not None
    assert sandbox.mock
    for environment, slug in (("staging", "nothing"), ("nowhere", SLUG)):
        assert runtime.published(environment, slug) is None


def test_a_path_is_routed_and_a_request_checked(published: World) -> None:
    found = runtime.published("staging", SLUG)
    assert found is not None
    match = runtime.router(found.document_id).match("GET", "/queues/7%2F8")
    assert (match.operation, match.path_parameters) == ("getQueuesById", {"id": "7%2F8"})
    assert runtime.router(found.document_id).match("DELETE", "/queues").allowed == ["GET"]
    operation = runtime.operation(found.document_id, "getQueues")
    assert (operation.method, operation.path, operation.scopes, operation.unchecked) == ("GET", "/queues", [], [])
    assert operation.validator.request(path_parameters={}, query="", headers=[], body=b"").state == "valid"
    assert operation.validator.request(path_parameters={}, query="surplus=1", headers=[], body=b"").state == "invalid"
    bad = operation.validator.response(status=200, headers=[("content-type", "application/json")], body=b'{"id": 7}')
    assert [violation.pointer for violation in bad.violations] == ["/id"]
    assert set(operation.detail["responses"]) == {"200"}


def test_a_warm_call_costs_two_queries(published: World, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    def call() -> None:
        found = runtime.published("staging", SLUG)
        assert found is not None
        key = runtime.router(found.document_id).match("GET", "/queues").operation
        assert key is not None
        validator = runtime.operation(found.document_id, key).validator
        validator.response(status=200, headers=[("content-type", "application/json")], body=b"{}")

    call()
    with django_assert_num_queries(2):
        call()


def test_a_new_document_is_used_from_the_next_call_on(published: World) -> None:
    before = runtime.published("production", SLUG)
    assert before is not None
    assert runtime.router(before.document_id).match("GET", "/more").operation is None
    published.write("main", {PATH: openapi("/queues", "/more")})
    published.sync("contact-center")
    after = runtime.published("production", SLUG)
    assert after is not None
    assert after.document_id != before.document_id
    assert runtime.router(after.document_id).match("GET", "/more").operation == "getMore"


def test_an_id_that_comes_to_mean_another_document_is_noticed(published: World) -> None:
    """After a restored backup, say. Documents are kept by digest, not by id."""
    found = runtime.published("staging", SLUG)
    assert found is not None
    old = runtime.router(found.document_id)
    Document.objects.filter(pk=found.document_id).update(digest="f" * 64)
    runtime.published("staging", SLUG)
    assert runtime.router(found.document_id) is not old


def test_what_is_not_there_is_said_and_not_kept(published: World) -> None:
    with pytest.raises(Operation.DoesNotExist):
        runtime.operation(Publication.objects.filter(current=True)[0].document_id, "nothing")
    with pytest.raises(Document.DoesNotExist):
        runtime.router(999_999)


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    kept = runtime.Kept(2)
    made: list[str] = []

    def make(key: str) -> Any:
        def value() -> str:
            made.append(key)
            return key

        return kept.get(key, value)

    for key in ("a", "b", "a", "c", "a", "b"):
        assert make(key) == key
    assert made == ["a", "b", "c", "b"]
    assert len(kept) == 2


def test_threads_that_ask_at_once_get_the_same_value() -> None:
    kept, barrier = runtime.Kept(8), threading.Barrier(8)
    got: list[object] = []

    def ask() -> None:
        barrier.wait()
        got.append(kept.get("key", object))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, got))) == 1
