from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from audit.models import Entry
from catalog import selectors
from catalog.models import Source
from identity.access import Grant
from tests.catalog import repositories
from tests.catalog.world import World, openapi
from tests.conftest import Person

SLUG = "genesys-queues-v2"
IDENTITY_QUERIES = 2  # session and sign-in, whatever the address


@pytest.fixture
def published(world: World) -> World:
    """Queues in every environment; in staging with one operation more; users only in production."""
    files = {"genesys/queues/v2/openapi.json": openapi("/queues", "/queues/{id}", portal={"owner": "Voice"})}
    commit = world.everywhere(files | {"cxone/users/v1/openapi.json": openapi("/users", title="Users")})
    repositories.tag(world.specs, "2024.2", commit)
    world.write("staging", {"genesys/queues/v2/openapi.json": openapi("/queues", "/queues/{id}", "/queues/{id}/members")})
    world.write("develop", files)
    world.sync()
    return world


@pytest.fixture
def developer(published: World, sign_in: Callable[..., Person]) -> Client:
    return sign_in("dora", groups=["sandbox-developers"]).client


@pytest.fixture
def platform(published: World, sign_in: Callable[..., Person]) -> Client:
    return sign_in("petra", groups=["platform-team"]).client


def get(client: Client, address: str, status: int = 200, **headers: str) -> Any:
    response = client.get(f"/api/v1{address}", headers=headers)
    assert response.status_code == status, response.content
    return response.json() if response.content and "json" in response["Content-Type"] else response


def test_environments_stand_in_promotion_order_with_what_the_person_may_do_there(developer: Client) -> None:
    answer = get(developer, "/environments")
    assert answer["next"] is None
    told = [(one["name"], one["protected"], one["may_call"], one["may_write"]) for one in answer["results"]]
    assert told == [("sandbox", False, True, True), ("staging", False, True, True), ("production", True, False, False)]
    assert answer["results"][0]["platforms"] == [
        {"platform": "genesys", "title": "Genesys Cloud CX", "base_url": "mock:", "per_second": None}
    ]
    assert "secret" not in json.dumps(answer).lower()


def test_apis_say_what_each_environment_shows(developer: Client, published: World) -> None:
    rows = {row["slug"]: row for row in get(developer, "/apis")["results"]}
    assert set(rows) == {SLUG, "cxone-users-v1"}
    assert list(rows[SLUG]["environments"]) == ["sandbox", "staging", "production"]
    staging = rows[SLUG]["environments"]["staging"]
    assert set(staging) == {"release", "commit", "operations", "findings", "published_at", "stale", "stale_reason"}
    assert (staging["operations"], staging["release"], staging["commit"]) == (3, "2024.2", repositories.head(published.specs, "staging"))
    assert (rows[SLUG]["title"], rows[SLUG]["owner"], rows[SLUG]["platform"], rows[SLUG]["version"]) == ("Queues", "Voice", "genesys", "v2")
    assert get(developer, f"/apis/{SLUG}") == rows[SLUG]


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("platform=cxone", ["cxone-users-v1"]),
        ("environment=staging", [SLUG]),
        ("owner=Voice", [SLUG]),
        ("q=user", ["cxone-users-v1"]),
        ("q=nothing-like-it", []),
        ("q=%25", []),
        ("platform=genesys&environment=nowhere", []),
    ],
)
def test_apis_are_filtered(developer: Client, query: str, slugs: list[str]) -> None:
    assert [row["slug"] for row in get(developer, f"/apis?{query}")["results"]] == slugs


def test_lists_come_in_pages_until_next_is_null(developer: Client) -> None:
    first = get(developer, "/apis?limit=1")
    assert first["next"].endswith("/api/v1/apis?limit=1&page=2")
    second = developer.get(first["next"]).json()
    assert second["next"] is None
    assert {row["slug"] for row in first["results"] + second["results"]} == {SLUG, "cxone-users-v1"}
    page = get(developer, f"/apis/{SLUG}/staging/operations?limit=2")
    rest = developer.get(page["next"]).json()
    assert [row["operation"] for row in page["results"] + rest["results"]] == ["getQueues", "getQueuesById", "getQueuesByIdMembers"]
    for bad in ("limit=0", "limit=1001", "page=-1", "page=x", "limit=1e3", "page=٣"):
        assert get(developer, f"/apis?{bad}", 400)["code"] == "malformed"


def test_the_document_is_as_git_has_it_with_this_environments_server(developer: Client) -> None:
    document = get(developer, f"/apis/{SLUG}/staging/openapi.json")
    original = json.loads(openapi("/queues", "/queues/{id}", "/queues/{id}/members"))
    assert document["servers"] == [{"url": "https://api.staging.example/api/v2"}]
    assert {**document, "servers": None} == {**original, "servers": None}
    assert list(document["paths"]) == list(original["paths"])
    mocked = get(developer, f"/apis/{SLUG}/sandbox/openapi.json")
    assert mocked["servers"][0]["url"].endswith(f"/gateway/sandbox/{SLUG}")
    response = developer.get(f"/api/v1/apis/{SLUG}/staging/openapi.yaml")
    assert response["Content-Type"] == "application/yaml"
    assert yaml.safe_load(response.content) == document


