"""Drift as people and programs see it: the matrix, the changes of one API, the notice on an operation's page."""

from __future__ import annotations

import html
import json
import re
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import ConsoleMessage, sync_playwright
from pytest_django import DjangoAssertNumQueries

from catalog import actions
from catalog.models import Branch, Comparison
from tests.catalog import repositories
from tests.catalog.test_api import IDENTITY_QUERIES
from tests.catalog.test_drift import QUEUES
from tests.catalog.world import World, openapi
from tests.conftest import Person
from tests.plugin import browser_path

SLUG = "genesys-queues-v2"
DRIFT = f"/apis/{SLUG}/staging/drift?from=production"


def document(*, staging: bool) -> str:
    """Staging is ahead: an operation removed, one deprecated, one added, a property newly required."""
    text = json.loads(openapi("/queues", "/calls/{id}", "/added" if staging else "/removed"))
    if staging:
        text["paths"]["/calls/{call}"] = text["paths"].pop("/calls/{id}")
        text["paths"]["/calls/{call}"]["get"]["parameters"][0]["name"] = "call"
        text["paths"]["/calls/{call}"]["get"]["deprecated"] = True
    schema = {"type": "object", "required": ["name"] if staging else [], "properties": {"name": {"type": "string"}}}
    text["paths"]["/queues"]["post"] = {
        "operationId": "createQueue",
        "summary": "Create a queue",
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {"201": {"description": "Made."}},
    }
    return json.dumps(text)


@pytest.fixture
def drifted(world: World) -> World:
    files = {"cxone/users/v1/openapi.json": openapi("/users", title="Users")}
    world.everywhere({QUEUES: document(staging=False), **files})
    for branch in ("staging", "develop"):
        world.write(branch, {QUEUES: document(staging=True)})
    world.sync()
    return world


@pytest.fixture
def compared(drifted: World) -> World:
    actions.compare_due()
    return drifted


@pytest.fixture
def developer(drifted: World, sign_in: Callable[..., Person]) -> Client:
    return sign_in("dora", groups=["sandbox-developers"]).client


def answer(client: Client, address: str, status: int = 200) -> Any:
    response = client.get(address)
    assert response.status_code == status, response.content
    return response.json()


def text_of(client: Client, address: str, status: int = 200) -> str:
    """The page's words, without markup."""
    response = client.get(address)
    assert response.status_code == status, response.content
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


