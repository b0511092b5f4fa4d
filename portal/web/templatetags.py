"""Filters and tags every template may use."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from pygments import lexers
from pygments.token import Token
from pygments.util import ClassNotFound

register = template.Library()

# Paths on a 16 × 16 grid, drawn with a 1.5 stroke in the colour of the text around them.
ICONS = {
    "sandbox": "M6 2h4M7 2v4.2L3.4 12.4A1 1 0 0 0 4.3 14h7.4a1 1 0 0 0 .9-1.6L9 6.2V2M5.2 10h5.6",
    "staging": "M8 2 2.5 5 8 8l5.5-3L8 2ZM2.5 8 8 11l5.5-3M2.5 11 8 14l5.5-3",
    "production": "M8 2 3 4v4c0 3 2.1 5.2 5 6 2.9-.8 5-3 5-6V4L8 2Z",
    "environment": "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM2 8h12M8 2c2 2 2.5 4 2.5 6S10 12 8 14M8 2C6 4 5.5 6 5.5 8S6 12 8 14",
    "search": "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.7 10.7 14 14",
    "copy": "M6 6h7v7H6zM10 3H3v7",
    "check": "m3 8.5 3.5 3.5L13 4.5",
    "cross": "m4 4 8 8M12 4l-8 8",
    "warning": "M8 2.5 14 13H2L8 2.5ZM8 6.5V9.5M8 11.5v.1",
    "lock": "M4 7h8v6.5H4zM5.5 7V5a2.5 2.5 0 0 1 5 0v2",
    "key": "M5 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM7.2 7.8 13 2M10.5 4.5l2 2M9 6l1.5 1.5",
    "person": "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2.5 14c.5-3 2.7-4.5 5.5-4.5s5 1.5 5.5 4.5",
    "leave": "M6 3H3v10h3M10 5l3 3-3 3M13 8H6.5",
    "clock": "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 4.800V8l2.2 1.5",
    "external": "M9 3h4v4M13 3 7.5 8.5M11 9.5V13H3V5h3.5",
    "inbox": "M2.5 9.5 4.5 3h7l2 6.5V13h-11V9.5ZM2.5 9.5H6l.8 1.5h2.400l.8-1.5h3.5",
    "list": "M5.5 4H14M5.5 8H14M5.5 12H14M2 4h.1M2 8h.1M2 12h.1",
    "arrow": "M3 8h10M9 4l4 4-4 4",
    "commit": "M8 10.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM1.5 8h4M10.5 8h4",
    "tag": "M2.5 2.5H8L13.5 8 8 13.5 2.5 8V2.5ZM5.3 5.300h.1",
    "sun": "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1.5V3M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.400l1 1M11.6 11.600l1 1M12.6 3.400l-1 1M4.4 11.600l-1 1",
    "document": "M4 2h5l3 3v9H4V2ZM9 2v3h3M6 8h4M6 11h4",
}
ENVIRONMENT_TONES = {"sandbox": "violet", "staging": "amber", "production": "red"}
_OTHER_TONES = ("teal", "blue", "violet", "amber")
# Pygments' token kinds as the five colours of components.css; everything else keeps the colour of the text.
_HIGHLIGHTS = (
    (Token.Name.Tag, "key"),
    (Token.Name.Attribute, "key"),
    (Token.Literal.String, "string"),
    (Token.Literal.Number, "number"),
    (Token.Keyword, "keyword"),
    (Token.Comment, "comment"),
)
HIGHLIGHT_LIMIT = 65_536  # characters; longer sources are shown plain


@register.filter
def in_order(names: Iterable[str], order: Sequence[str]) -> list[str]:
    """``names`` as they stand in ``order``; those it does not have behind them, by name."""
    places = {name: place for place, name in enumerate(order)}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))


@register.filter
def bytesize(value: float | None) -> str:
    """``524288`` as ``512 KB``; powers of 1,024, one decimal below ten."""
    if value is None:
        return ""
    size = float(value)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 or size == int(size) else f"{size:.1f} {unit}"
        size /= 1024
    return ""


@register.filter
def grouped(value: int | None) -> str:
    """``1234567`` as ``1,234,567``."""
    return "" if value is None else f"{value:,}"


@register.filter
def age(moment: datetime.datetime | None) -> str:
    """How long ago, in one short unit: ``just now``, ``4 min``, ``2 h``, ``3 d``, ``5 mo``, ``2 y``. Empty for None."""
    if moment is None:
        return ""
    seconds = int((timezone.now() - moment).total_seconds())
    if seconds < 60:
        return "just now"
    for size, unit in ((31_557_600, "y"), (2_629_800, "mo"), (86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return ""


@register.filter
def remaining(moment: datetime.datetime | None) -> str:
    """Time left as ``1:42:10`` or ``9:05``; ``ended`` when past. The same text countdown.js keeps up to date."""
    if moment is None:
        return ""
    seconds = int((moment - timezone.now()).total_seconds())
    if seconds <= 0:
        return "ended"
    hours, rest = divmod(seconds, 3_600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@register.filter
def short_commit(commit: str | None) -> str:
    """The first seven characters of a commit id."""
    return (commit or "")[:7]


@register.filter
def short_method(method: str) -> str:
    """A method in at most five letters, for narrow columns."""
    return {"DELETE": "DEL", "OPTIONS": "OPT"}.get(method.upper(), method.upper())


@register.filter
def environment_tone(name: str) -> str:
    """The colour that belongs to an environment through the whole product: violet, amber, red, teal or blue."""
    return ENVIRONMENT_TONES.get(name) or _OTHER_TONES[sum(map(ord, name)) % len(_OTHER_TONES)]


@register.filter
def environment_icon(name: str) -> str:
    """The icon that belongs to an environment; never colour alone."""
    return name if name in ENVIRONMENT_TONES else "environment"


@register.filter
def status_tone(status: int | str | None) -> str:
    """An HTTP status as ``good`` (2xx, 3xx), ``warning`` (4xx) or ``bad`` (the rest)."""
    leading = str(status or "")[:1]
    return {"2": "good", "3": "good", "4": "warning"}.get(leading, "bad")


@register.filter
def level_tone(level: str) -> str:
    """The chip and notice tone of a finding's level or an outcome."""
    return {"error": "bad", "breaking": "bad", "refused": "warning", "failed": "bad", "warning": "warning", "ok": "good"}.get(
        level, "accent"
    )


