"""A person at a real Chromium: signs in, looks at pages the way axe and a camera do, and notices what goes wrong in them."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.plugin import browser_path

WIDTHS = {1440: 900, 390: 844}
SCHEMES = ("light", "dark")
SERIOUS = {"serious", "critical"}
# The machine that runs this compiles megabytes of documents at the same time.
expect.set_options(timeout=30_000)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visitor:
    """One browser profile. ``complaints`` is what the browser said: script errors, refused resources, serious axe findings."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(f"{self.base}{path}")

    def sign_in(self, account: str, path: str = "/") -> None:
        """Open ``path`` as a stranger, press the account's button at the provider, and arrive."""
        self.go(path)
        self.look("sign-in")
        self.page.get_by_role("button", name=re.compile(account, re.IGNORECASE)).click()
        self.page.wait_for_url(f"{self.base}/**")

    def look(self, name: str) -> None:
        """Check the page with axe in light and dark, and photograph it when asked to."""
        folder = os.environ.get("PORTAL_SCREENSHOTS")
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            for width, height in WIDTHS.items():
                self.page.set_viewport_size({"width": width, "height": height})
                self._measure(f"{name}, {scheme}, {width} px")
                if width == 1440 or scheme == "light":
                    self._examine(f"{name}, {scheme}, {width} px")
                if folder:
                    self.page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", animations="disabled")
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size({"width": 1440, "height": 900})

    def _examine(self, where: str) -> None:
        for violation in Axe().run(self.page).response["violations"]:
            if violation["impact"] in SERIOUS:
                nodes = "; ".join(
                    " ".join(node["target"]) if isinstance(node["target"][0], str) else "?" for node in violation["nodes"][:3]
                )
                self.complaints.append(f"{where}: {violation['id']} ({violation['help']}) at {nodes}")

    def _measure(self, where: str) -> None:
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            self.complaints.append(f"{where}: the page is {wide} px wider than the window")


@contextlib.contextmanager
def visitor(browser: Browser, base: str) -> Iterator[Visitor]:
    """A fresh browser profile at ``base``."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="UTC")
    page = context.new_page()
    here = Visitor(page, base)

    def on_console(message: ConsoleMessage) -> None:
        # An answer that is not 2xx is also written to the console; those are what some steps are about.
        if message.type == "error" and "Failed to load resource" not in message.text:
            here.complaints.append(f"console on {page.url}: {message.text}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: here.complaints.append(f"script on {page.url}: {error}"))
    try:
        yield here
    finally:
        context.close()
