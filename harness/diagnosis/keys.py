"""What a sender may have used as the key in place of the one the profile makes of the secret."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from harness.diagnosis.values import Change
from harness.signatures.encodings import decode
from harness.signatures.keys import SYMMETRIC_PREFIX, key_bytes
from harness.signatures.profile import Encoding, Profile
from harness.signatures.values import Secret


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key, the fingerprint of the secret it came from ("" for none of them), and the change that made it."""

    value: bytes
    secret: str
    change: Change | None


def _key(name: str, title: str, words: str) -> Change:
    return Change(f"key.{name}", "key", title, words)


WRONG_FORM = "The secret was used in another form"


def right(profile: Profile, secrets: Sequence[Secret]) -> list[Candidate]:
    """The keys as they should be."""
    found = []
    for secret in secrets:
        with contextlib.suppress(ValueError):
            found.append(Candidate(key_bytes(profile, secret.value), secret.fingerprint, None))
    return found


def variants(profile: Profile, secrets: Sequence[Secret], others: Sequence[tuple[str, Secret]]) -> Iterator[Candidate]:
    """Every other key once. ``others`` are secrets of the same owner's other webhooks, with the names of these."""
    seen = {candidate.value for candidate in right(profile, secrets)}
    for candidate in _all(profile, secrets, others):
        if candidate.value not in seen:
            seen.add(candidate.value)
            yield candidate


def _all(profile: Profile, secrets: Sequence[Secret], others: Sequence[tuple[str, Secret]]) -> Iterator[Candidate]:
    for name, secret in others:
        words = f"used the secret of your webhook “{name}”."
        with contextlib.suppress(ValueError):
            change = _key("other-endpoint", "Signed with the secret of another webhook", words)
            yield Candidate(key_bytes(profile, secret.value), secret.fingerprint, change)
    for secret in secrets:
        for change, value in _of(secret.value):
            yield Candidate(value, secret.fingerprint, change)
    title = "Signed without the secret"
    for name, words, value in (
        ("empty", "used an empty secret: the variable that should hold it is probably not set.", b""),
        ("undefined", "used the text undefined as the secret: the variable is not set.", b"undefined"),
        ("none", "used the text None as the secret: the variable is not set.", b"None"),
        ("null", "used the text null as the secret: the variable is not set.", b"null"),
    ):
        yield Candidate(value, "", _key(name, title, words))


def _of(secret: bytes) -> Iterator[tuple[Change, bytes]]:
    space = "White space or quotes around the secret"
    yield _key("raw", WRONG_FORM, "used the secret's text as it stands, without decoding it."), secret
    yield _key("newline-added", space, "used the secret with a line feed at its end."), secret + b"\n"
    yield _key("crlf-added", space, "used the secret with CR LF at its end."), secret + b"\r\n"
    yield _key("space-added", space, "used the secret with a space at its end."), secret + b" "
    yield _key("space-before", space, "used the secret with a space before it."), b" " + secret
    yield _key("trimmed", space, "used the secret without the white space that is part of it."), secret.strip()
    for mark, name in ((b'"', "double"), (b"'", "single")):
        yield _key(f"quoted-{name}", space, f"used the secret with {name} quotes around it."), mark + secret + mark
    yield _key("quotes-removed", space, "used the secret without its quotes."), secret.strip(b"\"'")
    text = secret.decode("latin-1")
    bare = text.removeprefix(SYMMETRIC_PREFIX)
    prefix = "The prefix of the secret"
    yield _key("prefix-removed", prefix, "used the secret's text without whsec_."), bare.encode("latin-1")
    yield _key("prefix-added", prefix, "put whsec_ before the secret."), (SYMMETRIC_PREFIX + text).encode("latin-1")
    kinds: tuple[tuple[Encoding, str], ...] = (("base64", "Base64"), ("hex", "hexadecimal"), ("base64url", "Base64 with - and _"))
    for kind, words in kinds:
        for source in dict.fromkeys((text, bare)):
            with contextlib.suppress(ValueError):
                padded = source + "=" * (-len(source) % 4) if kind == "base64" else source
                yield _key(f"decoded-{kind}", WRONG_FORM, f"decoded the secret from {words}; its text is the key."), decode(padded, kind)
    yield _key("encoded-base64", WRONG_FORM, "encoded the secret in Base64 before using it."), base64.b64encode(secret)
    yield _key("encoded-hex", WRONG_FORM, "encoded the secret in hexadecimal before using it."), secret.hex().encode()
    yield _key("encoded-base64-bare", WRONG_FORM, "encoded the text after whsec_ in Base64."), base64.b64encode(bare.encode("latin-1"))
    case = "Upper and lower case of the secret"
    yield _key("upper", case, "used the secret in upper case."), secret.upper()
    yield _key("lower", case, "used the secret in lower case."), secret.lower()
    yield _key("percent-encoded", WRONG_FORM, "used the secret percent-encoded."), quote(text, safe="").encode()
    yield _key("percent-decoded", WRONG_FORM, "used the secret percent-decoded."), unquote(text).encode()
    yield _key("plus-as-space", WRONG_FORM, "used the secret with spaces in place of +."), secret.replace(b"+", b" ")
    yield _key("hashed", WRONG_FORM, "used the SHA-256 of the secret."), hashlib.sha256(secret).digest()
    yield _key("hashed-hex", WRONG_FORM, "used the SHA-256 of the secret in hexadecimal."), hashlib.sha256(secret).hexdigest().encode()
    yield _key("utf-16", WRONG_FORM, "used the secret in UTF-16."), text.encode("utf-16-le")
    for short in (8, 16, 24, 32, 64):
        if len(secret) > short:
            yield _key("cut", "A part of the secret is missing", f"used only the first {short} bytes of the secret."), secret[:short]
    yield _key("cut-end", "A part of the secret is missing", "used the secret without its last character."), secret[:-1]
    yield _key("cut-start", "A part of the secret is missing", "used the secret without its first character."), secret[1:]
