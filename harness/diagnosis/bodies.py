"""What a sender may have signed in place of the body that arrived."""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import hashlib
import json
import unicodedata
import zlib
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, urlencode

from harness.diagnosis.json_texts import Style, rewritten
from harness.diagnosis.values import Change
from harness.signatures.values import Request

MOST_UNPACKED = 4_194_304  # bytes
MOST_JSON = 262_144  # bytes of JSON that is written again in every style: a dense megabyte would take seconds
MOST_NORMALIZED = 16_384  # characters: ordering combining marks takes time with the square of how many stand together


def _body(name: str, title: str, words: str) -> Change:
    return Change(f"body.{name}", "body", title, words)


def variants(request: Request) -> Iterator[tuple[Change, bytes]]:
    """Every variant once, the likely ones first."""
    seen = {request.body}
    for change, body in _all(request):
        if body not in seen:
            seen.add(body)
            yield change, body


def _all(request: Request) -> Iterator[tuple[Change, bytes]]:
    body = request.body
    if len(body) <= MOST_JSON:
        yield from _json(body)
    yield from _ends(body)
    yield from _characters(body)
    yield from _packed(request)
    yield from _forms(body)
    yield from _lost(body)
    yield from _digests(body)


def _json(body: bytes) -> Iterator[tuple[Change, bytes]]:
    text = body.decode("utf-8", "surrogateescape")
    writers: dict[bytes, list[Style]] = {}
    for style, written in rewritten(text.removeprefix("\ufeff")):
        writers.setdefault(written.encode("utf-8", "surrogateescape"), []).append(style)
    for body_again, styles in writers.items():
        names = ", or ".join(dict.fromkeys(style.writer for style in styles[:3]))
        words = f"signed the JSON as it is written again by {names}, not the bytes that were sent."
        yield _body(f"json.{styles[0].id}", "Signed over re-serialized JSON", words), body_again


def _ends(body: bytes) -> Iterator[tuple[Change, bytes]]:
    title = "Signed with another line end or space"
    trimmed = body.strip()
    yield _body("trimmed", title, "signed the body without the white space at its ends."), trimmed
    yield _body("newline-missing", title, "signed the body without its final line feed, which was sent."), body.rstrip(b"\r\n")
    yield _body("newline-added", title, "signed the body with a line feed at its end, which was not sent."), body + b"\n"
    yield _body("crlf-added", title, "signed the body with CR LF at its end, which was not sent."), body + b"\r\n"
    yield _body("nul-added", title, "signed the body with a NUL at its end."), body + b"\0"
    yield _body("crlf-to-lf", title, "signed line feeds where CR LF was sent."), body.replace(b"\r\n", b"\n")
    yield _body("lf-to-crlf", title, "signed CR LF where line feeds were sent."), body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    yield _body("lines-joined", title, "signed the body without its line ends."), body.replace(b"\r", b"").replace(b"\n", b"")
    yield _body("spaces-removed", title, "signed the body without any white space."), b"".join(body.split())


def _characters(body: bytes) -> Iterator[tuple[Change, bytes]]:
    title = "Signed in another character set"
    mark = b"\xef\xbb\xbf"
    yield _body("bom-added", title, "signed a byte order mark before the body."), mark + body
    yield _body("bom-removed", title, "signed the body without the byte order mark that was sent."), body.removeprefix(mark)
    text = body.decode("utf-8", "replace")
    yield _body("replaced", title, "signed U+FFFD in place of bytes that are no UTF-8."), text.encode()
    yield _body("utf-16le", title, "signed the body in UTF-16, little endian."), text.encode("utf-16-le")
    yield _body("utf-16be", title, "signed the body in UTF-16, big endian."), text.encode("utf-16-be")
    yield _body("utf-16", title, "signed the body in UTF-16 with a byte order mark."), b"\xff\xfe" + text.encode("utf-16-le")
    if text.isascii():
        return
    yield _body("latin-1", title, "signed the body in Latin-1, but sent UTF-8."), text.encode("latin-1", "replace")
    yield _body("windows-1252", title, "signed the body in Windows-1252, but sent UTF-8."), text.encode("cp1252", "replace")
    yield _body("low-bytes", title, "signed the low byte of every character (Node's 'latin1' or 'binary')."), _low_bytes(text)
    yield _body("mojibake", title, "read the UTF-8 bytes as Latin-1 and encoded them once more."), body.decode("latin-1").encode()
    with contextlib.suppress(UnicodeDecodeError):
        yield (
            _body("mojibake-1252", title, "read the UTF-8 bytes as Windows-1252 and encoded them once more."),
            body.decode("cp1252").encode(),
        )
    with contextlib.suppress(UnicodeError):
        yield _body("mojibake-undone", title, "signed the text before it was encoded twice."), text.encode("latin-1").decode().encode()
    for form in ("NFC", "NFD") if len(text) <= MOST_NORMALIZED else ():
        yield _body(form.lower(), title, f"signed the text in the Unicode form {form}."), unicodedata.normalize(form, text).encode()
    yield _body("non-ascii-dropped", title, "signed the body without its characters beyond ASCII."), text.encode("ascii", "ignore")
    yield _body("ascii", title, "signed ? in place of characters beyond ASCII."), text.encode("ascii", "replace")
    cut = "signed as many bytes as the body has characters: the end is missing."
    yield _body("cut", title, cut), body[: len(text)]


