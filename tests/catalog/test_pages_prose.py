"""Descriptions of documents, written by anybody, shown as HTML that can do nothing."""

from __future__ import annotations

import html.parser
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.prose import SIZE_LIMIT, TAGS, first_sentence, render

ATTACKS = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "<svg onload=alert(1)>",
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<style>*{display:none}</style>",
    '<form action="/tokens" method="post"><input name="csrf"></form>',
    '<base href="https://evil.example">',
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
    '<p hx-get="/apis" data-hx-trigger="load" x-on:click="alert(1)" _="on load">x</p>',
    '<a id="csrf" name="cookie" href="https://a.example">x</a>',
    "[x](javascript:alert(1))",
    "[x](java&#x73;cript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:alert(1))",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](/oidc/logout/)",
    "![x](https://evil.example/beacon.png)",
    '<a href="https://a.example" onclick="alert(1)">x</a>',
    "{{constructor.constructor('alert(1)')()}} ${7*7} {% debug %}",
]


class Seen(html.parser.HTMLParser):
    """What a browser would make of it: tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]


def seen(text: str) -> Seen:
    parser = Seen()
    parser.feed(render(text))
    return parser


def harmless(parsed: Seen) -> bool:
    links = [value for tag, name, value in parsed.attributes if name == "href"]
    return (
        parsed.tags <= TAGS
        and {(tag, name) for tag, name, _ in parsed.attributes} <= {("a", "href"), ("a", "title"), ("a", "rel")}
        and all(link.lower().startswith(("https://", "http://", "mailto:")) for link in links)
    )


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_inert(attack: str) -> None:
    assert harmless(seen(attack))
    assert harmless(seen(f"Fine words.\n\n{attack}\n\n- and {attack}"))


@given(st.text(alphabet=st.sampled_from(list("<>/=\"'`&;:[]()!#*_-|\\ \n\taeijsonhrefpt@.")), max_size=200))
def test_whatever_is_written_only_allowed_tags_and_addresses_come_out(text: str) -> None:
    assert harmless(seen(text))


def test_template_syntax_stays_text() -> None:
    assert "{{constructor" in render(ATTACKS[-1])


def test_a_picture_leaves_its_words_and_fetches_nothing() -> None:
    assert render("before ![a chart](https://evil.example/a.png) after") == "<p>before a chart after</p>\n"


def test_markdown_reads_as_written() -> None:
    made = render("# Users\n\nSee **this** and `code`, [docs](https://docs.example/a?b=1).\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    assert "<h3>Users</h3>" in made  # below the headings of the page
    assert "<strong>this</strong>" in made
    assert "<code>code</code>" in made
    assert 'href="https://docs.example/a?b=1"' in made
    assert 'rel="noopener noreferrer nofollow"' in made
    assert "<td>1</td>" in made


def test_plain_formatting_tags_of_real_documents_are_read_as_markdown() -> None:
    assert render("<p>Adds <code>x</code> to <b>y</b>.</p>") == "<p>Adds <code>x</code> to <strong>y</strong>.</p>\n"
    assert "<br>" in render("one<br/>two")
    assert render('See <a href="/docs/x">here</a>.') == "<p>See here.</p>\n"
    assert 'href="https://a.example/b"' in render('<a href="https://a.example/b" target="_blank">there</a>')
    assert "<code>&lt;br&gt;</code>" in render("the tag `<br>`")


def test_a_callout_says_what_it_is() -> None:
    assert "<strong>Note</strong>" in render("> [!NOTE]\n> Only open issues.")


@pytest.mark.parametrize("text", ["[" * 100_000, "*a " * 33_000, ">" * 100_000, "[a](b)" * 16_000, "`" * 100_000, '"a' * 50_000])
def test_hostile_lengths_take_less_than_a_second(text: str) -> None:
    started = time.process_time()
    render(text)
    assert time.process_time() - started < 1


def test_what_is_cut_is_said() -> None:
    assert f"{100:,} characters are not shown" in render("a" * (SIZE_LIMIT + 100))


def test_the_first_sentence_is_plain_text() -> None:
    assert first_sentence("Reads **one** user & more. Then more.") == "Reads one user & more."
    assert first_sentence("word " * 100, limit=20) == "word word word word…"
