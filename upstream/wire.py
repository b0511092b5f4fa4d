"""Is this request fit to be put on a wire? Judged here because HTTP libraries are lenient in different places."""

from __future__ import annotations

import re
from functools import lru_cache

from portal.errors import Malformed, MethodNotAllowed
from upstream.messages import Outgoing, Target

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# RFC 9110 §5.6.2 token; §5.5 field values without obs-text: visible ASCII, with spaces and tabs inside only.
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9.])?|\[[0-9A-Fa-f:.]+\]")
# RFC 3986 pchar, "/" and what a query may hold on top; brackets in queries are common in practice and harmless.
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@\-]|%[0-9A-Fa-f]{2})*)*")
_QUERY = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]|^`{}\-]|%[0-9A-Fa-f]{2})*")
_DOT_SEGMENT = re.compile(r"(?:\.|%2[eE]){1,2}")
# The connection is ours: nobody above may speak for it. RFC 9110 §7.6.1, RFC 9112 §6.
CONNECTION_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@lru_cache(maxsize=1_024)
def check_base_url(base_url: str) -> str:
    """Why ``base_url`` cannot be a destination, in words; "" when it can. No name is resolved."""
    scheme, separator, rest = base_url.partition("://")
    if not separator or scheme not in {"http", "https"}:
        return "must begin with http:// or https://"
    authority, _slash, path = rest.partition("/")
    if "@" in authority:
        return "must not carry a user name or password"
    host, colon, port = authority.rpartition(":") if not authority.endswith("]") else (authority, "", "")
    if not colon:
        host, port = authority, ""
    if not _HOST.fullmatch(host):
        return "has a host that is not plain ASCII letters, digits, dots and hyphens"
    if colon and (not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65535):
        return "has a port that is not a number from 1 to 65535"
    if not _PATH.fullmatch("/" + path if path else "") or _has_dot_segment(path):
        return "has a path with characters or segments that do not belong there (no query, no fragment, no dot segments)"
    return ""


def _has_dot_segment(path: str) -> bool:
    return any(_DOT_SEGMENT.fullmatch(segment) for segment in path.split("/"))


def check_outgoing(target: Target, outgoing: Outgoing) -> None:
    """Raises MethodNotAllowed or Malformed when method, URL or a header is not fit to be sent to ``target``. Nothing is repaired."""
    if outgoing.method not in METHODS:
        raise MethodNotAllowed("This method cannot be sent.", code="method_refused")
    if problem := check_base_url(target.base_url):
        raise Malformed(f"The base URL of {target.name} {problem}.", code="url_refused")
    _check_url(target, outgoing.url)
    for name, value in outgoing.headers:
        if not _TOKEN.fullmatch(name):
            raise Malformed("A header name holds characters that header names cannot have.", code="header_refused")
        if name.lower() in CONNECTION_HEADERS:
            raise Malformed(f"The header {name} belongs to the connection and cannot be chosen.", code="header_refused")
        if not _VALUE.fullmatch(value):
            raise Malformed(
                f"The value of the header {name} holds characters that header values cannot have"
                " (only visible ASCII, with spaces and tabs inside).",
                code="header_refused",
            )


def _check_url(target: Target, url: str) -> None:
    # The base URL was judged whole, so a URL that continues it with "/" or "?" has the same scheme, host and port.
    base = target.base_url.rstrip("/")
    before_query, _mark, query = url.partition("?")
    rest = before_query[len(base) :]
    if not before_query.startswith(base) or (rest and not rest.startswith("/")):
        raise Malformed("The address does not lie below the base URL of its target.", code="url_refused")
    if not _PATH.fullmatch(rest) or _has_dot_segment(rest):
        raise Malformed("The path holds characters or dot segments that cannot be sent.", code="url_refused")
    if not _QUERY.fullmatch(query):
        raise Malformed("The query holds characters that must be percent-encoded.", code="url_refused")
