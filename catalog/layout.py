"""Which files of a tree are documents, and which API each one is: ``<platform>/<name>/<version>/…``."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from catalog.git import Entry

SUFFIXES = (".yaml", ".yml", ".json")
_LFS = b"version https://git-lfs.github.com/spec/"
_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_LEAD = re.compile(r"(?:\s+|#[^\r\n]*|%[^\r\n]*|---(?=\s))*")  # what may stand before the root of a YAML document
_VERSION_KEY = r"""["']?(?:openapi|swagger)["']?"""
_BLOCK_ROOT = re.compile(rf"[\r\n]{_VERSION_KEY}[ \t]*:")
_FIRST_KEY = re.compile(rf"{_VERSION_KEY}\s*:")
_FLOW_ROOT = re.compile(rf"""[{{,]\s*{_VERSION_KEY}\s*:\s*["']?[0-9]""")
# The order matters: the mark of UTF-32 in little-endian order begins with that of UTF-16.
_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """The API a path belongs to."""

    platform: str
    name: str
    version: str

    @property
    def slug(self) -> str:
        return f"{self.platform}-{self.name}-{self.version}".lower()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that is, or was meant to be, a document. ``problem`` says in a sentence why it is not compiled."""

    entry: Entry
    place: Place | None
    problem: str = ""


@lru_cache(maxsize=256)
def pattern(glob: str) -> re.Pattern[str]:
    """``**/`` is any folders, ``*`` and ``?`` stay inside one name; everything else is itself."""
    pieces = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(pieces.get(part, re.escape(part)) for part in parts))


def place_of(path: str) -> Place | None:
    """None when the path is not three folders deep or a folder's name cannot stand in a URL."""
    parts = path.split("/")
    if len(parts) < 4 or not all(_PART.fullmatch(part) for part in parts[:3]) or any(len(part) > 60 for part in parts[:3]):
        return None
    return Place(*parts[:3])


def candidates(
    entries: Sequence[Entry],
    include: Sequence[str],
    platforms: Collection[str],
    read: Callable[[Entry], bytes],
    file_bytes: int,
    *,
    published: Collection[str] = (),
) -> list[Candidate]:
    """The documents of a tree, in the order they are read. ``include`` [] takes every file that says ``openapi:`` or ``swagger:``.

    ``published``: paths that are documents already. Such a file stays one whatever it says now, so that it is refused
    with a reason instead of taking its API away; unless another file of its folder has become the API's document.
    """
    patterns = [pattern(glob) for glob in include]
    found: list[Candidate] = []
    silent: list[Entry] = []
    taken: dict[str, str] = {}
    for entry in sorted(entries, key=_order):
        if patterns:
            if not any(one.fullmatch(entry.path) for one in patterns):
                continue
        elif not entry.path.lower().endswith(SUFFIXES):
            continue
        elif not _odd(entry, file_bytes) and not _says_so(read(entry)):
            silent.append(entry)
            continue
        place = place_of(entry.path)
        problem = _odd(entry, file_bytes) or _pointer(entry, read) or _misplaced(place, platforms)
        if place is not None and not problem and place.slug in taken:
            problem = f"{taken[place.slug]} is already the document of {place.slug}."
        if place is not None and not problem:
            taken[place.slug] = entry.path
        found.append(Candidate(entry, place, problem))
    for entry in silent:
        place = place_of(entry.path)
        if entry.path in published and place is not None and place.slug not in taken:
            taken[place.slug] = entry.path
            found.append(Candidate(entry, place, _misplaced(place, platforms)))
    return found


def _order(entry: Entry) -> tuple[int, bool, str]:
    """Near the top first, and ``openapi.…`` before its neighbours: the first document of a folder names the API."""
    name = entry.path.rsplit("/", 1)[-1].lower()
    return entry.path.count("/"), not name.startswith(("openapi.", "swagger.")), entry.path


def _odd(entry: Entry, file_bytes: int) -> str:
    if entry.mode == "120000":
        return "It is a symbolic link; only regular files are read."
    if entry.mode == "160000":
        return "It is a submodule; only regular files are read."
    if not entry.regular:
        return "Its name holds characters that cannot be shown."
    if entry.size > file_bytes:
        return f"It has {entry.size} bytes; the limit is {file_bytes}."
    return ""


def _says_so(content: bytes) -> bool:
    """Whether the root of a JSON or YAML text says which version of OpenAPI it is, in whatever encoding it says so."""
    if content.startswith(_LFS):
        return True
    text = _decoded(content).removeprefix("\ufeff")
    lead = _LEAD.match(text)
    start = lead.end() if lead else 0
    if _FIRST_KEY.match(text, start):
        return True
    return (_FLOW_ROOT if text.startswith("{", start) else _BLOCK_ROOT).search(text, start) is not None


def _decoded(content: bytes) -> str:
    """The text, near enough to look into: only UTF-8 is read later, but what is not is refused by name."""
    encoding = next((name for mark, name in _ENCODINGS if content.startswith(mark)), "")
    if not encoding and 0 in content[:2]:
        encoding = "utf-16-be" if content[0] == 0 else "utf-16-le"
    return content.decode(encoding or "utf-8", "replace")


def _pointer(entry: Entry, read: Callable[[Entry], bytes]) -> str:
    if entry.size < 1_024 and read(entry).startswith(_LFS):
        return "It is a Git LFS pointer; the document itself is not in the repository."
    return ""


def _misplaced(place: Place | None, platforms: Collection[str]) -> str:
    if place is None:
        return "It must lie at <platform>/<name>/<version>/… to become an API."
    if place.platform not in platforms:
        return f"{place.platform!r} is no platform of environments.yaml."
    return ""