def test_programs_get_the_matrix_and_the_changes_of_an_api(
    developer: Client, compared: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(IDENTITY_QUERIES + 4):  # rules, publications, comparisons, branches
        told = answer(developer, "/api/v1/drift")
    assert (told["from"], told["to"], told["next"]) == ("production", "staging", None)
    queues, users = told["results"]
    assert {name: queues[name] for name in ("api", "platform", "state", "breaking", "warning", "info", "url")} == {
        "api": SLUG, "platform": "genesys", "state": "changed", "breaking": 2, "warning": 0, "info": 2, "url": DRIFT,
    }  # fmt: skip
    assert (users["state"], users["missing_in"], users["breaking"], users["url"]) == ("missing", "staging", None, "")
    (back,) = answer(developer, "/api/v1/drift?from=staging&to=sandbox")["results"]
    assert (back["state"], back["breaking"]) == ("in_sync", 0)
    assert answer(developer, "/api/v1/drift?to=production")["from"] == "staging"
    # The changes of one API name both commits and read as the command writes them.
    with django_assert_max_num_queries(IDENTITY_QUERIES + 4):  # rules, two publications, the comparison
        told = answer(developer, f"/api/v1/apis/{SLUG}/drift?from=production&to=staging")
    assert told["from"]["commit"] == repositories.head(compared.specs, "main")
    assert told["to"]["commit"] == repositories.head(compared.specs, "staging")
    assert (told["state"], told["breaking"], told["warning"], told["info"], told["truncated"]) == ("changed", 2, 0, 2, False)
    assert [(one["level"], one["operation"], one["location"]) for one in told["changes"]] == [
        ("breaking", "POST /queues", "request.body.name"),
        ("breaking", "GET /removed", ""),
        ("info", "GET /added", ""),
        ("info", "GET /calls/{call}", ""),
    ]
    assert set(told["changes"][0]) == {"rule", "level", "operation", "location", "text"}
    assert answer(developer, f"/api/v1/apis/{SLUG}/drift?from=staging&to=sandbox")["changes"] == []


def test_what_is_not_there_is_named(developer: Client) -> None:
    for address, status, code in (
        ("/api/v1/drift?from=mars", 404, "unknown_environment"),
        (f"/api/v1/apis/{SLUG}/drift?to=mars", 404, "unknown_environment"),
        ("/api/v1/apis/nothing/drift", 404, "unknown_api"),
        ("/api/v1/apis/cxone-users-v1/drift", 404, "unknown_api"),
        ("/api/v1/drift?from=staging&to=staging", 400, "malformed"),
    ):
        assert answer(developer, address, status)["code"] == code, address
    assert "unknown_environment" in text_of(developer, f"/apis/{SLUG}/mars/drift", 404)
    assert "unknown_api" in text_of(developer, "/apis/cxone-users-v1/staging/drift", 404)


def test_no_verdict_is_no_zero(developer: Client) -> None:
    told = answer(developer, f"/api/v1/apis/{SLUG}/drift")
    assert (told["state"], told["breaking"], told["changes"]) == ("not_compared", None, [])
    assert "not compared yet" in text_of(developer, "/drift")
    assert "Not compared yet." in text_of(developer, DRIFT)
    Comparison.objects.update(state="failed", reason="Comparing took more than 120 seconds.")
    assert answer(developer, "/api/v1/drift")["results"][0]["reason"] == "Comparing took more than 120 seconds."
    assert "could not be compared" in text_of(developer, "/drift")
    Branch.objects.filter(environment="staging").update(published_at=None)
    assert [one["state"] for one in answer(developer, "/api/v1/drift")["results"]] == ["failed", "never_synced"]
    assert "Staging never synced" in text_of(developer, "/drift")
    assert "Comparing took more than 120 seconds." in text_of(developer, DRIFT)


def test_the_pages_say_it_in_sentences(developer: Client, compared: World, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    matrix = text_of(developer, "/drift")
    assert "4 changes 2 breaking" in matrix and "in sync" in matrix and "not in Staging or Sandbox" in matrix
    assert "Users" not in text_of(developer, "/drift?show=breaking").split("2 breaking")[0].split("Filter")[1]
    page = text_of(developer, DRIFT)
    for sentence in (
        "Body property name became required.",
        "The operation was removed with its path, without having been deprecated.",
        "The operation became deprecated.",
        "The operation was added.",
    ):
        assert sentence in page
    assert "became deprecated" not in text_of(developer, f"{DRIFT}&level=breaking")
    body = developer.get(DRIFT).content.decode()
    assert f'href="/apis/{SLUG}/production/operations/getRemoved"' in body, "what is gone is shown where it still is"
    assert f'href="/apis/{SLUG}/staging/operations/createQueue"' in body
    for address, count in {"/drift": 8, DRIFT: 12}.items():
        with django_assert_max_num_queries(count):
            developer.get(address)
    # Switching to the environment that was compared with compares it with its neighbour.
    assert "Staging → Production" in text_of(developer, f"/apis/{SLUG}/production/drift?from=production")


def test_an_operation_says_how_it_differs_on_both_sides_and_the_tree_marks_it(developer: Client, compared: World) -> None:
    here = text_of(developer, f"/apis/{SLUG}/staging/operations/createQueue")
    assert "Differs in Production. New here: Body property name became required. breaking See both" in here
    there = text_of(developer, f"/apis/{SLUG}/production/operations/createQueue")
    assert "Differs in Staging. New there: Body property name became required. breaking See both" in there
    renamed = text_of(developer, f"/apis/{SLUG}/production/operations/getCallsById")
    assert "Differs in Staging. New there: The operation became deprecated." in renamed, "though its parameter is called otherwise there"
    assert "Differs in" not in text_of(developer, f"/apis/{SLUG}/staging/operations/getQueues")
    assert "Differs in" not in text_of(developer, f"/apis/{SLUG}/sandbox/operations/createQueue")
    assert "Create a queue 1 breaking" in text_of(developer, f"/apis/{SLUG}/staging")
    (address,) = set(re.findall(r'hx-get="(/apis/[^"]+/tree/[^"]+)"', developer.get(f"/apis/{SLUG}/staging").content.decode()))
    assert "?drift=" in address, "the browser keeps the tree, so its address changes with its chips"
    assert "Create a queue 1 breaking" in text_of(developer, address)
    old = developer.get(address.partition("?")[0])
    assert (old.status_code, old["Location"]) == (302, address)
    assert DRIFT in html.unescape(developer.get(f"/apis/{SLUG}/staging/operations/getRemoved").content.decode())


def test_an_operation_whose_changes_were_too_many_to_keep_says_how_many(developer: Client, compared: World) -> None:
    for row in Comparison.objects.exclude(body=b""):
        counted = json.loads(zlib.decompress(bytes(row.body)))
        Comparison.objects.filter(pk=row.pk).update(body=zlib.compress(json.dumps(counted | {"changes": []}).encode()))
    here = text_of(developer, f"/apis/{SLUG}/staging/operations/createQueue")
    assert "Differs in Production in 1 place, 1 of them breaking. See both" in here
    assert "New here" not in here


def heard(complaints: list[str], message: ConsoleMessage) -> None:
    if message.type in ("error", "warning"):
        complaints.append(message.text)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_pages_can_be_used_by_everybody(compared: World, sign_in: Callable[..., Person], live_server: Any) -> None:
    cookies = sign_in("dora", groups=["sandbox-developers"]).client.cookies
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        for width, scheme in ((1440, "light"), (390, "dark")):
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
            context.add_cookies([{"name": name, "value": one.value, "url": live_server.url} for name, one in cookies.items()])
            page, complaints = context.new_page(), list[str]()
            page.on("console", partial(heard, complaints))
            for address in ("/drift", DRIFT):
                page.goto(live_server.url + address, wait_until="load")
                assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{address} is wider than the screen"
                serious = [one["id"] for one in Axe().run(page).response["violations"] if one["impact"] in ("serious", "critical")]
                assert serious == [], f"{address}: {serious}"
            page.get_by_role("link", name="Breaking 2").click()
            page.wait_for_url("**level=breaking")
            assert page.get_by_text("became deprecated").count() == 0
            assert complaints == []
            context.close()
        browser.close()
