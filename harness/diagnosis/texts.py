"""What a sender may have put around the body in place of the text the profile signs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from harness.diagnosis.values import Change
from harness.signatures.profile import Profile
from harness.signatures.reading import signed_text
from harness.signatures.values import Request

Builder = Callable[[bytes], bytes]
_SEPARATORS = (".", "", ":", "\n", ",", "-", "|", "_", " ", "&", ";", "/")
_TITLE = "Another text was signed"


def _text(name: str, words: str, title: str = _TITLE) -> Change:
    return Change(f"text.{name}", "text", title, words)


def clock_of(profile: Profile, request: Request) -> str:
    """The time the sender names, wherever it stands; ""."""
    if profile.timestamp_pair:
        found = re.search(rf"(?:^|,)\s*{re.escape(profile.timestamp_pair)}=([0-9]+)", request.value(profile.header))
        if found:
            return found[1]
    if profile.timestamp_header and request.value(profile.timestamp_header):
        return request.value(profile.timestamp_header)
    names = [name for name, _value in request.headers if re.search(r"time|(?:^|-)ts$|date", name.lower())]
    return next((request.value(name) for name in names if re.fullmatch(r"[0-9]{9,16}", request.value(name))), "")


def identity_of(profile: Profile, request: Request) -> str:
    """The id the sender gives, wherever it stands; ""."""
    own = request.value(profile.id_header)
    if own:
        return own
    names = [name for name, _value in request.headers if re.search(r"(?:^|-)(?:id|delivery|nonce)$", name.lower())]
    return next((request.value(name) for name in names if request.value(name)), "")


def right(profile: Profile, request: Request) -> Builder | None:
    """From a body to the text as it should be; None where the construction has no template, or a part of it is not there."""
    if profile.construction != "template":
        return None
    clock, identity = clock_of(profile, request), identity_of(profile, request)
    if ("{timestamp}" in profile.template and not clock) or ("{id}" in profile.template and not identity):
        return None
    return lambda body: signed_text(profile, replace(request, body=body), clock, identity)


def variants(profile: Profile, request: Request) -> Iterator[tuple[Change, Builder]]:
    """Every other text once, as long as it differs for this body."""
    usual = right(profile, request)
    seen = {usual(b"body")} if usual is not None else set()
    for change, build in _all(profile, request):
        sample = build(b"body")
        if sample not in seen:
            seen.add(sample)
            yield change, build


def _all(profile: Profile, request: Request) -> Iterator[tuple[Change, Builder]]:
    clock, identity = clock_of(profile, request), identity_of(profile, request)
    words = "signed the body alone."
    if "{timestamp}" in profile.template:
        words = "signed the body alone, without the time."
    yield _text("body-only", words), lambda body: body
    if clock:
        yield from _clocks(profile, request, clock, identity)
    if identity:
        for separator in (".", "", ":", "\n", "-"):
            yield _joined("id", f"put the id{_named(separator)} before the body.", identity, separator)
        if clock:
            for separator in (".", ":", "", "\n", "-"):
                start = f"{identity}{separator}{clock}"
                yield _joined("id-timestamp", f"signed id, time and body{_between(separator)}.", start, separator)
                start = f"{clock}{separator}{identity}"
                yield _joined("timestamp-id", f"signed time, id and body{_between(separator)}.", start, separator)
    yield from _addresses(profile, request, clock)


def _joined(name: str, words: str, start: str, separator: str) -> tuple[Change, Builder]:
    front = f"{start}{separator}".encode("utf-8", "replace")
    return _text(name, words), lambda body: front + body


def _named(separator: str) -> str:
    return f" and {_spelled(separator)}" if separator else ""


def _between(separator: str) -> str:
    return f" with {_spelled(separator)} between them" if separator else " with nothing between them"


def _spelled(separator: str) -> str:
    return {"\n": "a line feed", " ": "a space"}.get(separator, f"“{separator}”")


def _clocks(profile: Profile, request: Request, clock: str, identity: str) -> Iterator[tuple[Change, Builder]]:
    usual = right(profile, request)
    if usual is not None and "{timestamp}" in profile.template and clock.isdigit():
        others = [("milliseconds", "signed the time in milliseconds, but sent seconds.", f"{clock}000")]
        if len(clock) >= 12:
            others.append(("seconds", "signed the time in seconds, but sent milliseconds.", clock[:-3]))
        for shift in (-2, -1, 1, 2):
            others.append(
                (
                    "second-off",
                    f"took the time twice: signed one {abs(shift)} s {'before' if shift < 0 else 'after'}.",
                    str(int(clock) + shift),
                )
            )
        for name, words, other in others:
            yield _text(f"timestamp-{name}", words, "Another time was signed than sent"), _with_clock(profile, request, other, identity)
    for separator in _SEPARATORS:
        yield _joined("timestamp-first", f"put the time{_named(separator)} before the body.", clock, separator)
    for separator in _SEPARATORS:
        end = f"{separator}{clock}".encode()
        yield _text("timestamp-last", f"put{_named(separator).replace(' and', '')} the time behind the body."), _appended(end)
    for version in ("v0", "v1"):
        for separator in (":", "."):
            start = f"{version}{separator}{clock}"
            yield _joined(f"{version}-timestamp", f"signed {version}, time and body{_between(separator)}.", start, separator)


def _with_clock(profile: Profile, request: Request, clock: str, identity: str) -> Builder:
    return lambda body: signed_text(profile, replace(request, body=body), clock, identity)


def _appended(end: bytes) -> Builder:
    return lambda body: body + end


def _prefixed(start: bytes) -> Builder:
    return lambda body: start + body


def _addresses(profile: Profile, request: Request, clock: str) -> Iterator[tuple[Change, Builder]]:
    if not request.url:
        return
    parts = urlsplit(request.url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    other = "http" if parts.scheme == "https" else "https"
    addresses = {
        "url": ("the whole address", request.url),
        "url-scheme": (f"the address with {other}://, as it looks behind a proxy,", parts._replace(scheme=other).geturl()),
        "url-slash": ("the address with a slash at its end", request.url + "/"),
        "url-no-query": ("the address without its query", parts._replace(query="").geturl()),
        "path": ("the path", path),
        "host": ("the host", parts.netloc),
    }
    for name, (words, address) in addresses.items():
        yield _text(name, f"put {words} before the body."), _prefixed(address.encode())
        yield _text(f"{name}-last", f"put {words} behind the body."), _appended(address.encode())
    for separator in ("", "\n", ".", " "):
        yield _joined("method-path", f"signed method, path and body{_between(separator)}.", f"POST{separator}{path}", separator)
        if clock:
            start = f"{clock}{separator}POST{separator}{path}"
            yield _joined("timestamp-method-path", f"signed time, method, path and body{_between(separator)}.", start, separator)
    yield _text("url-only", "signed the address alone, not the body."), lambda _body: request.url.encode()