def _low_bytes(text: str) -> bytes:
    units = text.encode("utf-16-le", "surrogatepass")
    return units[::2]


def _packed(request: Request) -> Iterator[tuple[Change, bytes]]:
    title = "Signed before it was compressed"
    coding = request.value("content-encoding").lower()
    if coding or request.body[:2] == b"\x1f\x8b":
        unpacked = _unpack(request.body)
        if unpacked is not None:
            yield _body("unpacked", title, "signed the body before compressing it; the compressed bytes were sent."), unpacked
    with contextlib.suppress(binascii.Error, ValueError):
        decoded = base64.b64decode(request.body, validate=True)
        yield _body("base64-decoded", "Signed before it was written as Base64", "signed the bytes and sent them as Base64."), decoded
    for level in (6, 9):
        packed = gzip.compress(request.body, compresslevel=level, mtime=0)
        words = "signed the compressed body; something on the way unpacked it."
        yield _body(f"packed-{level}", "Unpacked on the way", words), packed


def _unpack(body: bytes) -> bytes | None:
    for window in (31, 15, -15):
        engine = zlib.decompressobj(window)
        try:
            unpacked = engine.decompress(body, MOST_UNPACKED)
        except zlib.error:
            continue
        if engine.eof and not engine.unconsumed_tail:
            return unpacked
    return None


def _forms(body: bytes) -> Iterator[tuple[Change, bytes]]:
    title = "Signed another form encoding"
    if b"=" not in body[:2_000] or body[:1] in b"{[<":
        return
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=1_000)
    except (UnicodeDecodeError, ValueError):
        return
    yield _body("form-plus", title, "signed the form with + for spaces."), urlencode(pairs).encode()
    yield _body("form-percent", title, "signed the form with %20 for spaces."), urlencode(pairs, quote_via=quote).encode()
    yield _body("form-sorted", title, "signed the form with its fields sorted."), urlencode(sorted(pairs)).encode()
    yield _body("form-json", title, "signed the form's fields as JSON."), json.dumps(dict(pairs), separators=(",", ":")).encode()
    yield _body("form-decoded", title, "signed the form before percent-encoding it."), "&".join(f"{k}={v}" for k, v in pairs).encode()
    for name, value in pairs:
        if name == "payload":
            yield _body("form-payload", title, "signed only the field payload, not the whole form."), value.encode()


def _lost(body: bytes) -> Iterator[tuple[Change, bytes]]:
    title = "Signed over something that is not the body"
    yield _body("empty", "Signed over an empty body", "signed an empty body: it was not there yet, or had already been read."), b""
    for name, text in (("empty-object", "{}"), ("null", "null"), ("undefined", "undefined"), ("object-object", "[object Object]")):
        yield _body(name, title, f"signed {text} in place of the body."), text.encode()
    yield _body("python-bytes", title, "signed Python's str() of the bytes: b'…'."), str(body).encode()
    text = body.decode("utf-8", "replace")
    yield (
        _body("twice", "Signed over re-serialized JSON", "encoded the body a second time, as a JSON string."),
        json.dumps(text, ensure_ascii=False).encode(),
    )
    with contextlib.suppress(ValueError, RecursionError):
        parsed = json.loads(body)
        yield _body("python-repr", title, "signed Python's str() of the parsed body."), str(parsed).encode("utf-8", "replace")
        if isinstance(parsed, str):
            yield (
                _body("once", "Signed over re-serialized JSON", "sent the body encoded a second time, as a JSON string."),
                parsed.encode("utf-8", "replace"),
            )


def _digests(body: bytes) -> Iterator[tuple[Change, bytes]]:
    title = "Signed a digest of the body"
    digest = hashlib.sha256(body).digest()
    yield _body("sha256-hex", title, "signed the body's SHA-256 in hexadecimal, not the body."), digest.hex().encode()
    yield _body("sha256", title, "signed the body's SHA-256, not the body."), digest
    yield _body("sha256-base64", title, "signed the body's SHA-256 in Base64, not the body."), base64.b64encode(digest)
    yield _body("base64", title, "signed the body in Base64."), base64.b64encode(body)
    yield _body("hex", title, "signed the body in hexadecimal."), body.hex().encode()
