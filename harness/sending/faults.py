"""Deliveries as a platform would send them, or with one fault by choice. Each fault is one registered line."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from harness.diagnosis.json_texts import rewritten
from harness.signatures.encodings import decode, encode
from harness.signatures.profile import Profile
from harness.signatures.signing import sign
from harness.signatures.values import Request

Pairs = list[tuple[str, str]]
HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Draft:
    """What is about to be sent: the headers of the payload, its bytes, and what signing needs."""

    profile: Profile
    secret: bytes
    other_secret: bytes  # the one before, or one made up
    request: Request
    now: int
    identity: str

    def signed(self, *, timestamp: int | None = None, secret: bytes | None = None, request: Request | None = None) -> Pairs:
        """Every header of a delivery, signature included."""
        chosen = request or self.request
        pairs = sign(self.profile, secret or self.secret, chosen, timestamp=timestamp or self.now, identity=self.identity)
        return [*chosen.headers, *pairs]


@dataclass(frozen=True, slots=True)
class Fault:
    """``make`` gives headers and body. ``expected`` is what a correct receiver answers, as the first digit of its status."""

    id: str
    title: str
    words: str
    expected: str
    make: Callable[[Draft], tuple[Pairs, bytes]]
    applies: Callable[[Profile], bool] = lambda _profile: True


def _plain(draft: Draft) -> tuple[Pairs, bytes]:
    return draft.signed(), draft.request.body


def _unsigned(draft: Draft) -> tuple[Pairs, bytes]:
    return [(name, value) for name, value in draft.signed() if name != draft.profile.header], draft.request.body


def _flipped(draft: Draft) -> tuple[Pairs, bytes]:
    body = draft.request.body or b"\0"
    middle = len(body) // 2
    return draft.signed(), body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]


def _changed_value(change: Callable[[Profile, str], str]) -> Callable[[Draft], tuple[Pairs, bytes]]:
    def make(draft: Draft) -> tuple[Pairs, bytes]:
        header = draft.profile.header
        return [(name, change(draft.profile, value) if name == header else value) for name, value in draft.signed()], draft.request.body

    return make


def _other_encoding(profile: Profile, value: str) -> str:
    """The same bytes, in Base64 for hexadecimal and in hexadecimal for Base64."""
    start = max(value.rfind("=", 0, -3), value.rfind(",", 0, -3)) + 1 if profile.prefix or profile.grammar != "single" else 0
    raw = decode(value[start:], profile.encoding)
    return value[:start] + encode(raw, "base64" if profile.encoding == "hex" else "hex")


def _wrong_value(profile: Profile, value: str) -> str:
    made_up = hashlib.sha256(value.encode()).digest() * 2
    size = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}[profile.algorithm]
    if profile.construction != "template" and profile.construction != "form":
        return value[:-3] + ("AA" if value[-3:-1] != "AA" else "BB") + value[-1]
    text = encode(made_up[:size], profile.encoding)
    if profile.grammar == "pairs":
        return value.rpartition("=")[0] + "=" + text
    return f"{profile.version},{text}" if profile.grammar == "versions" else profile.prefix + text


def _at(shift: int) -> Callable[[Draft], tuple[Pairs, bytes]]:
    return lambda draft: (draft.signed(timestamp=draft.now + shift), draft.request.body)


def _other_secret(draft: Draft) -> tuple[Pairs, bytes]:
    return draft.signed(secret=draft.other_secret), draft.request.body


def _compressed(draft: Draft) -> tuple[Pairs, bytes]:
    return [*draft.signed(), ("content-encoding", "gzip")], gzip.compress(draft.request.body, mtime=0)


def _rewritten(draft: Draft) -> tuple[Pairs, bytes]:
    """Signed as another writer writes the JSON, sent as it is."""
    body = draft.request.body
    again = next((text.encode() for _style, text in rewritten(body.decode("utf-8", "replace")) if text.encode() != body), body + b" ")
    return draft.signed(request=replace(draft.request, body=again)), body


def _written(profile: Profile) -> bool:
    return profile.construction in {"template", "form"}


def _timed(profile: Profile) -> bool:
    return profile.tolerance is not None


_ALL = (
    Fault("", "Signed", "As the platform does it.", "2", _plain),
    Fault("unsigned", "Unsigned", "Without the signature header.", "4", _unsigned),
    Fault("wrong", "Wrong signature", "With a signature of nothing.", "4", _changed_value(_wrong_value)),
    Fault("flipped", "One bit flipped", "The body is changed after it was signed.", "4", _flipped),
    Fault("other-secret", "Another secret", "Signed with the secret before, or with one made up.", "4", _other_secret),
    Fault(
        "rewritten",
        "JSON written again",
        "Signed over the JSON as another writer writes it.",
        "4",
        _rewritten,
        lambda p: p.construction != "form",
    ),
    Fault(
        "encoding", "Another encoding", "Hexadecimal for Base64, or Base64 for hexadecimal.", "4", _changed_value(_other_encoding), _written
    ),
    Fault("stale", "Stale clock", "Signed an hour ago.", "4", _at(-HOUR), _timed),
    Fault("future", "Future clock", "Signed in an hour.", "4", _at(HOUR), _timed),
    Fault("gzip", "Compressed on the way", "The body is compressed after it was signed.", "4", _compressed),
)
FAULTS: Mapping[str, Fault] = {fault.id: fault for fault in _ALL}


def faults_of(profile: Profile) -> list[Fault]:
    """What can go wrong on purpose under this profile."""
    return [fault for fault in _ALL if fault.applies(profile)] if profile.symmetric else []


def made_up_secret(profile: Profile, seed: bytes) -> bytes:
    """A secret of the profile's kind that is not the webhook's."""
    raw = hashlib.sha256(b"another secret" + seed).digest()
    return (
        raw.hex().encode()
        if profile.key in {"text", "hex"}
        else base64.urlsafe_b64encode(raw).rstrip(b"=")
        if profile.key == "base64url"
        else base64.b64encode(raw)
    )
