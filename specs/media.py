"""Media types and the bodies that go with them: Content-Type, JSON, URL-encoded forms, multipart, text.

Everything here judges bytes against what their content type says, never against a schema. What is not what it says
raises ``Malformed``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from specs.places import json_duplicates

MAXIMUM_FIELDS = 1_000
MAXIMUM_DEPTH = 256
JSON_CHARSETS = frozenset({"", "utf-8", "utf8", "us-ascii"})
# Codecs of Python that are no charset of the Internet: they raise what no charset does, or warn.
NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "unicodeescape", "rawunicodeescape"})
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
STRAY_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


class Malformed(Exception):
    """The body is not what its content type says. ``reason`` is a clause for a person and never quotes the body.

    ``offset`` counts bytes from the start of the body where it is known.
    """

    def __init__(self, reason: str, offset: int | None = None) -> None:
        self.reason = reason
        self.offset = offset
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """The reason with its place."""
        return self.reason if self.offset is None else f"{self.reason} (at byte {self.offset})"


@dataclass(frozen=True, slots=True)
class MediaType:
    """A parsed ``Content-Type`` (RFC 9110, 8.3.1): lower-case ``type/subtype`` and parameters by lower-case name."""

    essence: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def charset(self) -> str:
        """The charset parameter in lower case, or the empty string."""
        return self.parameters.get("charset", "").strip().lower()

    @property
    def is_json(self) -> bool:
        """``application/json``, ``text/json`` or a ``+json`` suffix (RFC 6839)."""
        return is_json(self.essence)


def is_json(essence: str) -> bool:
    """Does this media type say JSON?"""
    return essence.endswith("+json") or essence in {"application/json", "text/json"}


def parse_media_type(text: str) -> MediaType | None:
    """Read a Content-Type; ``None`` when it has no ``type/subtype``. Odd parameters are skipped, never an error."""
    essence, _, rest = text.partition(";")
    essence = essence.strip().lower()
    major, slash, minor = essence.partition("/")
    if not slash or not TOKEN.fullmatch(major) or not TOKEN.fullmatch(minor):
        return None
    return MediaType(essence, _parameters(rest) if rest else {})


def _parameters(rest: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while position < len(rest):
        name = TOKEN.match(rest, position)
        if name is None or rest[name.end() : name.end() + 1] != "=":
            position += 1 if name is None else name.end() - position
            continue
        start = name.end() + 1
        quoted = QUOTED.match(rest, start)
        if quoted is not None:
            value, position = re.sub(r"\\(.)", r"\1", quoted[1]), quoted.end()
        else:
            end = rest.find(";", start)
            end = len(rest) if end < 0 else end
            value, position = rest[start:end].strip(), end
        found.setdefault(name[0].lower(), value)
    return found


def best_match(offered: Iterable[str], essence: str) -> str | None:
    """The key of ``content`` that describes a media type: exact, then suffix range, then ``type/*``, then ``*/*``.

    Keys are compared without their parameters and without case (OpenAPI: the most specific key wins).
    """
    major, _, minor = essence.partition("/")
    suffix = minor.rpartition("+")[2] if "+" in minor else ""
    ranks = {essence: 0, f"{major}/*+{suffix}": 1, f"{major}/*": 2, "*/*": 3, "*": 3}
    best: tuple[int, str] | None = None
    for key in offered:
        rank = ranks.get(key.partition(";")[0].strip().lower())
        if rank is not None and (best is None or rank < best[0]):
            best = (rank, key)
    return best[1] if best else None


# JSON


def load_json(body: bytes, *, strict: bool = True) -> Any:
    """JSON (RFC 8259): UTF-8 without mark, finite numbers, at most 1,024 levels.

    ``strict`` also refuses a name given twice in one object and more than ``MAXIMUM_DEPTH`` levels.
    Raises ``Malformed``.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _json_reason(body, error) from None
    if strict:
        if body.count(b"[") + body.count(b"{") > MAXIMUM_DEPTH and deeper_than(value, MAXIMUM_DEPTH):
            raise Malformed(f"the JSON is nested deeper than {MAXIMUM_DEPTH} levels")
        if b":" in body:
            try:
                json.loads(body, object_pairs_hook=_refuse_duplicates)
            except Malformed as error:
                raise Malformed(error.reason, _offset_of_duplicate(body.decode("utf-8"))) from None
    return value


def _offset_of_duplicate(text: str) -> int:
    """Byte offset of the first name that stands in its object already."""
    place = min(second for _, _, second in json_duplicates(text))
    lines = text.split("\n")
    before = "\n".join([*lines[: place.line - 1], lines[place.line - 1][: place.column - 1]])
    return len(before.encode("utf-8"))


