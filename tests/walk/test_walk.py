"""The newcomer's walk: ``make run``, sign in, find an operation of a real document, take a token, call it, read what was
right and wrong with the call, and find it in the audit log. In a real Chromium, with axe looking at every page."""

from __future__ import annotations

import http.client
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from demo.repositories import git, make_documents_repository
from demo.world import open_world, read_world
from tests.demo.running import Demo, demo
from tests.plugin import SHARED
from tests.walk.browsing import chromium, visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

REAL = {"main": "genesys-purecloud-platform-v2-older.json", "staging": "genesys-purecloud-platform-v2-2017-09.json"}


@dataclass(frozen=True)
class Target:
    """The operation of the walk: what is typed to find it, where it must be found, what the platform gets to see."""

    words: str
    api: str
    key: str
    path: str
    parameter: str
    wrong: str


WITH_REAL_DOCUMENT = Target("current user details", "genesys-platform-v2", "getUsersMe", "/api/v2/users/me", "expand", "nonsense")
WITH_DEMO_DOCUMENT = Target("list users", "genesys-integration-v2", "listUsers", "/users", "pageSize", "1000")


@dataclass(frozen=True)
class Stage:
    """What the walk needs: a running demo, a browser, the operation."""

    running: Demo
    browser: Browser
    target: Target

    def switch(self, *faults: dict[str, Any]) -> None:
        """Switch faults of the demo platform."""
        connection = http.client.HTTPConnection("127.0.0.1", read_world(self.running.home).platform_port, timeout=10)
        try:
            connection.request("PUT", "/_faults", body=json.dumps(faults))
            assert connection.getresponse().status == 200
        finally:
            connection.close()


def add_real_documents(home: Path) -> bool:
    """Commit the real Genesys documents to the documents repository, as a person would. False when they are not at hand."""
    sources = {branch: SHARED / "documents" / name for branch, name in REAL.items()}
    if not all(source.is_file() for source in sources.values()):
        return False
    world = open_world(home)
    make_documents_repository(world)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name) / "work"
        git("clone", "--quiet", str(world.documents_repository), str(work), folder=Path(name))
        for branch, source in sources.items():
            git("checkout", "--quiet", branch, folder=work)
            folder = work / "genesys" / "platform" / "v2"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "openapi.json").write_bytes(source.read_bytes())
            git("add", "--all", folder=work)
            git("commit", "--quiet", "--message", "The platform's own document", folder=work)
            git("push", "--quiet", "origin", branch, folder=work)
    return True


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    # The Sync page shows this path, and a camera looks at the Sync page.
    with tempfile.TemporaryDirectory(prefix="portal-") as name:
        home = Path(name)
        target = WITH_REAL_DOCUMENT if add_real_documents(home) else WITH_DEMO_DOCUMENT
        with demo(home) as running, chromium() as browser:
            yield Stage(running, browser, target)


def newcomer_calls(stage: Stage) -> None:
    """Find an operation, call it, see what was right and wrong."""
    target = stage.target
    with visitor(stage.browser, stage.running.url) as dana:
        page = dana.page
        dana.sign_in("developer")
        expect(page).to_have_title(re.compile("Portal"))
        dana.look("home")

        # Search, find it, open it.
        dana.go(f"/search?environment=staging&q={target.words.replace(' ', '+')}")
        dana.look("search")
        page.locator(f"main a[href='/apis/{target.api}/staging/operations/{target.key}']").first.click()
        expect(page.locator("main h1")).to_be_visible()
        expect(page.locator("[data-url]")).to_contain_text(target.path)
        dana.look("operation")

        # Take a token for it.
        dana.go("/tokens?platform=genesys&environment=staging")
        page.get_by_label("integration:read").check()
        page.get_by_label("Purpose").fill("Reading users for the order screen")
        page.get_by_role("button", name="Take token").click()
        expect(page.get_by_role("region", name="Tokens you hold")).to_contain_text("Reading users for the order screen")
        dana.look("tokens")

        # A request that does not match is refused before it leaves, with the place and the reason.
        dana.go(f"/apis/{target.api}/staging/operations/{target.key}")
        expect(page.locator("[data-lease]")).to_contain_text("integration:read")
        page.locator(f"[data-name={target.parameter}] input").fill(target.wrong)
        page.locator("[data-send]").click()
        answer = page.locator("aside, .column-right").last
        expect(answer).to_contain_text("422")
        expect(answer).to_contain_text("The portal refused")
        page.get_by_role("tab", name="Contract").click()
        expect(page.locator("[data-answer-contract]")).to_contain_text(target.parameter)
        dana.look("refused")

        # Mended, it goes through and matches.
        page.locator(f"[data-name={target.parameter}] input").fill("")
        page.locator("[data-send]").click()
        expect(answer).to_contain_text("200 OK")
        expect(answer).to_contain_text("matches")
        dana.look("answered")

        # An answer the document does not describe is passed on and reported.
        stage.switch({"kind": "wrong_schema"})
        try:
            page.locator("[data-send]").click()
            expect(answer.get_by_text("matches", exact=True)).to_have_count(0)
            expect(answer).to_contain_text("200")
            expect(page.locator("[data-answer-contract] .finding")).not_to_have_count(0)
        finally:
            stage.switch()

        page.get_by_role("link", name="permalink").click()
        expect(page).to_have_url(re.compile(r"/calls/[0-9a-f-]+$"))
        dana.look("call")
        dana.go("/calls")
        expect(page.locator("main")).to_contain_text("request_invalid")
        dana.look("calls")
        assert not dana.complaints, "\n".join(dana.complaints)


