"""What a name on the command line means: a file, a folder, or ``GITREF:path``."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

from specs.errors import UsageWrong
from specs.load import looks_like_openapi
from specs.revision import Revision, open_revision, path_from_top
from specs.tree import tree_of, tree_reader

DOCUMENT_SUFFIXES = frozenset((".json", ".yaml", ".yml"))


@dataclass(frozen=True, slots=True)
class Source:
    """A document: ``shown`` as it was named, ``read`` for files of its tree, ``path`` from the top of it.

    ``top`` is the tree's place on disk; ``None`` for a commit.
    """

    shown: str
    read: Callable[[str], bytes | None]
    path: str
    top: Path | None = field(default=None)

    def shown_file(self, file: str) -> str:
        """How a file of the tree is named to the reader: from the current folder, or from the top of its commit."""
        if not file:
            return self.shown if self.top is not None else self.path
        return os.path.relpath(self.top / file) if self.top is not None else file


def tree_at(reference: str) -> tuple[Callable[[str], bytes | None], str]:
    """The files of a commit of the repository around the current folder, and the path in it, of ``GITREF:path``. Raises UsageWrong."""
    name, colon, inside = reference.partition(":")
    if not colon:
        raise UsageWrong(f"{reference[:80]!r} is not GITREF:path.")
    return _revision(name, Path.cwd()).reader(), path_from_top(inside, Path.cwd())


@cache
def _revision(name: str, folder: Path) -> Revision:
    return open_revision(name, folder)


def source_of(name: str, root: Path | None = None) -> Source:
    """The one document a name means; ``root`` is the top of the tree references may stay in. Raises UsageWrong."""
    if Path(name).is_file():
        return _file(Path(name), root)
    if ":" not in name or Path(name).exists():
        raise UsageWrong(f"There is no file {name}.")
    read, path = tree_at(name)
    if path not in _revision(name.partition(":")[0], Path.cwd()).files:
        raise UsageWrong(f"There is no file {path} in {name.partition(':')[0]}.")
    return Source(name, read, path)


def sources_of(names: Sequence[str], root: Path | None = None) -> Iterator[Source]:
    """Every document the names mean; folders, also those of a commit, are searched. Raises UsageWrong."""
    for name in names:
        if Path(name).is_dir():
            yield from (_file(file, root) for file in sorted(Path(name).rglob("*")) if _is_document(file, Path(name)))
        elif Path(name).is_file():
            yield _file(Path(name), root)
        elif ":" in name:
            yield from _of_commit(name)
        else:
            raise UsageWrong(f"There is no file or folder {name}.")


def _file(path: Path, root: Path | None) -> Source:
    top = root or tree_of(path)
    resolved = path.resolve()
    if not resolved.is_relative_to(top):
        raise UsageWrong(f"{path} does not lie below {top}.")
    return Source(os.path.relpath(path), tree_reader(top), resolved.relative_to(top).as_posix(), top)


def _is_document(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    if hidden or file.suffix.lower() not in DOCUMENT_SUFFIXES or file.is_symlink() or not file.is_file():
        return False
    return looks_like_openapi(file.read_bytes())


def _of_commit(name: str) -> Iterator[Source]:
    read, path = tree_at(name)
    reference = name.partition(":")[0]
    files = _revision(reference, Path.cwd()).files
    if path in files:
        yield Source(name, read, path)
        return
    below = sorted(file for file in files if path == "." or file.startswith(f"{path}/"))
    if not below:
        raise UsageWrong(f"There is no file or folder {path} in {reference}.")
    for file in below:
        parts = PurePosixPath(posixpath.relpath(file, path))
        visible = not any(part.startswith(".") for part in parts.parts) and parts.suffix.lower() in DOCUMENT_SUFFIXES
        if visible and (data := read(file)) is not None and looks_like_openapi(data):
            yield Source(f"{reference}:{file}", read, file)
