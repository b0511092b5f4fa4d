"""How a platform signs what it sends, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Algorithm = Literal["sha1", "sha256", "sha384", "sha512", "ed25519", "ecdsa-p256-sha256"]
Key = Literal["text", "hex", "base64", "base64url", "prefixed-base64", "public"]
Encoding = Literal["hex", "base64", "base64url"]
Grammar = Literal["single", "pairs", "versions"]
Construction = Literal["template", "form", "message-signature", "token"]

HMACS = ("sha1", "sha256", "sha384", "sha512")
DIGEST_SIZES = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64, "ed25519": 64}


@dataclass(frozen=True, slots=True)
class Profile:
    """One way to sign.

    ``header`` holds the signature in ``encoding`` after ``prefix``: once (``single``), among ``key=value`` pairs (``pairs``: Stripe), or
    as a list of ``version,value`` (``versions``: Standard Webhooks). ``template`` says which text is signed, made of ``{body}``,
    ``{timestamp}``, ``{id}``, ``{method}``, ``{path}``, ``{url}`` and literals. ``key`` says how the secret's text becomes key bytes.
    ``tolerance`` is in seconds, both ways; None where the platform signs no time. ``documented`` is False for a preset: a construction
    of ours that no document of the vendor describes. ``settings`` are the fields an owner may change.
    """

    name: str
    title: str
    header: str
    documented: bool
    source: str
    algorithm: Algorithm = "sha256"
    key: Key = "text"
    encoding: Encoding = "hex"
    prefix: str = ""
    grammar: Grammar = "single"
    version: str = ""  # the key of a pair, or the version in a list
    template: str = "{body}"
    timestamp_header: str = ""
    timestamp_pair: str = ""  # the key of the pair that holds the time, in the signature header itself
    tolerance: int | None = None
    id_header: str = "x-request-id"
    construction: Construction = "template"
    components: tuple[str, ...] = field(default=())  # a message signature must cover these
    digest_required: bool = False  # a message signature must cover Content-Digest when there is a body
    settings: tuple[str, ...] = ()

    @property
    def signs_id(self) -> bool:
        """Whether the sender's id is inside what is signed."""
        return "{id}" in self.template

    @property
    def signs_address(self) -> bool:
        """Whether the address is inside what is signed, so that a new address makes old signatures wrong."""
        return self.construction in {"form", "message-signature"} or "{url}" in self.template or "{path}" in self.template

    @property
    def symmetric(self) -> bool:
        return self.algorithm in HMACS

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header the verification reads, in lower case."""
        own = (self.header, self.timestamp_header, self.id_header)
        extra = ("signature-input", "content-digest", *self.components) if self.construction == "message-signature" else ()
        return tuple(name for name in (*own, *extra) if name and not name.startswith("@"))
