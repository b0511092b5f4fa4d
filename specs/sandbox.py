"""The wall between the portal and text from outside: compile in a child process with limits.

The child is a fresh interpreter without the parent's environment (no secret to find), started by its path alone. It
asks for files over a pipe and answers in frames of length, kind and JSON or bytes; nothing it sends is ever executed
or unpickled. Memory, processor time, files and core dumps are limited before the first byte of a document is read;
the wall clock is the parent's.
"""

from __future__ import annotations

import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

import orjson

from specs.compiler import CompiledDocument, CompiledOperation
from specs.errors import DocumentRefused
from specs.findings import Finding
from specs.lint.view import Setting

ROOT = Path(__file__).resolve().parent.parent
_HEADER = struct.Struct(">cQ")
_REQUEST_BYTES = 1 << 20

# Kinds of frames. From the parent:
START, FILE, NO_FILE = b"J", b"F", b"N"
# From the child:
READ, META, SOURCE, OPERATION, SCHEMA, DOCUMENT, BUNDLE, ROUTER, DONE, REFUSED, BROKEN = (
    *(b"R", b"M", b"S", b"O", b"s", b"D"),
    *(b"B", b"T", b"E", b"X", b"!"),
)

# What the child is asked to do.
COMPILE, CONVERT = "compile", "convert"


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


