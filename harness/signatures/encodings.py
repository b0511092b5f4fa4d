"""Bytes written as text, read strictly: one value, one spelling (hexadecimal digits may be in either case)."""

from __future__ import annotations

import base64
import binascii
import re

from harness.signatures.profile import Encoding

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_DIGITS = re.compile(r"[0-9]{1,15}")


def decode(text: str, encoding: Encoding) -> bytes:
    """The bytes ``text`` stands for. Raises ValueError for anything but the one right spelling: no spaces, no missing padding."""
    if encoding == "hex":
        if not _HEX.fullmatch(text):
            raise ValueError("not hexadecimal")
        return bytes.fromhex(text)
    if not text or not text.isascii():
        raise ValueError("not Base64")
    if encoding == "base64url":
        return _exact(text.rstrip("=").replace("-", "+").replace("_", "/"), text, "+/")
    return _exact(text.rstrip("="), text, "-_", padded=True)


def _exact(bare: str, text: str, foreign: str, *, padded: bool = False) -> bytes:
    full = bare + "=" * (-len(bare) % 4)
    if any(character in text for character in foreign) or (padded and full != text):
        raise ValueError("not Base64")
    try:
        found = base64.b64decode(full, validate=True)
    except binascii.Error as error:
        raise ValueError("not Base64") from error
    if base64.b64encode(found).decode() != full:  # bits after the last byte
        raise ValueError("not Base64")
    return found


def encode(value: bytes, encoding: Encoding) -> str:
    """``value`` as text, the way senders write it: hexadecimal in lower case, base64url without padding."""
    if encoding == "hex":
        return value.hex()
    if encoding == "base64":
        return base64.b64encode(value).decode()
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def seconds(text: str) -> int:
    """A time in whole seconds: ASCII digits and nothing else, which ``int`` does not insist on. Raises ValueError."""
    if not _DIGITS.fullmatch(text):
        raise ValueError("not a number of seconds")
    return int(text)


def visible(data: bytes, limit: int = 2_000) -> str:
    """Bytes as text with white space made visible: ``·`` space, ``→`` tab, ``↵`` line feed, ``␍`` carriage return, ``‹ff›`` other bytes."""
    text = data[:limit].decode("utf-8", "surrogateescape")
    shown = "".join(_SIGNS.get(character) or (character if character.isprintable() else _named(character)) for character in text)
    return shown + (f" … {len(data) - limit} more bytes" if len(data) > limit else "")


_SIGNS = {" ": "·", "\t": "→", "\n": "↵\n", "\r": "␍"}


def _named(character: str) -> str:
    raw = character.encode("utf-8", "surrogateescape")
    return "".join(f"‹{byte:02x}›" for byte in raw)


def first_difference(one: bytes, other: bytes) -> int | None:
    """The first position at which two texts differ; None when they are equal."""
    for position, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return position
    return None if len(one) == len(other) else min(len(one), len(other))