@register.filter
def coded(text: str) -> SafeString:
    """A message whose `quoted` parts are code."""
    pieces = str(text).split("`")
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", piece) if index % 2 else piece,) for index, piece in enumerate(pieces))
    )


@register.filter
def short_pointer(pointer: str) -> str:
    """``#/components/schemas/Station/properties/timezone/type`` as ``Station.timezone.type``."""
    short = pointer.removeprefix("#/").removeprefix("components/schemas/").replace("/properties/", ".").replace("/items", "[]")
    return short.replace("/", ".").replace("~1", "/").replace("~0", "~")


@register.filter
def is_named_schema(pointer: str) -> bool:
    """Does a schema pointer begin at a schema with a page of its own?"""
    return pointer.startswith("#/components/schemas/")


@register.filter
def row_of_finding(finding: Mapping[str, Any]) -> str:
    """The anchor on the operation's page of the parameter or the body a finding is about; "" when it has none."""
    place, name = str(finding.get("location", "")), str(finding.get("pointer", "")).strip("/").partition("/")[0]
    if place == "body":
        return "request-body"
    return f"parameter-{place}-{quote(name)}" if place in {"path", "query", "header", "cookie"} and name else ""


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An inline drawing. Without a label it is decoration and hidden from screen readers."""
    path = ICONS.get(name, ICONS["document"])
    if label:
        return format_html('<svg class="icon" viewBox="0 0 16 16" role="img" aria-label="{}"><path d="{}"/></svg>', label, path)
    return format_html('<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="{}"/></svg>', path)


@register.filter
def highlight(source: str, language: str = "json") -> SafeString:
    """``source`` as coloured spans. Every piece of text is escaped; unknown languages and long sources stay plain."""
    if len(source) > HIGHLIGHT_LIMIT:
        return format_html("{}", source)
    try:
        lexer = lexers.get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return format_html("{}", source)
    return format_html_join("", "{}", ((_coloured(kind, text),) for kind, text in lexer.get_tokens(source)))


def _coloured(kind: Any, text: str) -> SafeString:
    name = next((name for parent, name in _HIGHLIGHTS if kind in parent), None)
    return format_html('<span class="highlight-{}">{}</span>', name, text) if name else format_html("{}", text)
