"""The wall between the portal and text from outside: compile in a child process with limits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one compilation. Bytes, seconds and counts.

    ``file_bytes``: one file; ``tree_bytes`` and ``tree_files``: all files of one document together;
    ``memory_bytes``: address space of the child; ``cpu_seconds``: processor time of the child;
    ``wall_seconds``: from start to answer, time spent in the caller's ``read`` included;
    ``answer_bytes``: everything the child sends back.
    """

    file_bytes: int = 64 << 20
    tree_bytes: int = 128 << 20
    tree_files: int = 20_000
    memory_bytes: int = 3 << 29
    cpu_seconds: int = 60
    wall_seconds: float = 120.0
    answer_bytes: int = 512 << 20


DEFAULT = Limits()
