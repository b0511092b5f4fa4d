"""Was this delivery signed with one of these secrets? A pure function: no clock, no database, no Django."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import orjson

from harness.profiles import Profile

HEX_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")
PEEK = 16  # bytes of a body shown in hexadecimal at either end
SHOWN = 80  # characters of a header value shown


@dataclass(frozen=True, slots=True)
class Secret:
    """``fingerprint`` names the secret to its owner; it is all of it that is ever shown."""

    value: bytes = field(repr=False)
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at, in words its owner understands. Never shown to the sender, never holds the secret."""

    title: str
    state: Literal["good", "bad", "info"]
    text: str
    values: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"values": [list(pair) for pair in self.values]}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reason`` is "" when the delivery is verified, else signature_missing, signature_malformed, signature_wrong
    (all 401), signature_repeated or body_malformed (400)."""

    reason: str
    steps: tuple[Step, ...]
    secret: str = ""  # fingerprint of the one that fitted

    @property
    def verified(self) -> bool:
        return self.reason == ""

    @property
    def status(self) -> int:
        return 200 if self.verified else 400 if self.reason in {"signature_repeated", "body_malformed"} else 401


def verify(profile: Profile, secrets: Sequence[Secret], headers: Sequence[tuple[str, str]], body: bytes) -> Verdict:
    """Judge one delivery over its exact bytes. Header names may be in any case."""
    steps = [_bytes_step(body)]
    values = [value for name, value in headers if name.lower() == profile.header]
    if (missing := _header_step(profile, values, headers, steps)) is not None:
        return Verdict(missing, tuple(steps))
    sent = bytes.fromhex(values[0].strip())
    fitting = _compare(profile, secrets, sent, body, steps)
    if not fitting:
        return Verdict("signature_wrong", tuple(steps))
    if not _body_readable(headers, body, steps):
        return Verdict("body_malformed", tuple(steps), fitting)
    return Verdict("", tuple(steps), fitting)


def signature(secret: bytes, body: bytes) -> str:
    """What the sender puts into the header: HMAC-SHA256 of the body, hexadecimal."""
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def _bytes_step(body: bytes) -> Step:
    return Step(
        "Bytes received",
        "info",
        f"{len(body)} bytes, exactly as they arrived. The signature is computed over these and nothing else.",
        (
            ("SHA-256", hashlib.sha256(body).hexdigest()),
            ("first bytes", body[:PEEK].hex(" ") or "none"),
            ("last bytes", body[-PEEK:].hex(" ") or "none"),
        ),
    )


def _header_step(profile: Profile, values: list[str], headers: Sequence[tuple[str, str]], steps: list[Step]) -> str | None:
    """Why the header cannot be used, or None. Adds a step either way."""
    if not values:
        others = sorted({name for name, _value in headers if "sign" in name.lower() or "hmac" in name.lower()})
        near = f" Headers that look like it: {', '.join(others)}." if others else ""
        steps.append(Step("Signature header", "bad", f"There is no header {profile.header}.{near}"))
        return "signature_missing"
    shown = tuple((profile.header, value[:SHOWN]) for value in values)
    if len(values) > 1:
        steps.append(
            Step("Signature header", "bad", f"The header {profile.header} is there {len(values)} times; it must be there once.", shown)
        )
        return "signature_repeated"
    value = values[0].strip()
    if not value:
        steps.append(Step("Signature header", "bad", f"The header {profile.header} is empty."))
        return "signature_missing"
    if not HEX_SHA256.fullmatch(value):
        steps.append(
            Step("Signature header", "bad", f"Expected 64 hexadecimal digits, got {len(value)} characters: {_looks_like(value)}.", shown)
        )
        return "signature_malformed"
    steps.append(
        Step("Signature header", "good", f"{profile.header} holds 64 hexadecimal digits: 32 bytes, the length of HMAC-SHA256.", shown)
    )
    return None


def _looks_like(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9]{2,10}[=,:].+", value):
        return "it begins with a prefix, which this platform does not send"
    if re.fullmatch(r"[A-Za-z0-9+/_-]{43}=?", value):
        return "it looks like Base64 of 32 bytes instead of hexadecimal"
    if re.fullmatch(r"[0-9A-Fa-f]{40}", value):
        return "it looks like SHA-1 instead of SHA-256"
    if re.fullmatch(r"[0-9A-Fa-f]{128}", value):
        return "it looks like SHA-512 instead of SHA-256"
    return "this is not a hexadecimal SHA-256"


def _compare(profile: Profile, secrets: Sequence[Secret], sent: bytes, body: bytes, steps: list[Step]) -> str:
    """The fingerprint of the fitting secret, or "". Every secret is tried and compared in constant time, whichever fits."""
    fitting = ""
    for secret in secrets:
        computed = hmac.digest(secret.value, body, "sha256")
        same = hmac.compare_digest(computed, sent)
        if same:
            fitting = secret.fingerprint
        steps.append(
            Step(
                f"Computed with secret {secret.fingerprint}",
                "good" if same else "bad",
                "HMAC-SHA256 of the bytes equals the header." if same else "HMAC-SHA256 of the bytes is another value than the header.",
                (
                    ("key", f"{len(secret.value)} bytes, used as UTF-8 text"),
                    ("signed text", "the body"),
                    ("computed, hex", computed.hex()),
                    ("computed, Base64", base64.b64encode(computed).decode()),
                    ("received, hex", sent.hex()),
                ),
            )
        )
    if not secrets:
        steps.append(Step("Secret", "bad", "This webhook has no live secret."))
    elif not fitting:
        steps.append(
            Step(
                "Result",
                "bad",
                "No live secret fits. Either another secret was used, or other bytes were signed: JSON that was parsed and written again,"
                " a changed line end, another character set.",
            )
        )
    return fitting


def _body_readable(headers: Sequence[tuple[str, str]], body: bytes, steps: list[Step]) -> bool:
    """Looked at after the signature only: what a stranger sends is not parsed."""
    kind = next((value for name, value in headers if name.lower() == "content-type"), "").partition(";")[0].strip().lower()
    if any(name.lower() == "content-encoding" for name, _value in headers) or not (kind == "application/json" or kind.endswith("+json")):
        return True
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        steps.append(Step("Body", "bad", f"The content type says JSON, but the body is not: {error.msg} at byte {error.pos}."))
        return False
    steps.append(Step("Body", "good", "Well-formed JSON."))
    return True
