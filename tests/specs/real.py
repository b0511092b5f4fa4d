"""Real documents nobody on the project wrote, beside the repository. Tests that need them skip, and say so, without them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from specs.command import tree_reader
from specs.compiler import CompiledDocument
from specs.errors import DocumentRefused
from specs.sandbox import compile_in_child, read_in_child

DOCUMENTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "documents"
FOLDERS = {
    "multi-digitalocean/specification": "DigitalOcean-public.v2.yaml",
    "multi-relative": "main.yaml",
    "multi-nested/test_specs/nested_files": "openapi.yaml",
}
REFUSED = frozenset({"awkward-badref-burgershop.yaml"})
"""Those that refer to another host."""


def _real() -> dict[str, int]:
    if not DOCUMENTS.is_dir():
        return {}
    files = {path.name: path.stat().st_size for path in sorted(DOCUMENTS.iterdir()) if path.is_file()}
    return files | {f"{folder}/{root}": 0 for folder, root in FOLDERS.items() if (DOCUMENTS / folder / root).is_file()}


REAL = _real()
"""name → bytes of the file; 0 for a document of many files."""

needs_documents = pytest.mark.skipif(not REAL, reason=f"no real documents at {DOCUMENTS}")


def compile_real(name: str) -> CompiledDocument:
    """One of them, compiled behind the wall, as a sync would: its own folder is the tree."""
    path = DOCUMENTS / name
    return compile_in_child(tree_reader(path.parent), path.name)


def read_real(name: str) -> dict[str, Any] | None:
    """One of them, bundled and upgraded behind the wall; ``None`` when it is refused."""
    path = DOCUMENTS / name
    try:
        return read_in_child(tree_reader(path.parent), path.name)
    except DocumentRefused:
        return None
