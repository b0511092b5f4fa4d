"""Header fields, both ways: what goes out is on a list, what comes back is passed on unless it acts on a browser."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from portal.errors import Malformed

Fields = list[tuple[str, str]]

# What a call may carry beside the operation's own header parameters.
FORWARDED = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "content-type",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "prefer",
        "range",
        "traceparent",
    }
)
# Never, even when a document declares a parameter of that name: they steer the connection, the routing or the sign-in.
NEVER_FORWARDED = frozenset(
    {
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "http2-settings",
        "keep-alive",
        "origin",
        "referer",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
        "x-csrftoken",
        "x-http-method-override",
        "x-original-url",
        "x-real-ip",
        "x-request-id",
        "x-rewrite-url",
    }
)
_NEVER_PREFIXES = ("proxy-", "x-forwarded-", "x-portal-", "sec-")

# RFC 9110 §7.6.1, and framing, which is the portal's own.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "date",
        "server",
    }
)
# They would act on the browser in the portal's own name.
_BROWSER_ACTING = frozenset(
    {
        "accept-ch",
        "activate-storage-access",
        "age",
        "alt-svc",
        "cache-control",
        "clear-site-data",
        "content-disposition",
        "content-location",
        "content-security-policy",
        "content-security-policy-report-only",
        "critical-ch",
        "document-policy",
        "expect-ct",
        "expires",
        "feature-policy",
        "integrity-policy",
        "integrity-policy-report-only",
        "link",
        "location",
        "nel",
        "no-vary-search",
        "origin-agent-cluster",
        "origin-trial",
        "permissions-policy",
        "pragma",
        "proxy-authenticate",
        "public-key-pins",
        "referrer-policy",
        "refresh",
        "report-to",
        "reporting-endpoints",
        "service-worker-allowed",
        "service-worker-navigation-preload",
        "set-cookie",
        "set-cookie2",
        "set-login",
        "sourcemap",
        "speculation-rules",
        "strict-transport-security",
        "supports-loading-mode",
        "timing-allow-origin",
        "use-as-dictionary",
        "www-authenticate",
        "x-accel-buffering",
        "x-accel-redirect",
        "x-content-type-options",
        "x-dns-prefetch-control",
        "x-frame-options",
        "x-permitted-cross-domain-policies",
        "x-sendfile",
        "x-sourcemap",
        "x-xss-protection",
    }
)
_BROWSER_ACTING_PREFIXES = ("access-control-", "cross-origin-", "x-portal-", "x-accel-", "sec-")

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VALUE = re.compile(r"[\t\x20-\x7e]*\Z")
_ANSWER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z")


def outgoing_fields(headers: Iterable[tuple[str, str]], *, declared: Collection[str], cookies: str) -> tuple[Fields, list[str]]:
    """The fields of the caller that go on, and the names of those that do not.

    ``declared`` are the lower-case names of the operation's header parameters; ``cookies`` is the Cookie field made of the
    operation's own cookie parameters, "" for none. Raises Malformed (``malformed_header``) for a value that is not visible
    ASCII: servers disagree about everything else.
    """
    kept: Fields = []
    dropped: set[str] = set()
    for name, value in headers:
        if not _may_go_out(name, declared):
            dropped.add(name)
            continue
        if not _VALUE.match(value):
            raise Malformed(f"The header {name} has a character that cannot be sent. Use visible ASCII.", code="malformed_header")
        kept.append((name, value))
    if cookies:
        dropped.discard("cookie")
        kept.append(("cookie", cookies))
    return kept, sorted(dropped)


def _may_go_out(name: str, declared: Collection[str]) -> bool:
    if name in NEVER_FORWARDED or name.startswith(_NEVER_PREFIXES):
        return False
    return name in FORWARDED or name in declared


def chosen_cookies(header: str, *, declared: Collection[str], own: Collection[str]) -> str:
    """The part of a Cookie field made of the operation's cookie parameters; the portal's ``own`` cookies are never in it."""
    pairs = (part.strip() for part in header.split(";"))
    return "; ".join(pair for pair in pairs if (name := pair.partition("=")[0].strip()) in declared and name not in own)


def answer_fields(headers: Iterable[tuple[str, str]]) -> tuple[Fields, list[str]]:
    """The fields of an upstream answer that go back to the caller, and the names of those that stay in the record."""
    received = [(name.lower(), value) for name, value in headers]
    listed = {token.strip().lower() for name, value in received if name == "connection" for token in value.split(",")}
    kept: Fields = []
    dropped: set[str] = set()
    for name, value in received:
        if name in _HOP_BY_HOP or name in listed:
            continue
        acts = name in _BROWSER_ACTING or name.startswith(_BROWSER_ACTING_PREFIXES)
        if acts or not _NAME.match(name) or not _ANSWER_VALUE.match(value):
            dropped.add(name)
        else:
            kept.append((name, value))
    return kept, sorted(dropped)
