"""The bench in a real browser: what is read first, what works by keyboard and click, light and dark, wide and narrow."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from harness import selectors
from harness.actions import endpoints
from harness.actions.receiving import Incoming, receive
from harness.models import HookEndpoint
from harness.signatures.signing import sign
from harness.tasks import sweep
from tests.conftest import Person
from tests.harness.signing import signature
from tests.walk.browsing import Visitor, chromium, visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SECRET = "a webhook secret of 30 letters"
BODY = '{ "event": "call.completed", "weight": 10.0,\r\n  "name": "J\u00f6rg \u2713" }\n'.encode()


@pytest.fixture
def opened(owner: Person, live_server: Any) -> Callable[[], Any]:
    """A browser that is signed in as the owner; what a page complains about fails the test."""

    @contextmanager
    def browse() -> Iterator[Visitor]:
        with chromium() as browser, visitor(browser, live_server.url) as here:
            cookies = owner.client.cookies.values()
            here.page.context.add_cookies([{"name": one.key, "value": one.value, "url": live_server.url} for one in cookies])
            yield here
            assert here.complaints == []

    return browse


def make(owner: Person, profile: str = "genesys") -> HookEndpoint:
    return endpoints.create_endpoint(by=owner.caller, name="Call outcomes", profile=profile, secret=SECRET, debug=True)


def hand_in(hook: HookEndpoint, value: str, body: bytes = BODY, headers: dict[str, str] | None = None) -> Any:
    pairs = (("x-genesys-signature", value), ("content-type", "application/json"), ("user-agent", "axios/1.7"), *(headers or {}).items())
    return receive(endpoint_id=hook.pk, incoming=Incoming(tuple(pairs), "", body, "10.20.4.7"))


def sweep_once() -> None:
    try:
        sweep()
    finally:
        connection.close()


def test_a_refusal_is_explained_before_anything_else(owner: Person, opened: Callable[[], Any]) -> None:
    hook = make(owner)
    hand_in(hook, signature(SECRET.encode(), BODY), headers={"x-request-id": "6f2a-91"})
    hand_in(hook, signature(SECRET.encode(), BODY), headers={"x-request-id": "6f2a-91"})
    hand_in(hook, signature(SECRET.encode(), json.dumps(json.loads(BODY), separators=(",", ":"), ensure_ascii=False).encode()))
    with opened() as here:
        here.go(f"/webhooks/{hook.pk}")
        text = here.page.inner_text("main")
        order = ["Refused: answered 401.", "Signed over re-serialized JSON", "Change in the sender", "How it was verified", "As it arrived"]
        positions = [text.index(words) for words in order]
        assert positions == sorted(positions)
        assert "const text = rawBody;" in here.page.inner_text("#change-1-node")
        here.page.locator(".explanation").get_by_role("tab", name="Python").click()
        assert "text = raw_body" in here.page.inner_text("#change-1-python")
        here.look("webhook-refused")
        here.page.get_by_role("link", name="Verified", exact=True).click()
        here.page.get_by_text("Verified: answered 200.").wait_for()
        here.go("/webhooks")
        here.page.get_by_text("Settings of the profile").click()
        here.look("webhook-bench")


def test_the_longer_search_shows_how_far_it_is_and_ends_by_itself(owner: Person, opened: Callable[[], Any]) -> None:
    hook = make(owner)
    hand_in(hook, signature(SECRET.encode() + b"\n", json.dumps(json.loads(BODY)).encode()))
    with opened() as here:
        here.go(f"/webhooks/{hook.pk}")
        here.page.get_by_text("Not explained").wait_for()
        here.page.get_by_role("button", name="Search longer").click()
        here.page.get_by_text("Searching for the mistake").wait_for()
        with ThreadPoolExecutor(1) as worker:  # the browser's loop runs in this thread
            worker.submit(sweep_once).result()
        here.page.get_by_text("It also used the secret with a line feed at its end.").wait_for()


def test_a_corrected_secret_verifies_what_was_refused(owner: Person, opened: Callable[[], Any]) -> None:
    hook = make(owner)
    hand_in(hook, signature(b"what the platform really signs with", BODY))
    with opened() as here:
        here.go(f"/webhooks/{hook.pk}")
        here.page.get_by_label("New secret").fill("what the platform really signs with")
        here.page.get_by_role("button", name="Save").click()
        here.page.get_by_role("button", name="Verify again").click()
        here.page.get_by_text("It is verified now.").wait_for()
        here.page.get_by_text("Verified: answered 401.").wait_for()
        here.page.keyboard.press("r")
        here.page.get_by_text("Duplicate: answered 200.").wait_for()
        here.page.get_by_role("button", name="Retire the secret").first.click()
        here.page.get_by_text("counts no longer").wait_for()
        here.page.get_by_role("button", name="One bit flipped").click()
        here.page.get_by_text("Refused: answered 401.").wait_for()
        here.look("webhook-sent")


def test_what_is_not_text_and_what_is_stale(owner: Person, opened: Callable[[], Any]) -> None:
    hook = make(owner)
    hand_in(hook, "00" * 32, gzip.compress(BODY), headers={"content-encoding": "gzip"})
    slack = make(owner, "slack")
    bare = selectors.request_to(slack, headers=(), query="", body=BODY)
    pairs = sign(selectors.profile(slack), SECRET.encode(), bare, timestamp=1_700_000_000, identity="")
    receive(endpoint_id=slack.pk, incoming=Incoming(tuple(pairs), "", BODY, "10.20.4.7"))
    with opened() as here:
        here.go(f"/webhooks/{hook.pk}")
        here.page.get_by_text("The body is compressed", exact=True).wait_for()
        here.go(f"/webhooks/{slack.pk}")
        here.page.get_by_text("Signed too long ago").wait_for()
