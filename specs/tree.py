"""Files of a tree on disk: where its top is, and how they are read without leaving it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def tree_of(path: Path) -> Path:
    """The top of the Git work tree the file lies in, else its folder."""
    folder = path.resolve().parent
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), folder)


def tree_reader(root: Path) -> Callable[[str], bytes | None]:
    """Reads files below ``root`` by relative path. What is a link, or lies behind one, is not there."""
    top = root.resolve()

    def read(path: str) -> bytes | None:
        wanted = Path(os.path.normpath(top / path))
        try:
            inside = wanted.is_relative_to(top) and wanted.resolve(strict=True) == wanted and wanted.is_file()
            return wanted.read_bytes() if inside else None
        except OSError:
            return None

    return read