def platform_team_reads(stage: Stage) -> None:
    """Find it again in the audit log, and what could not be read on the Sync page."""
    with visitor(stage.browser, stage.running.url) as pat:
        page = pat.page
        pat.sign_in("platform", "/audit")
        entries = page.locator("main")
        for text in (
            "Dana Developer signed in",
            "Dana Developer got a token for genesys staging",
            f"{stage.target.path}",
            "request_invalid",
        ):
            expect(entries).to_contain_text(text)
        pat.look("audit")
        pat.go("/sync")
        expect(page.locator("main")).to_contain_text("cxone/recording/v1/openapi.yaml")
        expect(page.locator("main")).to_contain_text("not YAML")
        pat.look("sync")
        for name, path in (
            ("apis", "/apis"),
            ("api", f"/apis/{stage.target.api}/staging"),
            ("quotas", "/quotas"),
            ("webhooks", "/webhooks"),
        ):
            pat.go(path)
            pat.look(name)
        assert not pat.complaints, "\n".join(pat.complaints)


def test_a_newcomer_s_call_is_checked_sent_answered_and_read_in_the_audit_log(stage: Stage) -> None:
    newcomer_calls(stage)
    platform_team_reads(stage)


def test_a_developer_is_told_which_group_may_read_the_log(stage: Stage) -> None:
    with visitor(stage.browser, stage.running.url) as dana:
        dana.sign_in("developer", "/audit")
        expect(dana.page.locator("main")).to_contain_text("platform-team")
        dana.look("forbidden")
        assert not dana.complaints, "\n".join(dana.complaints)


def test_somebody_in_no_group_is_told_so(stage: Stage) -> None:
    with visitor(stage.browser, stage.running.url) as noor:
        noor.sign_in("nobody")
        noor.look("no-access")
        expect(noor.page.locator("body")).to_contain_text("group")
        assert not noor.complaints, "\n".join(noor.complaints)


def test_signing_out_at_the_provider_ends_the_sign_in_here(stage: Stage) -> None:
    with visitor(stage.browser, stage.running.url) as ari:
        ari.sign_in("architect")
        ari.page.goto(read_world(stage.running.home).issuer)
        ari.page.get_by_role("button", name="Sign out here and at the portal").click()
        expect(ari.page.get_by_role("heading", name="Who are you today?")).to_be_visible()
        # The logout token travels from server to server; the next page here asks to sign in again.
        for _ in range(50):
            ari.go("/account")
            if "/sign-in" in ari.page.url:
                break
            ari.page.wait_for_timeout(100)
        assert "/sign-in" in ari.page.url


def test_the_operation_reads_with_scripts_off(stage: Stage) -> None:
    context = stage.browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"{stage.running.url}/apis/{stage.target.api}/staging/operations/{stage.target.key}")
        page.get_by_role("button", name=re.compile("developer", re.IGNORECASE)).click()
        expect(page.locator("main h1")).to_be_visible()
        expect(page.locator("main")).to_contain_text(stage.target.parameter)
        expect(page.locator("main")).to_contain_text("Responses")
    finally:
        context.close()
