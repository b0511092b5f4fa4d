"""From the address that was called to the address that is called. Pure text, no I/O.

The caller chooses an environment, an API and a path; scheme, host, port and base path come from the rules alone. Every
segment of the path is decoded and encoded again, so what leaves is made of letters, digits and the marks of RFC 3986
whatever came in, and a segment that could climb out of the base path under anybody's reading of it is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlsplit

from portal.errors import Malformed, NotFound

PREFIX = "/gateway/"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,199}\Z")
_SEGMENT_SAFE = "!$&'()*+,;=:@~"  # sub-delims, ":" and "@" of RFC 3986 §3.3; unreserved is always kept
_QUERY_UNSAFE = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]{}|^`\\-]")
_MAX_DECODINGS = 3


@dataclass(frozen=True, slots=True)
class Address:
    """The three parts of ``/gateway/{environment}/{api}/{path}``; ``path`` is raw and begins with a slash."""

    environment: str
    api: str
    path: str


def split_address(raw_path: str) -> Address:
    """Read the raw path of a gateway request. Raises NotFound where a part is missing or is no name."""
    environment, _, rest = raw_path.removeprefix(PREFIX).partition("/")
    api, slash, path = rest.partition("/")
    if not (_NAME.match(environment) and _NAME.match(api)):
        raise NotFound("The address is /gateway/{environment}/{api}/{path}.", code="unknown_api")
    return Address(environment=environment, api=api, path=slash + path or "/")


def destination(base_url: str, path: str, query: str) -> str:
    """The URL to call: ``base_url``, the raw ``path`` below it encoded anew, and ``query`` as it was sent.

    Raises Malformed (``malformed_path``) for a path that cannot be said safely. The result always has the scheme, the
    host, the port and the path prefix of ``base_url``.
    """
    url = base_url.rstrip("/") + "/" + "/".join(_segments(path))
    if query:
        url += "?" + _QUERY_UNSAFE.sub(lambda found: quote_from_bytes(found[0].encode("latin-1", "replace")), query)
    base, made = urlsplit(base_url), urlsplit(url)
    if (made.scheme, made.netloc) != (base.scheme, base.netloc) or not made.path.startswith(base.path.rstrip("/") + "/"):
        raise Malformed("The path does not stay below the address of the environment.", code="malformed_path")
    return url


def _segments(path: str) -> list[str]:
    parts = path.removeprefix("/").split("/")
    if any(part == "" for part in parts[:-1]):
        raise Malformed("The path has an empty segment.", code="malformed_path")
    return [_encoded(part) for part in parts]


def _encoded(segment: str) -> str:
    raw = unquote_to_bytes(segment.encode("latin-1", "replace"))
    if any(byte < 0x20 or byte == 0x7F for byte in raw):
        raise Malformed("The path has a control character.", code="malformed_path")
    if _climbs(raw):
        raise Malformed("The path has a segment that means “the directory above”.", code="malformed_path")
    return quote_from_bytes(raw, safe=_SEGMENT_SAFE)


def _climbs(raw: bytes) -> bool:
    """Whether a server or a proxy on the way could read a dot segment here: encoded twice, with a backslash, before ``;``."""
    for _ in range(_MAX_DECODINGS):
        pieces = raw.replace(b"\\", b"/").split(b"/")
        if any(piece.split(b";", 1)[0].strip() in {b".", b".."} for piece in pieces):
            return True
        decoded = unquote_to_bytes(raw)
        if decoded == raw:
            return False
        raw = decoded
    return b"%" in raw  # still encoded after three rounds: nobody means that
