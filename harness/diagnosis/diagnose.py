"""Putting it together: what was seen, and what the search found, in the order a person should read it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence

from harness.diagnosis import bodies
from harness.diagnosis.observations import observed
from harness.diagnosis.received import received
from harness.diagnosis.search import Hit, Progress, Search
from harness.diagnosis.texts import clock_of, identity_of
from harness.diagnosis.values import Diagnosis, Finding
from harness.signatures.encodings import first_difference, visible
from harness.signatures.profile import Profile
from harness.signatures.reading import signed_text
from harness.signatures.values import Request, Secret

# The first difference is written in three lines: where, what was to be signed, what was signed.
AT_ONCE_BYTES, AT_ONCE_BODY = 4_000_000, 4_096  # what is tried while a person waits
DEEP_BYTES, DEEP_BODY = 67_108_864, 1_048_576  # what a worker tries
SEARCHED = {"signature_missing", "signature_malformed", "signature_wrong", "timestamp_missing", "timestamp_malformed", "id_missing"}


def diagnose(
    profile: Profile,
    secrets: Sequence[Secret],
    request: Request,
    *,
    reason: str,
    skew: int | None = None,
    others: Sequence[tuple[str, Secret]] = (),
    deep: bool = False,
    progress: Progress | None = None,
) -> Diagnosis:
    """Explain a refusal. At once: no mistake but the writing, then one. ``deep``: two and three together.

    ``reason`` and ``skew`` are those of the verdict. Nothing in the findings holds a secret or an expected value.
    """
    seen = observed(profile, request, reason, skew, len(secrets))
    if reason in {"digest_wrong", "body_not_covered"}:
        seen += _digests(request)
    if reason not in SEARCHED:
        return Diagnosis(tuple(seen), 0, 0, 0)
    search = Search(
        profile,
        request,
        secrets,
        others,
        {one.value: one for one in reversed(received(profile, request))},
        DEEP_BYTES if deep else AT_ONCE_BYTES,
        DEEP_BODY if deep else AT_ONCE_BODY,
        progress,
    )
    level = search.run((0, 1, 2, 3) if deep else (0, 1))
    proved = [_finding(profile, request, hit) for hit in search.hits]
    shown = proved or [finding for finding in seen if not finding.id.startswith("hint.")]
    hints = [] if proved else [finding for finding in seen if finding.id.startswith("hint.")]
    return Diagnosis(tuple(shown + hints), level, search.tried, search.hashed, search.whole)


def explained(diagnosis: Diagnosis) -> bool:
    """Whether a cause was found; hints alone explain nothing."""
    return any(not finding.id.startswith("hint.") for finding in diagnosis.findings)


def _finding(profile: Profile, request: Request, hit: Hit) -> Finding:
    order = ("body", "text", "key", "algorithm", "header", "value")
    changes = sorted(hit.changes, key=lambda change: order.index(change.area))
    first = changes[0]
    title = (
        first.title
        if len(changes) == 1
        else f"{first.title}, and {len(changes) - 1} more"
        if len(changes) > 2
        else _both(first.title, changes[1].title)
    )
    text = f"The sender {first.words}" + "".join(f" It also {change.words}" for change in changes[1:])
    signed = difference = ""
    if any(change.area in {"body", "text"} for change in changes):
        signed, difference = _compared(_expected(profile, request), hit.text)
    return Finding(
        "+".join(change.id for change in changes),
        first.area,
        title,
        text,
        True,
        tuple(change.id for change in changes),
        hit.secret,
        signed,
        difference,
    )


def _both(one: str, other: str) -> str:
    return one if one == other else f"{one}; {other[0].lower()}{other[1:]}"


def _expected(profile: Profile, request: Request) -> bytes:
    if profile.construction != "template":
        return request.body
    return signed_text(profile, request, clock_of(profile, request), identity_of(profile, request))


def _compared(expected: bytes, signed: bytes) -> tuple[str, str]:
    position = first_difference(expected, signed)
    if position is None:
        return visible(signed, 400), ""
    start = max(position - 12, 0)
    here, there = (
        visible(expected[start : position + 24], 60).replace("\n", ""),
        visible(signed[start : position + 24], 60).replace("\n", ""),
    )
    where = f"Byte {position + 1} is the first that differs.\nto be signed: {here or '(nothing more)'}\nwas signed:   {there or '(nothing more)'}"
    return visible(signed, 400), where


def _digests(request: Request) -> list[Finding]:
    """Which body the digest in a header or token is of."""
    stated = set(re.findall(r"[A-Za-z0-9+/]{43}=", request.value("content-digest")))
    for change, body in bodies.variants(request) if len(request.body) <= AT_ONCE_BODY else ():
        if base64.b64encode(hashlib.sha256(body).digest()).decode() in stated:
            signed, difference = _compared(request.body, body)
            text = f"Content-Digest is of another body: the sender {change.words}"
            return [Finding(f"digest.{change.id}", "body", change.title, text, True, (change.id,), "", signed, difference)]
    text = "The digest that is signed was made of another body than the one that arrived, which was changed on the way or after signing."
    return [Finding("digest.other", "body", "The body is not the one that was signed", text, proved=False)] if stated else []