class _Refusal(Exception):
    """The parent ends the conversation; the finding says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


def write_frame(stream: IO[bytes], kind: bytes, payload: bytes) -> None:
    """One frame: a byte of kind, eight of length, the payload."""
    stream.write(_HEADER.pack(kind, len(payload)))
    stream.write(payload)


def read_frame(stream: IO[bytes], limit: int) -> tuple[bytes, bytes]:
    """The next frame. Raises EOFError at the end, ValueError when it announces more than ``limit`` bytes."""
    header = stream.read(_HEADER.size)
    if len(header) < _HEADER.size:
        raise EOFError
    kind, length = _HEADER.unpack(header)
    if length > limit:
        raise ValueError("The frame is larger than allowed.")
    payload = stream.read(length)
    if len(payload) < length:
        raise EOFError
    return kind, payload


def named(name: str, payload: bytes) -> bytes:
    """A payload that carries a name: four bytes of length, the name, the rest."""
    encoded = name.encode()
    return struct.pack(">I", len(encoded)) + encoded + payload


def _split_named(payload: bytes) -> tuple[str, bytes]:
    (length,) = struct.unpack_from(">I", payload)
    return payload[4 : 4 + length].decode(), payload[4 + length :]


def compile_in_child(
    read: Callable[[str], bytes | None], root: str, *, limits: Limits = DEFAULT, lint_levels: Mapping[str, Setting] | None = None
) -> CompiledDocument:
    """Compile the document in the file ``root`` behind the wall.

    ``read`` answers files of the same Git tree by path from its top, or ``None``; it must not follow links. It is called
    in this process, in this thread. Raises DocumentRefused, also when the child runs out of memory or time, or dies.
    ``lint_levels`` as for ``compile_document``.
    """
    return _Conversation(read, root, limits, {"task": COMPILE, "lint": lint_levels}, _Conversation.compiled).run()


def read_in_child(read: Callable[[str], bytes | None], root: str, *, limits: Limits = DEFAULT) -> dict[str, Any]:
    """As ``compile_in_child``, for who needs the document only: bundled and upgraded to 3.x, with internal references."""
    return convert_in_child(read, root, upgraded=True, limits=limits)[0]


def convert_in_child(
    read: Callable[[str], bytes | None], root: str, *, upgraded: bool, limits: Limits = DEFAULT
) -> tuple[dict[str, Any], list[Finding]]:
    """As ``read_in_child``, in 3.x only if ``upgraded``; and what could not be carried over."""
    return _Conversation(read, root, limits, {"task": CONVERT, "upgraded": upgraded}, _Conversation.document).run()


Answer = TypeVar("Answer")


class _Conversation(Generic[Answer]):
    def __init__(
        self,
        read: Callable[[str], bytes | None],
        root: str,
        limits: Limits,
        task: Mapping[str, Any],
        result: Callable[[_Conversation[Answer]], Answer],
    ) -> None:
        self.read, self.root, self.limits, self.task, self.result = read, root, limits, task, result
        self.files: set[str] = set()
        self.bytes = 0
        self.answered = 0
        self.meta: dict[str, Any] | None = None
        self.source = self.router = b""
        self.operations: list[CompiledOperation] = []
        self.named: dict[bytes, dict[str, bytes]] = {SCHEMA: {}, DOCUMENT: {}, BUNDLE: {}}

    def run(self) -> Answer:
        with tempfile.TemporaryFile() as errors:
            child = subprocess.Popen(  # noqa: S603 (our own interpreter and module, no text from outside)
                [sys.executable, "-I", "-X", "utf8", str(ROOT / "specs" / "sandbox_child.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={"LANG": "C.UTF-8"},
                cwd="/",
                start_new_session=True,
            )
            overdue = threading.Event()
            watch = threading.Timer(self.limits.wall_seconds, self._kill, (child, overdue))
            watch.daemon = True
            watch.start()
            try:
                return self._talk(child, overdue)
            finally:
                watch.cancel()
                child.kill()
                child.wait()
                for stream in (child.stdin, child.stdout):
                    if stream is not None:
                        _close(stream)

    @staticmethod
    def _kill(child: subprocess.Popen[bytes], overdue: threading.Event) -> None:
        overdue.set()
        child.kill()

    def _talk(self, child: subprocess.Popen[bytes], overdue: threading.Event) -> Answer:
        if child.stdin is None or child.stdout is None:
            raise RuntimeError("The child was started without pipes.")
        settings = {**asdict(self.limits), "root": self.root, **self.task}
        try:
            self._send(child.stdin, START, orjson.dumps(settings))
            while True:
                kind, payload = read_frame(child.stdout, self.limits.answer_bytes - self.answered)
                self.answered += len(payload)
                if kind == READ:
                    self._serve(child.stdin, payload)
                elif kind == DONE:
                    return self.result(self)
                else:
                    self._take(kind, payload)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise DocumentRefused([self._ending(child, overdue)]) from None
        except _Refusal as refusal:
            raise DocumentRefused([refusal.finding]) from None
        except (ValueError, KeyError, TypeError, struct.error) as error:
            text = f"The checking process answered what it may not ({type(error).__name__})."
            raise DocumentRefused([Finding("engine-broken", "error", text, "", self.root)]) from None

    def _send(self, stream: IO[bytes], kind: bytes, payload: bytes) -> None:
        write_frame(stream, kind, payload)
        stream.flush()

    def _serve(self, stream: IO[bytes], payload: bytes) -> None:
        if len(payload) > _REQUEST_BYTES:
            raise ValueError("A path is too long.")
        path = payload.decode()
        data = self.read(path)
        if data is None:
            self._send(stream, NO_FILE, b"")
            return
        if path not in self.files:
            self.files.add(path)
            self.bytes += len(data)
        if len(data) > self.limits.file_bytes:
            self._refuse("too-large", f"The file has {len(data):,} bytes; {self.limits.file_bytes:,} are allowed.", path)
        if self.bytes > self.limits.tree_bytes or len(self.files) > self.limits.tree_files:
            self._refuse("too-large", f"The document has too many files or bytes ({len(self.files):,} files, {self.bytes:,} bytes).", path)
        self._send(stream, FILE, data)

    def _refuse(self, rule: str, text: str, file: str) -> None:
        raise _Refusal(Finding(rule, "error", text, "", file))

    def _take(self, kind: bytes, payload: bytes) -> None:
        if kind in self.named:
            name, content = _split_named(payload)
            self.named[kind][name] = content
        elif kind == OPERATION:
            self.operations.append(CompiledOperation(**orjson.loads(payload)))
        elif kind == META:
            self.meta = orjson.loads(payload)
        elif kind == SOURCE:
            self.source = payload
        elif kind == ROUTER:
            self.router = payload
        elif kind == REFUSED:
            raise DocumentRefused([Finding.from_dict(one) for one in orjson.loads(payload)])
        elif kind == BROKEN:
            where = payload.decode("utf-8", "replace")[:300]
            self._refuse("engine-broken", f"The engine failed on this document ({where}). This is a mistake of the portal.", self.root)
        else:
            raise ValueError("An unknown frame.")

    def document(self) -> tuple[dict[str, Any], list[Finding]]:
        """What was read, when only that was asked for, and what was found on the way."""
        document = orjson.loads(self.source)
        if not isinstance(document, dict) or self.meta is None:
            raise TypeError("The answer is no document.")
        return document, [Finding.from_dict(one) for one in self.meta["findings"]]

    def compiled(self) -> CompiledDocument:
        """The compiled document, put together from its frames."""
        if self.meta is None:
            raise ValueError("The answer is not complete.")
        findings = [Finding.from_dict(one) for one in self.meta.pop("findings")]
        return CompiledDocument(
            **self.meta,
            source=self.source,
            operations=self.operations,
            schemas=self.named[SCHEMA],
            documents=self.named[DOCUMENT],
            bundle=self.named[BUNDLE],
            router=self.router,
            findings=findings,
        )

    def _ending(self, child: subprocess.Popen[bytes], overdue: threading.Event) -> Finding:
        code = child.wait()
        if overdue.is_set():
            return Finding("limit-time", "error", f"Reading took more than {self.limits.wall_seconds:g} seconds.", "", self.root)
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            text = f"Reading took more than {self.limits.cpu_seconds} seconds of processor time, or the machine ran out of memory."
            return Finding("limit-time", "error", text, "", self.root)
        reason = signal.strsignal(-code) if code < 0 else f"exit {code}"
        text = f"The checking process died ({reason}): the document asks for more than it may, or breaks a parser."
        return Finding("limit-crash", "error", text, "", self.root)


def _close(stream: IO[bytes]) -> None:
    """Close a pipe; what was still to be written to a dead child is of no interest."""
    with suppress(OSError):
        stream.close()


META_FIELDS = tuple(
    one.name
    for one in fields(CompiledDocument)
    if one.name not in ("source", "operations", "schemas", "documents", "bundle", "router", "findings")
)
"""The members of a compiled document that travel in one JSON frame, findings aside."""
