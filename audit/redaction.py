"""The second wall: what looks like a secret is masked before it is stored or logged.

The first wall is that secrets are not passed here at all (allow-listed data keys, masked headers). Patterns run on
RE2: linear in the text whatever it holds (ordinary ``re`` needed 12 s for some 512 KB bodies of one repeated letter).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import re2

MASK = "•••"
LONGEST = 500  # characters of one text in an entry
DEEPEST = 4
MOST_ITEMS = 50

_options = re2.Options()
_options.case_sensitive = False
_options.log_errors = False
_options.encoding = re2.Options.Encoding.LATIN1  # patterns run over bytes, so that no text at all can be refused

# The group that is kept comes first; the rest of the match is masked.
_HEADERS = r"authorization|proxy-authorization|x-api-key|x-csrftoken"
# The end of a name is enough, so that clientSecret and webhook_secret are found; a token has to be one by name, because
# nextPageToken is none.
_NAMES = (
    r"client[_-]?assertion|code[_-]?verifier|csrfmiddlewaretoken|sessionid|pass(?:word|wd|phrase)|secret(?:[_-]?key)?"
    r"|(?:api|access|private|signing|encryption|shared)[_-]?key|assertion|credentials?"
    r"|(?:access|refresh|id|logout|auth|authorization|bearer|session|security|csrf|api|bot|sas|device|user|client)[_-]?token|\btoken"
)
_QUOTE = r"b?\\?[\"']"
_VALUE = r"[^\s\"'&;,<>\\){}\[\]]+"
_RULES = (
    # Authorization: Bearer abc, "authorization": "Basic abc", ('authorization', 'Bearer abc')
    (r"\b(bearer|basic|digest|negotiate)(\s+)[A-Za-z0-9._~+/=\-]{6,}", rf"\1\2{MASK}"),
    # a whole cookie header, or the portal's own cookies wherever they stand
    (r"\b((?:set-)?cookie\\?[\"']?\s*[=:,]\s*(?:b?\\?[\"'])?)[^\"'\r\n]+", rf"\1{MASK}"),
    (r"\b((?:__Host-)?portal(?:-csrf)?=)[^\s;,\"'&]+", rf"\1{MASK}"),
    # Name: value, ("name", "value")
    (rf"\b({_HEADERS})({_QUOTE}?\s*[=:,]\s*(?:{_QUOTE})?){_VALUE}", rf"\1\2{MASK}"),
    # "name": anything in JSON, whole texts, lists and flat objects; also when the end of the text was cut off.
    (rf'({_NAMES})("\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|\[[^\]]*\]?|\{{[^{{}}]*\}}?)', rf'\1\2"{MASK}"'),
    # name=value in forms and queries; "name": "value" in JSON inside JSON. Not name:value: "token:issued".
    (rf"({_NAMES})(\s*=\s*(?:{_QUOTE})?){_VALUE}", rf"\1\2{MASK}"),
    (rf"({_NAMES})({_QUOTE}\s*[:,]\s*(?:{_QUOTE})?){_VALUE}", rf"\1\2{MASK}"),
    # the same percent-encoded inside another value, and as an element of XML
    (rf"({_NAMES})((?:%22)?%3[AD](?:%22|%20)*)[^\s&\"'%]+", rf"\1\2{MASK}"),
    (rf"(<(?:[\w.-]+:)?[\w.-]*(?:{_NAMES})(?:\s[^<>]*)?>)[^<]+", rf"\1{MASK}"),
    # authorization codes: only as a parameter, because "code" is also an ordinary word
    (r"([?&]code=|\bcode=)[^\s\"'&]+", rf"\1{MASK}"),
    (r"\beyJ[A-Za-z0-9_\-]{5,}\.[A-Za-z0-9_\-]{5,}(?:\.[A-Za-z0-9_\-]*)?", MASK),
    (r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?", MASK),
    (r"(\b[a-z][a-z0-9+.\-]{1,20}://)[^\s/@:\"']{0,200}:[^\s/@\"']{1,400}@", rf"\1{MASK}@"),
    (r"\b(whsec_|whsk_|AKIA|ASIA|ghp_|gho_|ghs_|github_pat_|xox[abps]-|sk_live_|sk_test_)[A-Za-z0-9+/=_\-]{8,}", rf"\1{MASK}"),
)
# Card and social security numbers: the pattern finds what may be one, the digits decide.
_CARD_TEXT = r"\b(?:[3-6]\d{3}|2[2-7]\d{2})(?:[ -]?\d){9,15}\b"
_SOCIAL_SECURITY_TEXT = r"\b\d{3}-\d{2}-\d{4}\b"
_CARD = re2.compile(_CARD_TEXT.encode(), _options)
_SOCIAL_SECURITY = re2.compile(_SOCIAL_SECURITY_TEXT.encode(), _options)
_PATTERNS = [(re2.compile(pattern.encode(), _options), replacement.encode()) for pattern, replacement in _RULES]
# Nearly every text holds no secret: one look over it says so, where a substitution for each pattern costs ten times that.
# The rules about names share one look: a name and what may follow it in any of them.
_NAMED = rf"(?:{_NAMES})(?:\s*=|{_QUOTE}|%|\s[^<>]*>|>)"
_LOOKS = [pattern for pattern, _ in _RULES if _NAMES not in pattern]
_ANY = re2.compile("|".join(f"(?:{pattern})" for pattern in [_NAMED, *_LOOKS, _CARD_TEXT, _SOCIAL_SECURITY_TEXT]).encode(), _options)


def redact(text: str) -> str:
    """``text`` with everything that looks like a credential masked. Linear time."""
    raw: bytes = text.encode("utf-8", "surrogatepass")
    if not _ANY.search(raw):
        return text
    for pattern, replacement in _PATTERNS:
        raw = pattern.sub(replacement, raw)
    raw = _CARD.sub(_masked_card, raw)
    raw = _SOCIAL_SECURITY.sub(_masked_social_security, raw)
    return raw.decode("utf-8", "surrogatepass")


def _masked_card(match: Any) -> bytes:
    """A mask for a card number; an identifier that only looks like one stays (ISO/IEC 7812: length by issuer, Luhn's check digit)."""
    found: bytes = match.group(0)
    digits = [byte - 48 for byte in found if 48 <= byte <= 57]
    if len(digits) not in _card_lengths(digits):
        return found
    doubled = [digit if index % 2 == 0 else (digit * 2 - 9 if digit > 4 else digit * 2) for index, digit in enumerate(reversed(digits))]
    return MASK.encode() if sum(doubled) % 10 == 0 else found


def _card_lengths(digits: list[int]) -> tuple[int, ...]:
    first = int("".join(str(digit) for digit in digits[:4]))
    if first // 1000 == 4:
        return (13, 16, 19)
    if first // 100 in {34, 37}:
        return (15,)
    if first // 100 in {36, 38, 39} or 3000 <= first <= 3059:
        return (14,)
    if 5100 <= first <= 5599 or 2221 <= first <= 2720 or 3528 <= first <= 3589 or first == 6011 or 6440 <= first <= 6599:
        return (16,)
    return ()


def _masked_social_security(match: Any) -> bytes:
    """A mask for a number that may have been given out: no part is all zeros, and the first is neither 666 nor above 899."""
    found: bytes = match.group(0)
    area, group, serial = (int(part) for part in found.split(b"-"))
    return MASK.encode() if 0 < area < 900 and area != 666 and group and serial else found


def one_line(text: str) -> str:
    """Control characters, line separators and lone surrogates as escapes: an entry stays one line and one record."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == " " else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def clean_text(text: str, limit: int = LONGEST) -> str:
    """Redacted, then one line, then cut at ``limit`` characters: cutting first could hide the pattern of a secret."""
    return _line(redact(text), limit)


def _line(redacted: str, limit: int) -> str:
    cleaned = one_line(redacted)
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"


def clean_entry(texts: Mapping[str, tuple[str, int]], data: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """``clean_text`` of each text to its limit, and ``clean`` of each value of ``data``.

    All texts are looked over at once: a secret in one of them is also one in the text made of all of them, because no
    rule looks at where a text ends, and a line break is no part of a word.
    """
    strings = [text for text, _ in texts.values()]
    strings.extend(value for value in data.values() if isinstance(value, str))
    if _ANY.search("\n".join(strings).encode("utf-8", "surrogatepass")):
        return {name: clean_text(text, limit) for name, (text, limit) in texts.items()}, {name: clean(item) for name, item in data.items()}
    cleaned = {name: _line(text, limit) for name, (text, limit) in texts.items()}
    return cleaned, {name: _line(item, LONGEST) if isinstance(item, str) else clean(item) for name, item in data.items()}


def clean(value: Any, depth: int = 0) -> Any:
    """``value`` as JSON that may be kept: texts cleaned, lists and mappings bounded, anything else as its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else clean_text(str(value))
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, str):
        return clean_text(value)
    if depth < DEEPEST and isinstance(value, Mapping):
        return {clean_text(str(key), 100): clean(item, depth + 1) for key, item in list(value.items())[:MOST_ITEMS]}
    if depth < DEEPEST and isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else list(value)
        return [clean(item, depth + 1) for item in items[:MOST_ITEMS]]
    return clean_text(str(value))


