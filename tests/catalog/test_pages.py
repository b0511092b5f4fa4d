"""The catalog's pages, as a signed-in person's browser gets them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from catalog.try_it import _body
from tests.catalog import repositories
from tests.catalog.world import World, openapi
from tests.conftest import Person

PATH = "genesys/queues/v2/openapi.json"


def document(*, staging: bool) -> str:
    text = json.loads(
        openapi(
            "/queues",
            "/queues/{id}",
            *(["/queues/{id}/members"] if staging else []),
            portal={"owner": "Voice", "lifecycle": "beta"},
        )
    )
    text["components"]["securitySchemes"] = {
        "oauth": {
            "type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": "https://x.example/t", "scopes": {"webhook:manage": "hooks"}}},
        }
    }
    text["paths"]["/queues"]["post"] = {
        "operationId": "createQueue",
        "summary": "Create a queue <script>alert(1)</script>",
        "description": "Makes **one**. <script>alert(2)</script>",
        "deprecated": True,
        "tags": ["writing"],
        "security": [{"oauth": ["webhook:manage"]}],
        "parameters": [{"name": "dry", "in": "query", "schema": {"type": "boolean"}}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewQueue"}}}},
        "responses": {"201": {"description": "Made."}, "default": {"description": "Anything else."}},
    }
    text["components"]["schemas"]["NewQueue"] = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "maxLength": 64, "example": "Support"},
            "queue": {"$ref": "#/components/schemas/Queue"},
            "deep": {"type": "object", "properties": {"b": {"type": "object", "properties": {"c": {"type": "string"}}}}},
        },
    }
    return json.dumps(text, indent=2)


@pytest.fixture
def published(world: World) -> World:
    commit = world.everywhere({PATH: document(staging=False), "cxone/users/v1/openapi.json": openapi("/users", title="Users")})
    repositories.tag(world.specs, "2026.1", commit)
    world.write("staging", {PATH: document(staging=True)})
    world.sync()
    return world


@pytest.fixture
def architect(published: World, sign_in: Callable[..., Person]) -> Client:
    return sign_in("ada", groups=["integration-architects"]).client


@pytest.fixture
def developer(published: World, sign_in: Callable[..., Person]) -> Client:
    return sign_in("dora", groups=["sandbox-developers"]).client


def page(client: Client, address: str, *, status: int = 200, htmx: bool = False) -> str:
    response = client.get(address, headers={"HX-Request": "true"} if htmx else {})
    assert response.status_code == status, response.content[:500]
    return str(response.content.decode())


OPERATION = "/apis/genesys-queues-v2/staging/operations/createQueue"
PAGES = [
    "/",
    "/apis",
    "/apis/genesys-queues-v2/staging",
    OPERATION,
    f"{OPERATION}/swagger",
    "/apis/genesys-queues-v2/staging/schemas",
    "/apis/genesys-queues-v2/staging/schemas?pointer=%23/components/schemas/Queue",
    "/search?q=queue",
    "/api/docs/",
]


def test_no_page_has_a_script_or_a_style_of_its_own(architect: Client) -> None:
    for address in PAGES:
        text = page(architect, address)
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), address
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text), address
        assert "alert(" not in re.sub(r"&lt;script&gt;alert\(\d\)&lt;/script&gt;", "", text), address


def test_every_page_asks_a_stranger_to_sign_in(published: World) -> None:
    for address in PAGES:
        response = Client().get(address)
        assert response.status_code in (302, 401), address
        assert b"Queues" not in response.content, address


def test_the_catalog_has_a_row_for_every_api_and_a_cell_for_every_environment(developer: Client) -> None:
    text = page(developer, "/apis")
    assert "2 APIs · 4 operations" in text
    assert "2026.1" in text
    assert "not here" in text  # Users is not in staging any more
    assert "Voice" in text


def test_facets_are_in_the_query_and_htmx_gets_the_rows_alone(developer: Client) -> None:
    assert "1 API · 3 operations" in page(developer, "/apis?owner=Voice")
    assert "1 API · 4 operations" in page(developer, "/apis?owner=Voice&environment=staging")
    assert "No API matches" in page(developer, "/apis?lifecycle=retired")
    rows = page(developer, "/apis?q=users", htmx=True)
    assert "<html" not in rows
    assert "1 API · 1 operation" in rows


def test_an_api_without_an_environment_leads_to_the_first_that_has_it(developer: Client) -> None:
    response = developer.get("/apis/genesys-queues-v2")
    assert (response.status_code, response["Location"]) == (302, "/apis/genesys-queues-v2/sandbox")


def test_an_api_says_where_it_goes_who_owns_it_and_where_its_text_is_from(developer: Client) -> None:
    text = page(developer, "/apis/genesys-queues-v2/staging")
    for words in (
        "https://api.staging.example/api/v2",
        "owner Voice",
        PATH,
        "at most 8 calls a second",
        "webhook:manage",
        "/queues/{id}/members",
    ):
        assert words in text
    assert "attacker.example" not in text


def test_an_operation_shows_its_text_scopes_parameters_body_and_answers(architect: Client) -> None:
    text = page(architect, OPERATION)
    assert "Create a queue &lt;script&gt;" in text
    assert "Makes <strong>one</strong>." in text
    assert "needs <code>webhook:manage</code> · you have it" in text
    assert "Deprecated." in text
    for words in ("NewQueue", "at most 64 characters", "1 parameter", "201", "Anything else"):
        assert words in text
    assert f"{PATH}:" in text  # the line of the document


def test_a_scope_that_is_missing_names_who_grants_it(developer: Client) -> None:
    text = page(developer, OPERATION)
    assert "granted by integration-architects" in text
    assert "Would be refused." in text
    assert "scope_forbidden" in text
    assert re.search(r"data-send disabled", text)


def test_before_sending_the_page_says_where_it_goes_and_offers_an_example(architect: Client) -> None:
    text = page(architect, OPERATION)
    assert "https://api.staging.example/api/v2/queues" in text
    assert 'data-gateway="/gateway/staging/genesys-queues-v2"' in text
    assert "&quot;name&quot;: &quot;Support&quot;" in text
    assert "data-confirm" not in text


def test_without_script_the_printed_command_carries_the_whole_request(architect: Client) -> None:
    hidden = html.unescape(page(architect, OPERATION).split("<noscript>")[1].split("</noscript>")[0])
    assert "-H 'Content-Type: application/json'" in hidden
    assert """--data-raw '{\n  "name": "Support"\n}'""" in hidden
    assert "/gateway/staging/genesys-queues-v2/queues" in hidden


def test_a_sandbox_says_that_the_document_answers_without_a_token(architect: Client) -> None:
    text = page(architect, OPERATION.replace("staging", "sandbox"))
    assert "answers from the document: no token is needed" in text
    assert "nobody" not in text


def test_empty_objects_are_left_out_of_a_form_example() -> None:
    body = _body("application/x-www-form-urlencoded", {"name": "x", "expand": [], "metadata": {"a": {}}, "n": 0}, ("metadata",))
    assert json.loads(body.text) == {"name": "x", "n": 0}
    assert json.loads(_body("application/json", {"expand": []}, ()).text) == {"expand": []}


def test_a_protected_environment_wants_its_name_or_says_who_may_write(architect: Client, sign_in: Callable[..., Person]) -> None:
    address = OPERATION.replace("staging", "production")
    refused = page(architect, address)
    assert "Production is read-only for you. platform-team would allow it." in refused
    assert "read-only" in refused.split("</header>")[0]
    owner = sign_in("petra", groups=["platform-team"])
    assert "read-only" not in page(owner.client, address).split("</header>")[0]


def test_a_deeper_level_is_a_link_and_a_fragment(architect: Client) -> None:
    text = page(architect, OPERATION)
    address = next(one for one in re.findall(r'hx-get="([^"]+)"', text) if "deep" in one)
    fragment = page(architect, address.replace("&amp;", "&"), htmx=True)
    assert "<html" not in fragment
    assert ">c<" in fragment
    whole = page(architect, address.replace("&amp;", "&"))
    assert "<html" in whole


def test_a_schema_that_contains_itself_links_to_itself(architect: Client) -> None:
    text = page(architect, "/apis/genesys-queues-v2/staging/schemas?pointer=%23/components/schemas/Queue")
    assert "it contains itself" in text


def test_an_operation_missing_here_says_so_and_where_it_is(developer: Client) -> None:
    text = page(developer, "/apis/genesys-queues-v2/production/operations/getQueuesByIdMembers", status=404)
    assert "is not in Production" in text
    assert 'href="/apis/genesys-queues-v2/staging/operations/getQueuesByIdMembers"' in text
    assert 'href="/apis/genesys-queues-v2/production"' in text
    assert "Responses" not in text  # nothing of another environment under this one's name


def test_an_api_missing_here_says_so_and_where_it_is(developer: Client) -> None:
    text = page(developer, "/apis/cxone-users-v1/staging", status=404)
    assert 'href="/apis/cxone-users-v1/production"' in text
    assert "is not in Staging" in page(developer, "/apis/cxone-users-v1/staging/operations/getUsers", status=404)


NOWHERE = [
    "/apis/nothing",
    "/apis/nothing/staging",
    "/apis/genesys-queues-v2/nowhere",
    "/apis/genesys-queues-v2/staging/operations/nothing",
    "/apis/genesys-queues-v2/staging/schemas?pointer=%23/nothing",
    "/apis/genesys-queues-v2/staging/schemas?pointer=%00",
    "/apis/genesys-queues-v2/staging/schemas?operation=nothing&pointer=%23/x",
]


def test_what_does_not_exist_anywhere_is_a_404_page(developer: Client) -> None:
    for address in NOWHERE:
        assert "404" in page(developer, address, status=404), address


def test_the_tree_is_a_fragment_the_browser_keeps_until_the_document_changes(developer: Client) -> None:
    text = page(developer, OPERATION)
    address = re.search(r'hx-get="(/apis/[^"]+/tree/[0-9a-f]{16})"', text)
    assert address is not None
    response = developer.get(address[1])
    assert "immutable" in response["Cache-Control"]
    assert "private" in response["Cache-Control"]
    assert response.content.count(b"<a ") == 4
    assert b"csrf" not in response.content
    old = developer.get(address[1][:-16] + "0" * 16)
    assert (old.status_code, old["Location"]) == (302, address[1])


def test_search_finds_operations_apis_and_schemas_and_the_palette_adds_actions(developer: Client) -> None:
    text = page(developer, "/search?q=queue")
    assert "/queues/{id}" in text
    assert ">NewQueue<" in text
    assert "Nothing found" in page(developer, "/search?q=zzzz")
    assert "Try a path" in page(developer, "/search")
    palette = page(developer, "/search?palette=1&q=token", htmx=True)
    assert "Create a token" in palette
    assert "<html" not in palette


def test_where_titles_repeat_the_slug_stands_beside_them(world: World, sign_in: Callable[..., Person]) -> None:
    documents = {f"cxone/{name}/v1/openapi.json": openapi("/users", title="Users") for name in ("users", "people")}
    world.everywhere(documents | {PATH: openapi("/queues")})
    world.sync()
    client = sign_in("dora", groups=["sandbox-developers"]).client
    for address in ("/search?q=users", "/search?palette=1&q=users", "/"):
        text = page(client, address)
        for slug in ("cxone-users-v1", "cxone-people-v1"):
            assert re.search(f"<code[^>]*>{slug}</code>", text), address
        assert ">genesys-queues-v2</code>" not in text


def test_the_environment_control_keeps_the_page_and_its_query(developer: Client) -> None:
    text = page(developer, "/apis/genesys-queues-v2/staging/schemas?pointer=%23/components/schemas/Queue")
    assert 'href="/apis/genesys-queues-v2/production/schemas?pointer=%23%2Fcomponents%2Fschemas%2FQueue"' in text
    assert 'href="/apis?environment=production&amp;owner=Voice"' in page(developer, "/apis?environment=staging&owner=Voice")


def test_an_operation_page_is_small_and_costs_few_queries(architect: Client, django_assert_max_num_queries: Any) -> None:
    page(architect, OPERATION)
    with django_assert_max_num_queries(24):
        response = architect.get(OPERATION, headers={"Accept-Encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip"
    assert len(response.content) < 25_000


def test_home_leads_with_search_and_shows_what_was_published_and_what_i_may_do(developer: Client) -> None:
    text = page(developer, "/")
    assert text.index('role="search"', text.index("<main")) < text.index("Published lately")
    assert "4 operations in" in text or "5 operations in" in text
    assert "documents only, no calls" in text  # production, for a developer
    assert "No calls yet" in text


def test_two_apis_of_one_title_are_told_apart_on_home_and_in_the_list(published: World, architect: Client) -> None:
    published.everywhere({PATH: openapi(), "cxone/queues/v1/openapi.json": openapi()})
    published.sync()
    for address in ("/", "/apis"):
        text = page(architect, address)
        for slug in ("genesys-queues-v2", "cxone-queues-v1"):
            assert f"<code>{slug}</code>" in text


def test_somebody_without_a_role_sees_nothing_of_the_catalog(published: World, sign_in: Callable[..., Person]) -> None:
    client = sign_in("nora", groups=[]).client
    for address in PAGES:
        response = client.get(address)
        assert response.status_code == 403
        assert b"/queues" not in response.content
        row = response.content.decode().split("integration-architects")[1].split("</tr>")[0]
        assert row.index("sandbox") < row.index("staging") < row.index("production"), "in promotion order"
