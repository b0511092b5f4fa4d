"""Headers as they may be kept and shown: which ones there were, without what would let anybody in."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "•••"
_SECRET_NAMES = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "authentication-info",
        "cookie",
        "set-cookie",
        "x-csrftoken",
        "x-api-key",
        "api-key",
        "apikey",
        "x-auth-token",
        "x-access-token",
        "x-amz-security-token",
        "ocp-apim-subscription-key",
    }
)
_SECRET_WORDS = re.compile(r"(?:^|[-_])(?:token|secret|password|passwd|signature|apikey|api-key|session|credential)s?(?:$|[-_])")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,20}) +\S")
_COOKIE = re.compile(r"\s*([^=;\s]{1,80})=")


def mask_header(name: str, value: str) -> str:
    """``value`` as it may be kept: an authorization scheme or a cookie's name stays, what it vouches with does not."""
    lowered = name.lower()
    if lowered not in _SECRET_NAMES and not _SECRET_WORDS.search(lowered):
        return value
    if lowered.endswith("authorization") and (scheme := _SCHEME.match(value)):
        return f"{scheme.group(1)} {MASK}"
    if lowered == "cookie":
        return "; ".join(f"{found.group(1)}={MASK}" for part in value.split(";") if (found := _COOKIE.match(part))) or MASK
    if lowered == "set-cookie" and (found := _COOKIE.match(value)):
        _pair, separator, attributes = value.partition(";")
        return f"{found.group(1)}={MASK}{separator}{attributes}"
    return MASK


def mask_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Every header of a message, masked; order and repetitions kept."""
    return [(name, mask_header(name, value)) for name, value in headers]
