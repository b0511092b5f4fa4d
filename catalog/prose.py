"""Markdown of documents as HTML that can do nothing: parsed with HTML off, then cleaned against a list of allowed tags."""

from __future__ import annotations

import html
import re
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe  # noqa: TID251  (the one place that makes HTML from text)
from markdown_it import MarkdownIt
from markdown_it.token import Token

SIZE_LIMIT = 32_768  # characters of one description; the rest is cut and said
BRACKET_LIMIT = 2_000  # "[" in one description; the parser looks for the end of each, so more of them are shown unread
TAGS = {
    "p", "br", "hr", "em", "strong", "del", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a",
    "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_LINK = re.compile(r"(?:https?://[^/]|mailto:)", re.IGNORECASE)
_CODE = re.compile(r"(```.*?```|~~~.*?~~~|`[^`\n]*`)", re.DOTALL)
_CALLOUT = re.compile(r"^(\s*>\s*)\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]\s*\n", re.MULTILINE)
# Plain formatting tags that real documents use in place of Markdown. Only bare ones: a tag with an attribute stays text.
_REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"<br\s*/?>", "  \n"),
        (r"</?p>", "\n\n"),
        (r"</?(?:b|strong)>", "**"),
        (r"</?(?:i|em)>", "*"),
        (r"</?(?:code|tt)>", "`"),
        (r"</?(?:ul|ol)>", "\n\n"),
        (r"<li>\s*(?:\n\s*)*", "\n- "),
        (r'<a\s+href="(https?://[^"<>\s]+)"[^<>]*>([^<>]*)</a>', r"[\2](\1)"),
        (r'<a\s+href="[^"<>]*"[^<>]*>([^<>]*)</a>', r"\1"),  # into somebody else's site: the words alone
        (r"</li>|</?(?:span|div|note|important|fullname)>", "\n"),
    )
)


def _tame(tokens: list[Token]) -> None:
    """Images would be fetched from somebody else's host: their words stay, the picture does not. Headings go two levels down."""
    for token in tokens:
        if token.type == "image":
            token.type, token.tag, token.nesting = "text", "", 0
            token.children = None
        elif token.children:
            _tame(token.children)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"  # the page's own headings stay above


_PARSER = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": 40}).enable(["table", "strikethrough"])


@lru_cache(maxsize=2_048)
def render(text: str) -> SafeString:
    """Sanitized HTML of one description. Raw HTML shows as the text it is; links lead only to http, https and mailto."""
    if not text:
        return SafeString("")
    cut = text[:SIZE_LIMIT]
    if cut.count("[") > BRACKET_LIMIT:
        dirty = f"<pre>{html.escape(cut)}</pre>"
    else:
        tokens = _PARSER.parse(_rewritten(cut))
        _tame(tokens)
        dirty = _PARSER.renderer.render(tokens, _PARSER.options, {})
    if len(text) > SIZE_LIMIT:
        dirty += f"<p><em>The description goes on; {len(text) - SIZE_LIMIT:,} characters are not shown.</em></p>"
    clean = nh3.clean(
        dirty,
        tags=TAGS,
        attributes={"a": {"href", "title"}},
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(clean)  # noqa: S308  (cleaned on the line above)


def first_sentence(text: str, limit: int = 200) -> str:
    """The first sentence as plain text, for lists."""
    plain = " ".join(html.unescape(nh3.clean(render(text), tags=set())).split())
    head = re.split(r"(?<=[.!?])\s", plain, maxsplit=1)[0]
    return head if len(head) <= limit else head[: limit - 1].rstrip() + "…"


def _rewritten(text: str) -> str:
    text = _CALLOUT.sub(lambda match: f"{match[1]}**{match[2].capitalize()}**  \n", text)
    if "<" not in text:
        return text
    pieces = _CODE.split(text)
    for index in range(0, len(pieces), 2):
        for pattern, replacement in _REWRITES:
            pieces[index] = pattern.sub(replacement, pieces[index])
    return "".join(pieces)


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Drops links to anywhere but another site: relative ones would point into the portal."""
    if name == "href":
        return value if _LINK.match(value) else None
    return value
