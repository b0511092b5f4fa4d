"""JSON as the writers of several languages write it again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

DEEPEST = 200


class Number(str):
    """A number as it was written."""

    __slots__ = ()


class Members(list[tuple[str, Any]]):
    """An object's members in order, repetitions kept."""


def parse(text: str) -> Any:
    """JSON with numbers and members as written. Raises ValueError; also for what is nested too deeply to be written again."""
    try:
        value = json.loads(text, parse_float=Number, parse_int=Number, parse_constant=_refuse, object_pairs_hook=Members)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _depth(value) > DEEPEST:
        raise ValueError("nested too deeply")
    return value


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _depth(value: Any) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        deepest = max(deepest, depth)
        if depth > DEEPEST:
            break
        if isinstance(item, list):
            waiting += [(part[1] if isinstance(item, Members) else part, depth + 1) for part in item]
    return deepest


@dataclass(frozen=True, slots=True)
class Style:
    """How one writer writes."""

    id: str
    writer: str
    number: Callable[[str], str]
    escape: Callable[[str], str]
    comma: str = ","
    colon: str = ":"
    indent: str = ""
    newline: str = "\n"
    ordered: bool = False  # keys sorted
    integers_first: bool = False  # JavaScript puts keys that are whole numbers before the others
    end: str = ""


Piece = tuple[str, str, int]  # kind, what it says, depth


def flatten(value: Any, *, ordered: bool = False, integers_first: bool = False) -> list[Piece]:
    """A parsed text as pieces that each writer writes in its own way."""
    pieces: list[Piece] = []
    _add(value, 0, pieces, ordered, integers_first)
    return pieces


def _add(value: Any, depth: int, pieces: list[Piece], ordered: bool, integers_first: bool) -> None:
    if isinstance(value, Number):
        pieces.append(("number", value, 0))
    elif isinstance(value, str):
        pieces.append(("string", value, 0))
    elif isinstance(value, list):
        members = isinstance(value, Members)
        if not value:
            pieces.append(("word", "{}" if members else "[]", 0))
            return
        pieces.append(("open", "{" if members else "[", depth + 1))
        items = _members(Members(value), ordered, integers_first) if members else [("", item) for item in value]
        for position, (key, item) in enumerate(items):
            if position:
                pieces.append(("comma", "", depth + 1))
            if members:
                pieces += (("string", key, 0), ("colon", "", 0))
            _add(item, depth + 1, pieces, ordered, integers_first)
        pieces.append(("close", "}" if members else "]", depth))
    else:
        pieces.append(("word", json.dumps(value), 0))


def _members(members: Members, ordered: bool, integers_first: bool) -> list[tuple[str, Any]]:
    found = dict(members)  # of a key that comes twice the last value counts, at the place of the first
    keys = sorted(found) if ordered else list(found)
    if integers_first:
        whole = sorted((key for key in keys if re.fullmatch(r"0|[1-9][0-9]{0,9}", key)), key=int)
        keys = whole + [key for key in keys if key not in set(whole)] if whole else keys
    return [(key, found[key]) for key in keys]


def write(pieces: list[Piece], style: Style) -> str:
    """The pieces in this style. Each distinct piece is written once."""
    table = {piece: _written(piece, style) for piece in set(pieces)}
    return "".join(map(table.__getitem__, pieces)) + style.end


def _written(piece: Piece, style: Style) -> str:
    kind, text, depth = piece
    line = style.newline + style.indent * depth if style.indent else ""
    if kind == "string":
        return style.escape(text)
    if kind == "number":
        return style.number(text)
    return {"word": text, "colon": style.colon, "comma": style.comma + line, "open": text + line, "close": line + text}[kind]


@lru_cache(maxsize=4096)
def ecmascript_number(literal: str) -> str:
    """A number as ``Number.prototype.toString`` writes it: 10.0 is 10, 12345678901234567890 is 12345678901234567000."""
    value = float(literal)
    if not math.isfinite(value):
        return "null"
    if value == 0:
        return "0"
    sign, digits, exponent = _shortest(value)
    point = len(digits) + exponent  # where the decimal point stands, counted from the first digit
    if 0 < point <= 21:
        text = digits + "0" * exponent if exponent >= 0 else f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
        text = f"{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + text


def _shortest(value: float) -> tuple[str, str, int]:
    """Sign, digits without zeros at either end, and the power of ten to multiply them with."""
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits, exponent = whole + fraction, int(power or 0) - len(fraction)
    stripped = digits.rstrip("0")
    exponent += len(digits) - len(stripped)
    return ("-" if value < 0 else ""), stripped.lstrip("0"), exponent


@lru_cache(maxsize=4096)
def _python_number(literal: str) -> str:
    if re.fullmatch(r"-?[0-9]+", literal):
        return "0" if literal == "-0" else literal
    value = float(literal)
    return repr(value) if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def _php_number(literal: str) -> str:
    if re.fullmatch(r"-?[0-9]{1,18}", literal):
        return "0" if literal == "-0" else literal
    text = repr(float(literal))
    return re.sub(r"^(-?\d+)e", r"\1.0e", text)


