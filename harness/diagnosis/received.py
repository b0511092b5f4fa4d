"""The values a delivery may mean as its signature, however they were written down and wherever they stand."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from harness.diagnosis.values import Change
from harness.signatures.profile import Profile
from harness.signatures.reading import read, signatures
from harness.signatures.values import Refused, Request

SIZES = (16, 20, 32, 48, 64)  # bytes of MD5 to SHA-512
MOST_LENGTH, MOST_PIECES = 2_000, 24
_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,16}[=:,]\s*(?=.{16})")
_NAMES = {"hex": "hexadecimal", "base64": "Base64", "base64url": "Base64 with - and _"}


@dataclass(frozen=True, slots=True)
class Received:
    """A value, and how it was written other than it must be (None when it was not)."""

    value: bytes
    change: Change | None


def received(profile: Profile, request: Request) -> list[Received]:
    """Every value once, what is written rightly first, then what stands in the right header, then what stands in others."""
    found: dict[bytes, Received] = {}
    for value in _proper(profile, request):
        found.setdefault(value, Received(value, None))
    for text in request.values(profile.header):
        for one in _read(profile, text, ""):
            found.setdefault(one.value, one)
    for name, text in request.headers:
        if name.lower() != profile.header and re.search(r"sign|hmac|digest|hash|token|auth", name.lower()):
            for one in _read(profile, text, name.lower()):
                found.setdefault(one.value, one)
    return list(found.values())


def _proper(profile: Profile, request: Request) -> tuple[bytes, ...]:
    with contextlib.suppress(Refused):
        if profile.construction in {"message-signature", "token"}:
            return tuple(signature for signature, _text in read(profile, request).pairs)
        values = request.values(profile.header)
        return signatures(profile, values[0].strip())[0] if len(values) == 1 else ()
    return ()


def _read(profile: Profile, text: str, other_header: str) -> Iterator[Received]:
    for piece, notes in _pieces(profile, text[:MOST_LENGTH]):
        for value, kind, spelled in _decoded(piece):
            if len(value) not in SIZES:
                continue
            said = list(notes)
            if kind != profile.encoding:
                said.insert(0, ("encoding", f"wrote the signature in {_NAMES.get(kind, kind)}; {_NAMES[profile.encoding]} is expected"))
            elif spelled:
                said.insert(0, ("padding", spelled))
            if other_header:
                said.insert(0, ("other-header", f"put the signature into {other_header}; {profile.header} is expected"))
            if not said:
                yield Received(value, None)
                continue
            area = "header" if other_header else "value"
            title = "The signature stands in another header" if other_header else "The signature is written in another form"
            yield Received(value, Change(f"{area}.{said[0][0]}", area, title, f"{'; it '.join(words for _, words in said)}."))  # type: ignore[arg-type]


def _form(profile: Profile) -> str:
    if profile.grammar == "pairs":
        return f"{profile.timestamp_pair}=…,{profile.version}=…"
    return f"{profile.version},…"


def _pieces(profile: Profile, text: str) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """Parts of a header that may be a signature, with what is odd about how they stand there."""
    for whole, note in _unspoiled(text):
        parts = [whole, *re.split(r"[,;\s]+", whole)] if re.search(r"[,;\s]", whole) else [whole]
        for part in parts[:MOST_PIECES]:
            notes = (note,) if note else ()
            if found := _PREFIX.match(part):
                prefix = found[0]
                odd = () if _belongs(profile, prefix) else (_other_prefix(profile, prefix),)
                yield part[found.end() :], notes + odd
            if profile.grammar != "single":
                yield part, (*notes, ("grammar", f"wrote the signature alone; {_form(profile)} is expected"))
            else:
                missing = ("prefix", f"left out {profile.prefix.strip()} before the signature")
                yield part, notes + ((missing,) if profile.prefix and not part.startswith(profile.prefix) else ())


def _belongs(profile: Profile, prefix: str) -> bool:
    if profile.grammar == "pairs":
        return prefix == f"{profile.version}="
    return prefix == (f"{profile.version}," if profile.grammar == "versions" else profile.prefix)


def _other_prefix(profile: Profile, prefix: str) -> tuple[str, str]:
    usual = profile.prefix.strip() if profile.grammar == "single" else _form(profile)
    expected = f"{usual} is expected" if usual else "nothing is expected there"
    return "prefix", f"put {prefix.strip()} before the signature; {expected}"


def _unspoiled(text: str) -> Iterator[tuple[str, tuple[str, str] | None]]:
    bare = text.strip()
    yield bare, None
    if bare[:1] in "\"'" and len(bare) > 2:
        yield bare.strip("\"'"), ("quotes", "put quotes around the signature")
    if "%" in bare:
        yield unquote(bare), ("percent", "percent-encoded the signature")
    if " " in bare:
        yield bare.replace(" ", "+"), ("plus", "lost the + signs of the Base64: they became spaces")
        yield bare.replace(" ", ""), ("spaces", "put spaces into the signature")
    if ":" in bare or "-" in bare:
        yield bare.replace(":", "").replace("-", ""), ("separators", "put - or : between the digits, as BitConverter.ToString does")


def _decoded(text: str) -> Iterator[tuple[bytes, str, str]]:
    """Bytes, how they were written, and what is irregular about it."""
    if re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", text):
        yield bytes.fromhex(text), "hex", ""
    if re.fullmatch(r"[A-Za-z0-9+/_-]{20,}={0,2}", text):
        bare = text.rstrip("=")
        kind = "base64url" if re.search(r"[_-]", bare) else "base64"
        with contextlib.suppress(binascii.Error, ValueError):
            value = base64.b64decode(bare.translate({45: "+", 95: "/"}) + "=" * (-len(bare) % 4), validate=True)
            irregular = "left out the = signs at the end of the Base64" if kind == "base64" and len(text) % 4 else ""
            yield value, kind, irregular
            if re.fullmatch(rb"(?:[0-9A-Fa-f]{2})+", value):
                yield bytes.fromhex(value.decode()), "Base64 of the hexadecimal text", ""
    with contextlib.suppress(ValueError):
        inner = bytes.fromhex(text).decode("ascii")
        if re.fullmatch(r"[A-Za-z0-9+/]{20,}={0,2}", inner):
            yield base64.b64decode(inner), "hexadecimal of the Base64 text", ""
