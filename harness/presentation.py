"""A delivery, its verdict and its explanation in the words and pieces of a page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson

from harness.code import advice
from harness.code.receivers import receivers
from harness.diagnosis.values import Finding
from harness.models import Delivery, Sending
from harness.sending.faults import FAULTS
from harness.signatures.encodings import visible
from harness.signatures.profile import Profile

SHOWN_BYTES = 65_536
VERDICTS = {"verified": ("Verified", "good", "✓"), "duplicate": ("Duplicate", "", "="), "refused": ("Refused", "bad", "×")}
# Reason: in the list, and as a sentence.
REASONS = {
    "signature_missing": ("no signature", "The signature header is missing or empty."),
    "signature_malformed": ("no such signature", "The signature header does not hold a signature of this kind."),
    "signature_wrong": ("signature differs", "The signature was made with another secret or over other bytes."),
    "signature_repeated": ("signature twice", "The signature header is there more than once."),
    "timestamp_missing": ("time missing", "The time that is part of the signature is missing."),
    "timestamp_malformed": ("time unreadable", "The time that is part of the signature is not a number of seconds."),
    "timestamp_stale": ("stale", "The signature is right, but it was made too long ago."),
    "timestamp_ahead": ("from the future", "The signature is right, but its time lies too far in the future."),
    "id_missing": ("id missing", "The id that is part of the signature is missing."),
    "digest_wrong": ("digest differs", "The signature is right, but the digest it covers is not the one of this body."),
    "body_not_covered": ("body not covered", "The signature is right, but it does not cover the body."),
    "body_malformed": ("broken JSON", "The signature is right, but the body is not the JSON its content type says."),
    "request_id_reused": ("id reused", "The signature is right, but the id was already used for another body."),
    "same_id": ("same id and body", "The same id and body came before: a retry, answered like the first."),
    "same_body": ("same body", "The same signed body came before under another id."),
    "": ("", "The signature was made with your secret over exactly these bytes."),
}
_ALGORITHMS = {"ed25519": "Ed25519", "ecdsa-p256-sha256": "ECDSA with P-256 and SHA-256"}
_ENCODINGS = {"hex": "hexadecimal", "base64": "Base64", "base64url": "Base64 with - and _"}


def row(delivery: Delivery, here: dict[str, str]) -> dict[str, Any]:
    """A line of the inbox."""
    words, tone, mark = VERDICTS[delivery.verdict]
    short = REASONS.get(delivery.reason, (delivery.reason, ""))[0]
    if delivery.skew is not None and delivery.reason in {"timestamp_stale", "timestamp_ahead"}:
        short = f"{short} by {abs(delivery.skew):,} s"
    url = f"?{urlencode(here | {'delivery': str(delivery.pk)})}"
    return {"delivery": delivery, "words": words, "tone": tone, "mark": mark, "short": short, "url": url}


def opened(delivery: Delivery, profile: Profile) -> dict[str, Any]:
    """The chosen delivery."""
    body = bytes(delivery.body)
    raw, pretty = _texts(body)
    return row(delivery, {}) | {
        "why": REASONS.get(delivery.reason, ("", delivery.reason))[1],
        "steps": [step | {"number": number} for number, step in enumerate(delivery.steps, 1)],
        "raw": visible(body, SHOWN_BYTES) if raw is not None else None,
        "pretty": pretty,
        "cut": len(body) > SHOWN_BYTES,
        "hex": _dump(body[:4_096]),
        "standard": standard(profile),
    }


def _texts(body: bytes) -> tuple[str | None, str]:
    """The body as text (None when it is not UTF-8), and as indented JSON ("" when it is none)."""
    try:
        raw = body[:SHOWN_BYTES].decode("utf-8", "strict" if len(body) <= SHOWN_BYTES else "ignore")
    except UnicodeDecodeError:
        return None, ""
    try:
        pretty = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode() if len(body) <= SHOWN_BYTES else ""
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pretty = ""
    return raw, pretty


def _dump(body: bytes) -> str:
    lines = []
    for start in range(0, len(body), 16):
        part = body[start : start + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in part)
        lines.append(f"{start:04x}  {part.hex(' '):<47}  {text}")
    return "\n".join(lines)


def standard(profile: Profile) -> str:
    """In a sentence how this platform signs."""
    algorithm = _ALGORITHMS.get(profile.algorithm, f"HMAC-{profile.algorithm.upper().replace('SHA', 'SHA-')}")
    special = {
        "form": "the address and the sorted form fields",
        "message-signature": "the parts that Signature-Input names, Content-Digest among them",
        "token": "a token that carries the SHA-256 of the body as payload_hash",
    }
    text = special.get(profile.construction) or _template(profile)
    how = f"{algorithm} over {text}"
    if profile.construction in {"template", "form"}:
        after = f" after {profile.prefix.strip()}" if profile.prefix else ""
        how += f", in {_ENCODINGS[profile.encoding]}{after}"
    clock = (
        f" The time may differ by {profile.tolerance} s."
        if profile.tolerance
        else " No time is signed, so an old delivery looks like a new one."
    )
    return f"{how}.{clock}"


def _template(profile: Profile) -> str:
    return "the raw body" if profile.template == "{body}" else profile.template.replace("\n", "↵")


def findings(found: list[Finding], profile: Profile) -> list[dict[str, Any]]:
    """What explains a refusal, each with the line to change in every language."""
    return [
        {"finding": finding, "number": number, "lines": advice.lines(profile, finding), "hint": finding.id.startswith("hint.")}
        for number, finding in enumerate(found, 1)
    ]


def code(profile: Profile) -> list[dict[str, str]]:
    """Verification to copy, per language."""
    return [
        {"id": language.id, "title": language.title, "highlight": language.highlight, "source": text}
        for language, text in receivers(profile)
    ]


def sent(one: Sending) -> dict[str, Any]:
    """Something the bench sent, with the whole exchange as text."""
    fault = FAULTS.get(one.fault, FAULTS[""])
    request = "\n".join(f"{name}: {value}" for name, value in one.headers) + "\n\n" + visible(bytes(one.body), 4_096)
    answer = "\n".join(f"{name}: {value}" for name, value in one.answer_headers) + "\n\n" + visible(bytes(one.answer_body), 4_096)
    as_expected = one.status is not None and str(one.status).startswith(fault.expected)
    return {"sending": one, "fault": fault, "request": request, "answer": answer, "tone": "good" if as_expected else "warning"}