def _kept(literal: str) -> str:
    return str(literal)


def _plain(text: str) -> str:
    escaped = json.dumps(text, ensure_ascii=False)
    return re.sub(r"[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", escaped)


def _with(escape: Callable[[str], str], characters: str, *, upper: bool = False) -> Callable[[str], str]:
    """The same with these characters written as \\u escapes too."""
    form = "\\u{:04X}" if upper else "\\u{:04x}"
    table = {character: form.format(ord(character)) for character in characters}
    return lambda text: '"' + "".join(table.get(character, character) for character in escape(text)[1:-1]) + '"'


def _slashes(escape: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: escape(text).replace("/", "\\/")


def _dotnet(text: str) -> str:
    lower = re.sub(r"\\u([0-9a-f]{4})", lambda found: f"\\u{found[1].upper()}", json.dumps(text))
    inner = re.sub(r"[&'+<>`\x7f]", lambda found: f"\\u{ord(found[0]):04X}", lower[1:-1])
    return '"' + re.sub(r'(?<!\\)((?:\\\\)*)\\"', r"\1\\u0022", inner) + '"'


_GO = "<>&\u2028\u2029"
STYLES = (
    Style("javascript", "JSON.stringify", ecmascript_number, _plain, integers_first=True),
    Style("python", "Python's json.dumps", _python_number, json.dumps, comma=", ", colon=": "),
    Style("compact", "Jackson, Ruby or Python with compact separators", _python_number, _plain),
    Style("kept-numbers", "Newtonsoft.Json", _kept, _plain),
    Style("php", "PHP's json_encode", _php_number, _slashes(json.dumps)),
    Style("go", "Go's json.Marshal of a map", ecmascript_number, _with(_plain, _GO), ordered=True),
    Style("go-struct", "Go's json.Marshal of a struct", ecmascript_number, _with(_plain, _GO)),
    Style("dotnet", "System.Text.Json", _kept, _dotnet),
    Style("gson", "Gson", _python_number, _with(_plain, "<>&='")),
    Style("python-compact", "Python's json.dumps with compact separators", _python_number, json.dumps),
    Style("python-unicode", "Python's json.dumps with ensure_ascii=False", _python_number, _plain, comma=", ", colon=": "),
    Style("sorted", "a writer that sorts keys", _python_number, _plain, ordered=True),
    Style("python-sorted", "Python's json.dumps with sort_keys", _python_number, json.dumps, comma=", ", colon=": ", ordered=True),
    Style("sorted-javascript", "JSON.stringify with sorted keys", ecmascript_number, _plain, ordered=True),
    Style("php-slashes", "PHP's json_encode with JSON_UNESCAPED_SLASHES", _php_number, json.dumps),
    Style("php-unicode", "PHP's json_encode with JSON_UNESCAPED_UNICODE", _php_number, _slashes(_plain)),
    Style("javascript-2", "JSON.stringify with two spaces", ecmascript_number, _plain, colon=": ", indent="  ", integers_first=True),
    Style("javascript-4", "JSON.stringify with four spaces", ecmascript_number, _plain, colon=": ", indent="    ", integers_first=True),
    Style("javascript-tab", "JSON.stringify with tabs", ecmascript_number, _plain, colon=": ", indent="\t", integers_first=True),
    Style("python-2", "Python's json.dumps with indent=2", _python_number, json.dumps, colon=": ", indent="  "),
    Style("python-4", "Python's json.dumps with indent=4", _python_number, json.dumps, colon=": ", indent="    "),
    Style("windows-2", "an indenting writer on Windows", _kept, _plain, colon=": ", indent="  ", newline="\r\n"),
    Style("php-4", "PHP's json_encode with JSON_PRETTY_PRINT", _php_number, _slashes(json.dumps), colon=": ", indent="    "),
    Style("go-encoder", "Go's json.Encoder, which ends with a line feed", ecmascript_number, _with(_plain, _GO), ordered=True, end="\n"),
    Style("javascript-newline", "JSON.stringify and a line feed", ecmascript_number, _plain, integers_first=True, end="\n"),
    Style("javascript-2-newline", "JSON.stringify with two spaces and a line feed", ecmascript_number, _plain, colon=": ", indent="  ",
          integers_first=True, end="\n"),
)  # fmt: skip


def rewritten(text: str) -> Iterator[tuple[Style, str]]:
    """The JSON in ``text`` as each writer writes it again. Nothing when it is no JSON."""
    try:
        value = parse(text)
    except ValueError:
        return
    orders: dict[tuple[bool, bool], list[Piece]] = {}
    for style in STYLES:
        order = (style.ordered, style.integers_first)
        if order not in orders:
            orders[order] = flatten(value, ordered=style.ordered, integers_first=style.integers_first)
        yield style, write(orders[order], style)