def test_an_unchanged_document_is_not_sent_again(developer: Client) -> None:
    for name in ("openapi.json", "openapi.yaml"):
        address = f"/api/v1/apis/{SLUG}/staging/{name}"
        first = developer.get(address)
        again = developer.get(address, headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = developer.get(f"/api/v1/apis/{SLUG}/production/{name}")
        assert other["ETag"] != first["ETag"]


def test_an_operation_is_a_small_document_of_its_own(developer: Client) -> None:
    document = get(developer, f"/apis/{SLUG}/staging/operations/getQueuesById")
    assert document["openapi"] == "3.0.3"
    assert list(document["paths"]) == ["/queues/{id}"]
    assert document["paths"]["/queues/{id}"]["get"]["operationId"] == "getQueuesById"
    assert document["servers"] == [{"url": "https://api.staging.example/api/v2"}]
    assert document["components"]["schemas"]["Queue"]["properties"]["parent"] == {"$ref": "#/components/schemas/Queue"}


def test_what_is_not_there_says_where_it_is(developer: Client) -> None:
    problem = get(developer, f"/apis/{SLUG}/production/operations/getQueuesByIdMembers", 404)
    assert (problem["code"], problem["environments"]) == ("unknown_operation", ["staging"])
    problem = get(developer, "/apis/cxone-users-v1/staging/openapi.json", 404)
    assert (problem["code"], problem["environments"]) == ("unknown_api", ["production"])
    for address in ("/apis/nothing", "/apis/nothing/staging/operations", f"/apis/{SLUG}/nowhere/openapi.yaml"):
        assert get(developer, address, 404)["code"] == "unknown_api"


@pytest.mark.parametrize("name", ["%00", "a%00b", "%2e%2e", "x" * 3_000, "%27", "%ff", "-1"])
def test_no_name_in_an_address_is_more_than_not_found(developer: Client, platform: Client, name: str) -> None:
    for address in (
        f"/apis/{name}",
        f"/apis/{SLUG}/{name}/openapi.json",
        f"/apis/{name}/staging/operations",
        f"/apis/{SLUG}/staging/operations/{name}",
        f"/sources/{name}/runs",
    ):
        assert platform.get(f"/api/v1{address}").status_code == 404
    for query in (f"/apis?platform={name}&owner={name}", f"/apis?q={name}", f"/search?q=queues&platform={name}&environment={name}"):
        assert get(developer, query)["results"] == []


def test_search_puts_the_path_before_the_operation_id_before_the_summary(developer: Client) -> None:
    answer = get(developer, "/search?q=/queues&kind=operation")
    assert [hit["path"] for hit in answer["results"]] == ["/queues", "/queues/{id}", "/queues/{id}/members"]
    assert answer["took_ms"] >= 0
    first = answer["results"][0]
    assert (first["api"], first["environments"], first["method"]) == (SLUG, ["sandbox", "staging", "production"], "GET")
    assert first["url"] == f"/apis/{SLUG}/sandbox/operations/getQueues"
    assert get(developer, "/search?q=getQueuesById&kind=operation")["results"][0]["operation"] == "getQueuesById"
    assert [hit["path"] for hit in get(developer, "/search?q=read members")["results"]] == ["/queues/{id}/members"]
    # Parameters match by place: nobody remembers what they are called.
    for text in ("/queues/{queueId}/members", "GET /queues/{x}/members", "queues/{}/members"):
        assert get(developer, f"/search?q={text}&kind=operation")["results"][0]["path"] == "/queues/{id}/members"
    # So does the address of a real call, with or without the host and the server's base path.
    for text in ("/queues/5f0c-2a52/members", "https://api.example.com/api/v2/queues/17/members%3Fpage=2"):
        assert get(developer, f"/search?q={text}&kind=operation")["results"][0]["path"] == "/queues/{id}/members"
    assert get(developer, "/search?q=/nothing/17&kind=operation")["results"] == []
    only = get(developer, "/search?q=queues&environment=production&kind=operation&limit=1")["results"]
    assert [(hit["path"], hit["environment"]) for hit in only] == [("/queues", "production")]


def test_search_finds_apis_and_schemas_too(developer: Client) -> None:
    found = get(developer, "/search?q=users")["results"]
    assert [(hit["kind"], hit["api"]) for hit in found] == [("operation", "cxone-users-v1"), ("api", "cxone-users-v1")]
    schemas = get(developer, "/search?q=queue&kind=schema")["results"]
    assert [(hit["api"], hit["pointer"]) for hit in schemas] == [
        ("cxone-users-v1", "#/components/schemas/Queue"),
        (SLUG, "#/components/schemas/Queue"),
    ]
    assert get(developer, "/search?q=components&kind=schema")["results"] == []


@pytest.mark.parametrize("text", ["", "%25", "_", "'", "\\", "%00", "x" * 5_000, "a%20b%20c%20d%20e%20f%20g%20h%20i%20j", "(", "[", "*"])
def test_search_takes_any_text(developer: Client, text: str) -> None:
    assert get(developer, f"/search?q={text}")["results"] == []


def test_somebody_without_a_role_sees_nothing(published: World, sign_in: Callable[..., Person]) -> None:
    stranger = sign_in("sven", groups=["others"])
    for address in ("/environments", "/apis", f"/apis/{SLUG}", f"/apis/{SLUG}/staging/openapi.json", "/search?q=queues"):
        assert stranger.client.get(f"/api/v1{address}").status_code == 403
        assert Client().get(f"/api/v1{address}").status_code == 401
    nobody = stranger.caller.access
    assert selectors.apis(nobody) == []
    assert selectors.environments_for(nobody) == ()
    assert selectors.search_operations(nobody, "queues") == []
    assert selectors.search_schemas(nobody, "queue") == []


def test_sources_are_the_platform_teams(developer: Client, platform: Client) -> None:
    for method, address in (("get", "/sources"), ("post", "/sources/contact-center/sync"), ("get", "/sources/contact-center/runs")):
        assert getattr(developer, method)(f"/api/v1{address}").status_code == 403
    rows = get(platform, "/sources")["results"]
    assert [(row["source"], row["kind"], row["state"]) for row in rows] == [
        ("rules", "rules", "fresh"),
        ("contact-center", "documents", "fresh"),
    ]
    assert [(one["environment"], one["branch"], one["state"]) for one in rows[1]["branches"]] == [
        ("sandbox", "develop", "fresh"),
        ("staging", "staging", "fresh"),
        ("production", "main", "fresh"),
    ]
    runs = get(platform, "/sources/contact-center/runs")["results"]
    assert [(run["outcome"], run["trigger"]) for run in runs] == [("published", "command")]
    assert get(platform, "/sources/nothing/runs", 404)["code"] == "unknown_source"


def test_asking_for_a_sync_makes_the_source_due_and_is_recorded(platform: Client) -> None:
    before = Source.objects.get(name="contact-center").due_at
    response = platform.post("/api/v1/sources/contact-center/sync")
    assert (response.status_code, response.json()["source"]) == (202, "contact-center")
    row = Source.objects.get(name="contact-center")
    assert row.due_at < before
    assert (row.requested_by, row.requested_trigger) == ("Petra", "person")
    entry = Entry.objects.get(action="sync:started")
    assert (entry.actor_name, entry.subject) == ("Petra", "contact-center")
    assert platform.post("/api/v1/sources/nothing/sync").status_code == 404


def test_lists_cost_the_same_however_much_is_published(
    published: World, sign_in: Callable[..., Person], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    access = sign_in("petra", groups=["platform-team"]).caller.access
    selectors.current_rules()  # parsed once per revision

    def measure() -> None:
        with django_assert_num_queries(2):
            selectors.apis(access)
        with django_assert_num_queries(2):
            selectors.api_row(access, SLUG)
        with django_assert_num_queries(1):
            publication = selectors.api_in("staging", SLUG)
        with django_assert_num_queries(1):
            list(selectors.operations(publication.document_id))
        with django_assert_num_queries(2):
            selectors.operation_in("staging", SLUG, "getQueues")[1].detail  # noqa: B018  (the property reads)
        with django_assert_num_queries(1):
            selectors.schemas(publication.document_id, ["#/components/schemas/Queue", "#/components/schemas/None"])
        with django_assert_num_queries(2):
            selectors.search_operations(access, "queues")
        with django_assert_num_queries(2):
            [list(row.branches.all()) for row in selectors.sources()]

    measure()
    extra = {f"genesys/more{number}/v1/openapi.json": openapi("/queues", "/more") for number in range(5)}
    published.write("main", extra)
    published.sync("contact-center")
    measure()


def test_the_rules_in_force_reach_identity(published: World, sign_in: Callable[..., Person]) -> None:
    access = sign_in("dora", groups=["sandbox-developers"]).caller.access
    assert (access.role, sorted(access.environments), access.per_minute) == ("developer", ["sandbox", "staging"], 50)
    assert access.scopes == {"genesys": {"integration:read"}}
    assert isinstance(selectors.current_rules().grants[0], Grant)


def test_a_source_names_the_documents_that_are_refused_with_file_and_line(platform: Client, world: World) -> None:
    dangling = json.loads(openapi("/queues"))
    dangling["components"]["schemas"]["Queue"] = {"$ref": "#/components/schemas/Gone"}
    world.write("main", {"genesys/broken/v1/openapi.json": json.dumps(dangling)})
    world.sync()
    production = get(platform, "/sources")["results"][1]["branches"][2]
    (refused,) = [one for one in production["documents"] if one["state"] == "refused"]
    assert (refused["path"], refused["api"]) == ("genesys/broken/v1/openapi.json", "genesys-broken-v1")
    assert refused["reason"].startswith("genesys/broken/v1/openapi.json:1: The reference '#/components/schemas/Gone' leads nowhere.")
