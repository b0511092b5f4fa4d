"""HTTP Message Signatures (RFC 9421) and Content-Digest (RFC 9530). AudioHook's draft differs in nothing that is read here."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.signatures.encodings import encode
from harness.signatures.profile import Profile
from harness.signatures.structured import Bare, Item, dictionary
from harness.signatures.values import Request

_DIGESTS = {"sha-256": "sha256", "sha-512": "sha512"}
_ALGORITHMS = {"hmac-sha256": "sha256", "ed25519": "ed25519", "ecdsa-p256-sha256": "ecdsa-p256-sha256"}
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Labelled:
    """One signature of a message: what it covers, its parameters, its bytes and the text they were made over."""

    label: str
    covered: tuple[str, ...]
    parameters: dict[str, Bare]
    signature: bytes
    base: bytes

    def moment(self, name: str) -> int | None:
        """A parameter that is a time in seconds."""
        value = self.parameters.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


def labelled(profile: Profile, request: Request) -> list[Labelled]:
    """Every signature of the request that can be read. Raises ValueError in words when the two headers do not go together."""
    inputs = dictionary(", ".join(request.values("signature-input")))
    signatures = dictionary(", ".join(request.values("signature")))
    if not inputs or set(inputs) != set(signatures):
        raise ValueError("Signature-Input and Signature do not name the same signatures")
    found: list[Labelled] = []
    for label, member in inputs.items():
        value = signatures[label].items[0].value if len(signatures[label].items) == 1 else b""
        if not member.listed or not isinstance(value, bytes):
            raise ValueError(f"{label} is not a list with a byte sequence beside it")
        named = member.parameters.get("alg")
        if named is not None and _ALGORITHMS.get(str(named)) != profile.algorithm:
            raise ValueError(f"{label} says its algorithm is {named!r}, which is not the one of this webhook")
        if not all(isinstance(item.value, str) for item in member.items):
            raise ValueError(f"{label} covers something that is no name")
        names = tuple(str(item.value) for item in member.items)
        if len({(item.value, tuple(item.parameters)) for item in member.items}) != len(member.items):
            raise ValueError(f"{label} covers something twice")
        lines = [f'"{name}": {_component(name, item, request)}' for name, item in zip(names, member.items, strict=True)]
        lines.append(f'"@signature-params": {member.text}')
        found.append(Labelled(label, names, member.parameters, value, "\n".join(lines).encode("latin-1")))
    return found


def _component(name: str, item: Item, request: Request) -> str:
    if item.parameters or name != name.lower():
        raise ValueError(f"{name} is covered in a way that is not supported here")
    parts = urlsplit(request.url)
    path = parts.path or "/"
    if name == "@authority":
        host = (parts.hostname or "").lower()
        return host if parts.port in (None, _PORTS.get(parts.scheme)) else f"{host}:{parts.port}"
    known = {
        "@method": request.method,
        "@target-uri": request.url,
        "@scheme": parts.scheme,
        "@request-target": path + (f"?{parts.query}" if parts.query else ""),
        "@path": path,
        "@query": f"?{parts.query}",
    }
    if name in known:
        return known[name]
    if name.startswith("@"):
        raise ValueError(f"{name} is covered, which is not supported here")
    values = request.values(name)
    if not values:
        raise ValueError(f"{name} is covered but not there")
    return ", ".join(value.strip() for value in values)


def missing(profile: Profile, one: Labelled, request: Request) -> list[str]:
    """What the signature must cover and does not."""
    needed = list(profile.components)
    if profile.digest_required and request.body:
        needed.append("content-digest")
    return [name for name in needed if name not in one.covered]


def digest_problem(request: Request) -> str:
    """What is wrong with Content-Digest, in words; "" when it is absent or every digest in it that is known is the body's."""
    values = request.values("content-digest")
    if not values:
        return ""
    try:
        members = dictionary(", ".join(values))
    except ValueError as error:
        return f"Content-Digest cannot be read: {error}."
    known = [(name, member.items[0].value) for name, member in members.items() if name in _DIGESTS]
    if not known:
        return "Content-Digest holds neither sha-256 nor sha-512."
    for name, value in known:
        computed = hashlib.new(_DIGESTS[name], request.body).digest()
        if not isinstance(value, bytes) or not hmac.compare_digest(computed, value):
            return f"The {name} in Content-Digest is not the one of the body that arrived."
    return ""


def content_digest(body: bytes) -> str:
    """A Content-Digest header for ``body``."""
    return f"sha-256=:{encode(hashlib.sha256(body).digest(), 'base64')}:"
