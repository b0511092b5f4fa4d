"""Where a long run is, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TypeVar

Item = TypeVar("Item")


def tracked(items: Sequence[Item], what: str) -> Iterable[Item]:
    """The items, with a bar on standard error while they are gone through. Nothing is drawn for one, or where nobody looks."""
    if len(items) < 2 or not sys.stderr.isatty():
        return items
    # Loaded only when somebody looks: it takes longer than a small document.
    console = import_module("rich.console").Console(stderr=True)
    progress: Iterable[Item] = import_module("rich.progress").track(items, description=what, console=console, transient=True)
    return progress
