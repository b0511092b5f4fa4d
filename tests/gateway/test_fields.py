"""Which header fields go out, and which of an answer come back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fields import NEVER_FORWARDED, answer_fields, chosen_cookies, outgoing_fields
from portal.errors import Malformed


def test_only_the_listed_and_the_declared_go_out() -> None:
    headers = [
        ("host", "portal"),
        ("accept", "application/json"),
        ("authorization", "Bearer pk_secret"),
        ("cookie", "portal=abc"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-org", "7"),
        ("x-unknown", "1"),
        ("x-portal-confirm", "production"),
    ]
    kept, dropped = outgoing_fields(headers, declared={"x-org", "authorization", "x-forwarded-for"}, cookies="")
    assert kept == [("accept", "application/json"), ("x-org", "7")]
    assert dropped == ["authorization", "cookie", "host", "x-forwarded-for", "x-portal-confirm", "x-unknown"]


@given(name=st.sampled_from(sorted(NEVER_FORWARDED)))
def test_a_document_cannot_declare_its_way_to_a_forbidden_field(name: str) -> None:
    assert outgoing_fields([(name, "x")], declared={name}, cookies="") == ([], [name])


@pytest.mark.parametrize("value", ["a\x00b", "café", "a\x7f", "a\rb"])
def test_a_value_that_is_not_visible_ascii_is_refused(value: str) -> None:
    with pytest.raises(Malformed) as refusal:
        outgoing_fields([("x-org", value)], declared={"x-org"}, cookies="")
    assert refusal.value.code == "malformed_header"


def test_the_portals_own_cookies_never_leave() -> None:
    header = "portal=secret; theme=dark; portal-csrf=x; other=1"
    assert chosen_cookies(header, declared={"theme", "portal"}, own={"portal", "portal-csrf"}) == "theme=dark"


def test_what_acts_on_a_browser_stays_in_the_record() -> None:
    kept, dropped = answer_fields(
        [
            ("Content-Type", "text/html"),
            ("Content-Encoding", "gzip"),
            ("Set-Cookie", "a=b"),
            ("Access-Control-Allow-Origin", "*"),
            ("X-Portal-Origin", "portal"),
            ("Location", "http://169.254.169.254/"),
            ("Clear-Site-Data", "*"),
            ("Connection", "close, X-Hop"),
            ("X-Hop", "1"),
            ("Transfer-Encoding", "chunked"),
            ("X-RateLimit-Remaining", "4"),
            ("bad name", "x"),
            ("x-bad-value", "a\x00"),
        ]
    )
    assert kept == [("content-type", "text/html"), ("content-encoding", "gzip"), ("x-ratelimit-remaining", "4")]
    assert dropped == [
        "access-control-allow-origin",
        "bad name",
        "clear-site-data",
        "location",
        "set-cookie",
        "x-bad-value",
        "x-portal-origin",
    ]
