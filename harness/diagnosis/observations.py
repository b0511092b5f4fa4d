"""What can be seen without trying anything: headers that are missing or nearly there, clocks, compressed and empty bodies."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from harness.diagnosis.texts import clock_of
from harness.diagnosis.values import Area, Finding
from harness.signatures.profile import DIGEST_SIZES, Profile
from harness.signatures.reading import looks_like
from harness.signatures.values import Request

QUARTER = 900  # seconds: time zones differ by quarters of an hour
ABOUT = 120  # seconds a delivery may be late on top of that
MILLISECONDS = 100_000_000_000  # a number of seconds this large lies in the year 5138


def observed(profile: Profile, request: Request, reason: str, skew: int | None, live_secrets: int) -> list[Finding]:
    """What explains ``reason`` or hints at it, the most telling first."""
    found = list(_setup(live_secrets))
    if reason == "signature_missing":
        found += _missing(profile, request)
    elif reason == "signature_repeated":
        text = f"The header {profile.header} came more than once. A proxy or a middleware adds it a second time, or it is set with add, not set."
        found.append(_seen("header.repeated", "header", "The signature came twice", text))
    elif reason in {"timestamp_stale", "timestamp_ahead"} and skew is not None:
        found.append(_clock(profile, request, skew))
    elif reason in {"timestamp_missing", "timestamp_malformed", "id_missing"}:
        found += _other_header(profile, request, reason)
    elif reason == "signature_malformed":
        found += _malformed(profile, request)
    elif reason == "body_malformed":
        found.append(_seen("body.not-json", "body", "The body is not JSON", "It was signed and sent as it is; its content type says JSON."))
    if reason == "signature_wrong":
        found += _hints(request)
    return found


def _seen(name: str, area: Area, title: str, text: str) -> Finding:
    return Finding(name, area, title, text, proved=False)


def _setup(live_secrets: int) -> Iterator[Finding]:
    if not live_secrets:
        yield _seen("setup.no-secret", "setup", "This webhook has no live secret", "Add the one the platform signs with.")


def near_names(wanted: str, request: Request) -> list[str]:
    """Headers whose names are nearly the one that is missing, or that say what it says."""

    def bare(name: str) -> str:
        return re.sub(r"[^a-z0-9]", "", name.lower()).removeprefix("x")

    names = dict.fromkeys(name.lower() for name, _value in request.headers)
    close = set(difflib.get_close_matches(bare(wanted), [bare(name) for name in names], n=5, cutoff=0.8))
    return [name for name in names if bare(name) in close and name != wanted]


def _missing(profile: Profile, request: Request) -> Iterator[Finding]:
    if request.values(profile.header):
        text = "The header is there, but empty: the variable that should hold the signature was not filled."
        yield _seen("header.empty", "header", "The signature is empty", text)
        return
    near = near_names(profile.header, request)
    if near:
        text = f"There is no header {profile.header}, but {', '.join(near)} is nearly it."
        yield _seen("header.near", "header", "The header has another name", text)
        return
    text = f"There is no header {profile.header}. The sender does not sign, or something on the way removed the header"
    underscored = " (proxies drop names with underscores)" if "_" in profile.header or "-" in profile.header else ""
    yield _seen("header.missing", "header", "There is no signature", f"{text}{underscored}.")


def _other_header(profile: Profile, request: Request, reason: str) -> Iterator[Finding]:
    wanted = profile.id_header if reason == "id_missing" else profile.timestamp_header
    if reason == "timestamp_malformed":
        value = request.value(wanted)
        kind = "a date in words" if re.search(r"[A-Za-z:]", value) else "a number with a fraction" if "." in value else "not a number"
        yield _seen(
            "clock.format", "clock", "The time is written in another form", f"{wanted} is {kind}; whole seconds since 1970 are expected."
        )
        return
    near = near_names(wanted, request) if wanted else []
    what = "id" if reason == "id_missing" else "time"
    tail = f" {', '.join(near)} is nearly it." if near else ""
    place = wanted or f"{profile.timestamp_pair}= in {profile.header}"
    yield _seen(f"header.{what}-missing", "header", f"The {what} is missing", f"{place} is part of what is signed and is not there.{tail}")


def _clock(profile: Profile, request: Request, skew: int) -> Finding:
    sent = clock_of(profile, request)
    if sent.isdigit() and int(sent) >= MILLISECONDS:
        return _seen("clock.milliseconds", "clock", "The time is in milliseconds", f"{sent} is milliseconds; whole seconds are expected.")
    late = abs(skew)
    direction = "in the past" if skew < 0 else "in the future"
    quarters = round(late / QUARTER)
    if 2 <= quarters <= 56 and abs(late - quarters * QUARTER) <= ABOUT and quarters % 2 == 0:
        hours = quarters / 4
        text = f"The time lies {hours:g} hours {direction}, give or take {abs(late - quarters * QUARTER)} s: local time was taken for UTC."
        return _seen("clock.zone", "clock", "The time is of another time zone", text)
    if skew < 0:
        text = f"It was signed {late} s before it arrived, more than {profile.tolerance} s: the sender's clock is slow, or an old delivery was sent again."
        return _seen("clock.stale", "clock", "Signed too long ago", text)
    text = f"It was signed {late} s in the future, more than {profile.tolerance} s: the sender's clock is fast."
    return _seen("clock.ahead", "clock", "Signed in the future", text)


def _malformed(profile: Profile, request: Request) -> Iterator[Finding]:
    if profile.construction != "template":
        return
    value = request.value(profile.header)
    if re.fullmatch(r"\{.*\}|<.*>|\$\{?\w+\}?|undefined|null|None|\[object \w+\]", value):
        yield _seen("value.placeholder", "value", "The header holds a placeholder", f"{value[:40]} was sent in place of a signature.")
        return
    size = DIGEST_SIZES.get(profile.algorithm)
    bare = value.removeprefix(profile.prefix)
    if size is not None and re.fullmatch(r"[0-9A-Fa-f]+", bare) and profile.encoding == "hex" and len(bare) < 2 * size:
        text = f"The signature has {len(bare)} of {2 * size} hexadecimal digits: {looks_like(bare)}, or it was cut."
        yield _seen("value.length", "value", "The signature has another length", text)


def _hints(request: Request) -> Iterator[Finding]:
    coding = request.value("content-encoding")
    if coding:
        text = f"The body came with Content-Encoding: {coding[:40]}. The compressed bytes are what is signed here; sign them after compressing."
        yield _seen("hint.compressed", "body", "The body is compressed", text)
    if not request.body:
        text = "An empty body came. Something on the way may have read it, or it was not sent."
        yield _seen("hint.empty", "body", "The body is empty", text)
    hops = sorted({name.lower() for name, _value in request.headers} & {"via", "x-forwarded-for", "forwarded", "x-amz-cf-id", "cf-ray"})
    if hops:
        text = f"It came through a proxy ({', '.join(hops)}), which may have changed the body."
        yield _seen("hint.proxy", "header", "A proxy is on the way", text)