class RedactingFilter(logging.Filter):
    """On every log handler: masks the message, its arguments, what structlog carries, and the text of exceptions."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.msg, Mapping):
            record.msg = {key: self._value(str(key), value) for key, value in record.msg.items()}
            return True
        if record.args:
            try:
                record.msg, record.args = record.getMessage(), ()
            except (TypeError, ValueError):
                record.args = tuple(redact(str(item)) for item in _items(record.args))
        record.msg = redact(str(record.msg))
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
            record.exc_info = None
        return True

    def _value(self, key: str, value: Any, depth: int = 0) -> Any:
        if isinstance(value, str):
            if _is_secret_name(key) and value:
                return MASK
            return redact(value)
        if isinstance(value, bytes):
            return self._value(key, value.decode("utf-8", "replace"))
        if depth < DEEPEST and isinstance(value, Mapping):
            return {name: self._value(str(name), item, depth + 1) for name, item in value.items()}
        if depth < DEEPEST and isinstance(value, (list, tuple)):
            return [self._value(key, item, depth + 1) for item in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return redact(str(value))


_SECRET_NAME = re2.compile(rf"^(?:.*(?:{_NAMES})|{_HEADERS}|cookie|set-cookie)$".encode(), _options)


def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.match(name.encode("utf-8", "surrogatepass")) is not None


def _items(arguments: Any) -> list[Any]:
    return list(arguments.values()) if isinstance(arguments, Mapping) else list(arguments)
