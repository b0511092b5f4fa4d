"""What the demo platform answers from: the documents of a branch, compiled, found by path. New commits count at once."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specs.compiler import CompiledDocument, CompiledOperation
from specs.errors import DocumentRefused
from specs.route import Router
from specs.sample import example_response
from specs.sandbox import compile_in_child

logger = logging.getLogger(__name__)

LOOKS_LIKE_A_DOCUMENT = re.compile(rb"""["']?\b(?:openapi|swagger)["']?\s*:\s*["']?[23]\b""")
SUFFIXES = (".yaml", ".yml", ".json")
HEAD_SECONDS = 0.5


@dataclass(slots=True)
class Served:
    """One compiled document, ready to answer."""

    document: CompiledDocument
    router: Router
    operations: dict[str, CompiledOperation]

    def resolve(self, pointer: str) -> dict[str, Any] | None:
        text = self.document.schemas.get(pointer)
        value = json.loads(text) if text is not None else None
        return value if isinstance(value, dict) else None

    def example(self, operation: CompiledOperation, *, status: int | None = None) -> tuple[int, str, Any]:
        """The answer the document describes: status, media type ("" without a body), value."""
        return example_response(operation.detail, self.resolve, status=status)


@dataclass(slots=True)
class Found:
    """Where a request leads. Neither an operation nor methods: no document knows the path."""

    served: Served | None = None
    operation: CompiledOperation | None = None
    allowed: tuple[str, ...] = ()


class Documents:
    """Compiled documents by content: what did not change is never compiled again, and small ones are ready first."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository
        self._compiled: dict[tuple[str, str], asyncio.Task[Served | None]] = {}
        self._heads: dict[str, str] = {}
        self._heads_read = 0.0
        self._listed: dict[tuple[str, str], list[tuple[str, str]]] = {}
        # One at a time: the portal compiles the same documents in the same minute, on the same machine.
        self._turn = asyncio.Lock()
        self._preparing: asyncio.Task[None] | None = None

    async def find(self, *, platform: str, branch: str, method: str, raw_path: str) -> Found:
        """The operation of ``platform`` on ``branch`` that answers ``method`` at ``raw_path``."""
        tasks = await self._tasks(platform, branch)
        allowed: tuple[str, ...] = ()
        # Those that are ready answer at once; the others are waited for only when none of these knows the path.
        for task in sorted(tasks, key=lambda task: not task.done()):
            served = await asyncio.shield(task)
            if served is None:
                continue
            match = served.router.match(method, raw_path)
            if match.operation is not None:
                return Found(served, served.operations[match.operation])
            allowed = allowed or tuple(match.allowed)
        return Found(allowed=allowed)

    def prepare(self, platforms: list[str], branches: list[str]) -> None:
        """Compile, aside, what the first calls will need."""

        async def everything() -> None:
            for branch in branches:
                for platform in platforms:
                    await self._tasks(platform, branch)

        self._preparing = asyncio.create_task(everything())

    async def _tasks(self, platform: str, branch: str) -> list[asyncio.Task[Served | None]]:
        commit = await self._head(branch)
        if commit is None:
            return []
        if (commit, platform) not in self._listed:
            self._listed[commit, platform] = await asyncio.to_thread(self._documents_of, commit, platform)
        for root, content in self._listed[commit, platform]:
            if (root, content) not in self._compiled:
                self._compiled[root, content] = asyncio.create_task(self._compile(commit, root))
        return [self._compiled[pair] for pair in self._listed[commit, platform]]

    async def _head(self, branch: str) -> str | None:
        now = time.monotonic()
        if now - self._heads_read > HEAD_SECONDS:
            self._heads_read = now
            text = await asyncio.to_thread(self._git, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")
            self._heads = dict(line.split(" ", 1) for line in text.decode().splitlines())
        return self._heads.get(branch)

    def _documents_of(self, commit: str, platform: str) -> list[tuple[str, str]]:
        """Path and content id of the documents below ``<platform>/``, smallest first. The id covers the whole folder."""
        listing = self._git("ls-tree", "-r", "-z", "--long", commit, f"{platform}/").decode("utf-8", "replace")
        found: list[tuple[int, str, str]] = []
        for entry in filter(None, listing.split("\0")):
            about, path = entry.split("\t", 1)
            mode, _, blob, size = about.split()
            if not mode.startswith("100") or not path.endswith(SUFFIXES):
                continue
            if LOOKS_LIKE_A_DOCUMENT.search(self._git("cat-file", "blob", blob)[:262_144]):
                folder = path.rsplit("/", 1)[0]
                found.append((int(size), path, self._git("rev-parse", f"{commit}:{folder}").decode().strip()))
        return [(path, content) for _, path, content in sorted(found)]

    async def _compile(self, commit: str, root: str) -> Served | None:
        async with self._turn:
            try:
                document = await asyncio.to_thread(compile_in_child, self._reader(commit), root)
            except DocumentRefused as refused:
                reasons = "; ".join(finding.text for finding in refused.findings[:3])
                logger.warning("not served: %s at %s: %s", root, commit[:10], reasons)
                return None
        logger.info("serving %s at %s: %d operations", root, commit[:10], len(document.operations))
        return Served(document, Router.from_json(document.router), {operation.key: operation for operation in document.operations})

    def _reader(self, commit: str) -> Callable[[str], bytes | None]:
        def read(path: str) -> bytes | None:
            try:
                return self._git("cat-file", "blob", f"{commit}:{path}")
            except subprocess.CalledProcessError:
                return None

        return read

    def _git(self, *arguments: str) -> bytes:
        return subprocess.run(["git", "-C", str(self.repository), *arguments], capture_output=True, check=True, timeout=30).stdout