def deeper_than(value: Any, limit: int) -> bool:
    """Do lists and objects nest more than ``limit`` levels? Level by level, so that it ends with the limit."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        children = (child for one in level for child in (one.values() if isinstance(one, dict) else one))
        level = [child for child in children if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def _json_reason(body: bytes, error: orjson.JSONDecodeError) -> Malformed:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in body[:4]:
        return Malformed("the JSON is not UTF-8 (it looks like UTF-16 or UTF-32)", 0)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as broken:
        return Malformed("the JSON is not valid UTF-8", broken.start)
    if text.startswith("\ufeff"):
        return Malformed("the JSON starts with a byte order mark", 0)
    offset = len(text[: error.pos].encode("utf-8", "surrogatepass"))
    return Malformed(f"the body is not JSON: {error.msg}", offset)


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) < 2:
        return
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            shown = name if len(name) <= 40 else f"{name[:40]}…"
            raise Malformed(f"the JSON has the name `{shown}` twice in one object")
        seen.add(name)


# text and forms


def decode_text(body: bytes, charset: str) -> str:
    """Text in its charset (UTF-8 when none is given). Raises ``Malformed``."""
    known = not charset or (charset.isascii() and charset.isprintable() and charset.replace("_", "-") not in NO_CHARSETS)
    try:
        if known:
            return body.decode(charset or "utf-8")
    except LookupError:
        known = False
    except UnicodeDecodeError as error:
        raise Malformed(f"the text is not valid {charset or 'utf-8'}", error.start) from None
    raise Malformed(f"the charset `{charset[:40]}` is not known")


def percent_decode(raw: str, *, plus: bool = False) -> str:
    """Percent-decode one piece as UTF-8, strictly; ``plus`` turns ``+`` into a space first (forms).

    Raises ``Malformed`` for ``%`` without two hexadecimal digits and for bytes that are not UTF-8.
    """
    if plus and "+" in raw:
        raw = raw.replace("+", " ")
    if "%" not in raw and raw.isascii():
        return raw
    try:
        encoded = raw.encode("utf-8")
    except UnicodeEncodeError:
        raise Malformed("the text has half a character (a lone surrogate)") from None
    stray = STRAY_ESCAPE.search(encoded)
    if stray:
        raise Malformed("a `%` is not followed by two hexadecimal digits")
    first, *rest = encoded.split(b"%")
    try:
        return b"".join([first, *(bytes((int(piece[:2], 16),)) + piece[2:] for piece in rest)]).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("percent-encoded bytes are not valid UTF-8") from None


def split_form(text: str) -> list[tuple[str, str]]:
    """``name=value`` pairs of a query string or form, raw (still percent-encoded), in order. Raises ``Malformed``."""
    pieces = [piece for piece in text.split("&") if piece]
    if len(pieces) > MAXIMUM_FIELDS:
        raise Malformed(f"more than {MAXIMUM_FIELDS} fields")
    pairs = []
    for piece in pieces:
        name, _, value = piece.partition("=")
        pairs.append((name, value))
    return pairs


def load_urlencoded(body: bytes) -> list[tuple[str, str]]:
    """Decoded pairs of ``application/x-www-form-urlencoded`` (WHATWG URL, 5.1, but strict). Raises ``Malformed``."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("the form is not valid UTF-8", error.start) from None
    return [(percent_decode(name, plus=True), percent_decode(value, plus=True)) for name, value in split_form(text)]


# multipart


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body: field ``name``, ``filename`` if it is a file, its media type and bytes."""

    name: str
    filename: str | None
    media: MediaType | None
    headers: Mapping[str, str]
    data: bytes


def load_multipart(body: bytes, media: MediaType) -> list[Part]:
    """The parts of a multipart body (RFC 2046, RFC 7578). Raises ``Malformed``."""
    boundary = media.parameters.get("boundary", "")
    if not boundary:
        raise Malformed("the multipart content type has no boundary")
    if not BOUNDARY.fullmatch(boundary):
        raise Malformed("the multipart boundary is not well-formed")
    delimiter = b"--" + boundary.encode("ascii")
    pieces = (b"\r\n" + body).split(b"\r\n" + delimiter)
    if len(pieces) < 2:
        raise Malformed("the multipart boundary does not occur in the body")
    if not pieces[-1].startswith(b"--"):
        raise Malformed("the multipart body is cut off: its last boundary is missing", len(body))
    if len(pieces) - 2 > MAXIMUM_FIELDS:
        raise Malformed(f"more than {MAXIMUM_FIELDS} parts")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    piece = piece.lstrip(b" \t")
    if not piece.startswith(b"\r\n"):
        raise Malformed("a multipart boundary is not on a line of its own")
    head, blank, data = piece[2:].partition(b"\r\n\r\n")
    if piece.startswith(b"\r\n\r\n"):
        head, blank, data = b"", b"\r\n\r\n", piece[4:]
    if not blank:
        raise Malformed("a part has no empty line after its headers")
    headers = _part_headers(head)
    disposition, _, rest = headers.get("content-disposition", "").partition(";")
    parameters = _parameters(rest)
    if disposition.strip().lower() != "form-data" or "name" not in parameters:
        raise Malformed("a part has no Content-Disposition: form-data with a name")
    return Part(parameters["name"], parameters.get("filename"), parse_media_type(headers.get("content-type", "")), headers, data)


def _part_headers(head: bytes) -> dict[str, str]:
    try:
        lines = head.decode("utf-8").split("\r\n") if head else []
    except UnicodeDecodeError:
        raise Malformed("the headers of a part are not valid UTF-8") from None
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not TOKEN.fullmatch(name):
            raise Malformed("a header of a part is not well-formed")
        headers.setdefault(name.lower(), value.strip())
    return headers


def header_values(headers: Sequence[tuple[str, str]], name: str) -> list[str]:
    """Every value of a header, in order; ``name`` in lower case."""
    return [value for key, value in headers if key.lower() == name]
