"""What the pages do in a real browser: the tree, levels that open, the palette, the theme, the form and its samples."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

from tests.catalog.test_pages import PATH, document
from tests.catalog.world import World
from tests.conftest import Person
from tests.plugin import browser_path

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OPERATION = "/apis/genesys-queues-v2/staging/operations/createQueue"
STYLES = "/apis/genesys-queues-v2/staging/operations/styles"
ARRAY = {"type": "array", "items": {"type": "string"}}
OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}


def with_styles() -> str:
    """The document of the page tests with one operation that has every way to write a parameter."""
    text = json.loads(document(staging=True))
    text["paths"]["/styles/{plain}/{list}"] = {
        "get": {
            "operationId": "styles",
            "parameters": [
                {"name": "plain", "in": "path", "required": True, "schema": {"type": "string"}},
                {"name": "list", "in": "path", "required": True, "schema": ARRAY},
                {"name": "exploded", "in": "query", "schema": ARRAY},
                {"name": "joined", "in": "query", "explode": False, "schema": ARRAY},
                {"name": "piped", "in": "query", "style": "pipeDelimited", "explode": False, "schema": ARRAY},
                {"name": "deep", "in": "query", "style": "deepObject", "schema": OBJECT},
                {"name": "choice", "in": "query", "schema": {"type": "string", "enum": ["x", "y"]}},
                {"name": "X-Text", "in": "header", "schema": {"type": "string"}},
            ],
            "responses": {"200": {"description": "Fine."}},
        }
    }
    return json.dumps(text)


@pytest.fixture
def opened(world: World, sign_in: Callable[..., Person], live_server: Any) -> Callable[..., Any]:
    """Opens a browser as an architect; what the page complains about fails the test."""
    world.everywhere({PATH: with_styles()})
    world.sync()
    cookie = sign_in("ada", groups=["integration-architects"]).client.cookies

    @contextmanager
    def browse(**options: Any) -> Iterator[tuple[Page, str]]:
        complaints: list[str] = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
            context = browser.new_context(**options)
            context.add_cookies([{"name": one.key, "value": one.value, "url": live_server.url} for one in cookie.values()])
            page = context.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None)
            yield page, live_server.url
            browser.close()
        assert complaints == []

    return browse


def test_the_tree_knows_where_we_are_and_can_be_filtered(opened: Callable[..., Any]) -> None:
    with opened() as (page, base):
        page.goto(base + OPERATION)
        page.wait_for_selector("#tree-list")
        current = page.locator("#tree-list a[aria-current=page]")
        assert current.get_attribute("href") == OPERATION
        page.keyboard.press("/")
        page.keyboard.type("members")
        assert page.locator("#tree-list li:visible").count() == 1
        assert page.inner_text("#tree-found") == "1 found"
        page.keyboard.press("Escape")
        assert page.locator("#tree-list li:visible").count() == 5


def test_a_level_opens_in_place(opened: Callable[..., Any]) -> None:
    with opened() as (page, base):
        page.goto(base + OPERATION)
        level = page.locator(".node-more[hx-get*=deep]").first
        level.locator("summary").click()
        level.locator(".nodes .node-key", has_text="c").wait_for()


def test_a_facet_narrows_the_list_in_place_and_stays_in_the_address(opened: Callable[..., Any]) -> None:
    with opened() as (page, base):
        page.goto(base + "/apis")
        page.keyboard.press("/")
        page.keyboard.type("nothing like it")
        page.get_by_text("No API matches").wait_for()
        page.wait_for_url(re.compile(r"/apis\?q=nothing"))
        page.reload()
        assert page.input_value("#facet-q") == "nothing like it"
        assert page.get_by_text("No API matches").is_visible()


def test_the_palette_finds_and_goes(opened: Callable[..., Any]) -> None:
    with opened() as (page, base):
        page.goto(base + "/apis")
        page.keyboard.press("Control+k")
        page.locator(".palette input").fill("createQueue")
        page.wait_for_selector(".palette a[data-chosen]")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("operations/createQueue$"))


def test_the_theme_follows_the_system_until_one_is_chosen(opened: Callable[..., Any]) -> None:
    with opened(color_scheme="dark") as (page, base):
        page.goto(base + "/apis")
        root = page.locator("html")
        assert root.get_attribute("data-theme") == "dark"
        page.click("details.menu summary")
        page.click("[data-theme-choice=light]")
        assert root.get_attribute("data-theme") == "light"
        page.reload()
        assert root.get_attribute("data-theme") == "light"


def test_parameters_are_written_in_the_style_their_document_declares(opened: Callable[..., Any]) -> None:
    with opened() as (page, base):
        page.goto(base + STYLES)
        page.wait_for_selector("form[data-wired]")
        for name, value in {
            "plain": "a/b c",
            "list": "x, y",
            "exploded": "1, 2",
            "joined": "1, 2",
            "piped": "1, 2",
            "deep": '{"a": "&"}',
            "X-Text": "it's",
        }.items():
            page.evaluate(
                "([name, value]) => { const one = document.querySelector(`.try-field[data-name='${name}'] :is(input, textarea)`);"
                " one.value = value; one.dispatchEvent(new Event('input', {bubbles: true})); }",
                [name, value],
            )
        address = page.inner_text("[data-url]").split(" ", 1)[1]
        path, _, query = address.partition("?")
        assert path == "https://api.staging.example/api/v2/styles/a%2Fb%20c/x,y"
        assert parse_qsl(query) == [("exploded", "1"), ("exploded", "2"), ("joined", "1,2"), ("piped", "1|2"), ("deep[a]", "&")]
        sample = page.text_content("[data-sample=curl]") or ""
        assert "-H 'X-Text: it'\\''s'" in sample
        assert "$TOKEN" in sample


def test_findings_stand_beside_the_form_before_anything_is_sent(opened: Callable[..., Any]) -> None:
    with opened() as (page, base):
        page.goto(base + OPERATION)
        page.fill("[data-body]", '{"name": 7}')
        page.locator("[data-findings] li").wait_for()
        assert "/name" in page.inner_text("[data-findings]")
        assert page.inner_text("[data-state]") == "1 finding to mend first"
        assert page.inner_text("[data-size]") == "11 B"
        page.fill("[data-body]", "x" * 524_289)
        assert "larger than 512 KB" in page.inner_text("[data-findings]")


def test_a_body_that_is_not_json_is_not_sent_and_the_answer_before_is_marked(opened: Callable[..., Any]) -> None:
    with opened() as (page, base):
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url) if "/gateway/" in request.url else None)
        page.goto(base + OPERATION.replace("staging", "sandbox"))
        page.wait_for_selector("form[data-wired]")
        page.click("[data-send]")
        page.locator("[data-answer-status]", has_text=re.compile(r"\d")).wait_for()
        assert len(sent) == 1
        assert page.locator("[data-answer-previous]").is_hidden()
        page.fill("[data-body]", "{oops")
        page.click("[data-send]")
        assert "Nothing was sent: the body is not JSON" in page.inner_text("[data-body-error]")
        assert page.locator("[data-body]").get_attribute("aria-invalid") == "true"
        assert page.inner_text("[data-answer-previous]") == "From the call before: nothing was sent this time."
        assert len(sent) == 1
        page.fill("[data-body]", "{}")
        assert page.locator("[data-body-error]").is_hidden()


def test_a_missing_confirmation_is_asked_for_in_words(opened: Callable[..., Any], sign_in: Callable[..., Person]) -> None:
    owner = sign_in("petra", groups=["platform-team", "integration-architects"]).client.cookies
    with opened() as (page, base):
        page.context.add_cookies([{"name": one.key, "value": one.value, "url": base} for one in owner.values()])
        page.goto(base + OPERATION.replace("staging", "production"))
        page.wait_for_selector("form[data-wired]")
        page.click("[data-send]")
        alert = page.locator("[data-confirm-error][role=alert]")
        assert alert.inner_text() == "Nothing was sent. Type “production” here to send it."
        assert page.evaluate("document.activeElement.id") == "try-confirm"


def test_a_narrow_page_does_not_scroll_sideways_and_nothing_serious_is_found(opened: Callable[..., Any]) -> None:
    for scheme in ("light", "dark"):
        with opened(viewport={"width": 390, "height": 844}, color_scheme=scheme) as (page, base):
            for address in ("/", "/apis", "/apis/genesys-queues-v2/staging", OPERATION, "/search?q=queue"):
                page.goto(base + address)
                page.wait_for_load_state("networkidle")
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
                found = Axe().run(page).response["violations"]
                serious = [(one["id"], one["nodes"][0]["target"]) for one in found if one["impact"] in ("serious", "critical")]
                assert serious == [], address


def test_on_a_narrow_page_the_current_tab_is_in_view_and_the_header_has_two_rows(opened: Callable[..., Any]) -> None:
    with opened(viewport={"width": 390, "height": 844}) as (page, base):
        page.goto(base + "/quotas")
        tab = page.locator(".navigation a[aria-current]")
        tab.wait_for()
        page.wait_for_function("document.querySelector('.navigation ul').scrollLeft > 0")
        box = tab.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert page.locator("header.top").bounding_box()["height"] < 110


def test_everything_can_be_read_without_script(opened: Callable[..., Any]) -> None:
    with opened(java_script_enabled=False) as (page, base):
        page.goto(base + OPERATION)
        for words in ("Makes one.", "NewQueue", "needs webhook:manage", "Responses"):
            assert words in page.inner_text("main")
        page.goto(base + "/search?q=createQueue")
        page.click("a:has-text('/queues')")
        assert page.url == base + OPERATION.replace("staging", "sandbox")
