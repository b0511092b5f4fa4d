"""The other side of ``specs.sandbox``: started as a program, limited, reads hostile text, answers in frames."""

from __future__ import annotations

import resource
import sys
import traceback
from dataclasses import asdict, fields
from pathlib import Path
from typing import IO, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import orjson

from specs import sandbox
from specs.compiler import CompiledDocument, CompiledOperation, compile_document, convert_document
from specs.errors import DocumentRefused
from specs.findings import Finding

_RECURSION = 5_000


def _limit(settings: dict[str, Any]) -> None:
    memory, seconds = int(settings["memory_bytes"]), int(settings["cpu_seconds"])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    sys.setrecursionlimit(_RECURSION)


class _Answers:
    def __init__(self, asking: IO[bytes], answering: IO[bytes]) -> None:
        self.asking, self.answering = asking, answering
        self.file_bytes = 0

    def read(self, path: str) -> bytes | None:
        """A file of the tree, asked of the parent."""
        sandbox.write_frame(self.answering, sandbox.READ, path.encode("utf-8", "surrogatepass"))
        self.answering.flush()
        kind, payload = sandbox.read_frame(self.asking, self.file_bytes)
        return payload if kind == sandbox.FILE else None

    def send(self, kind: bytes, payload: bytes) -> None:
        sandbox.write_frame(self.answering, kind, payload)

    def document(self, compiled: CompiledDocument) -> None:
        meta = {name: getattr(compiled, name) for name in sandbox.META_FIELDS}
        self.send(sandbox.META, orjson.dumps({**meta, "findings": [asdict(one) for one in compiled.findings]}))
        self.send(sandbox.SOURCE, compiled.source)
        self.send(sandbox.ROUTER, compiled.router)
        names = [one.name for one in fields(CompiledOperation)]
        for operation in compiled.operations:
            self.send(sandbox.OPERATION, orjson.dumps({name: getattr(operation, name) for name in names}))
        for kind, parts in ((sandbox.SCHEMA, compiled.schemas), (sandbox.DOCUMENT, compiled.documents), (sandbox.BUNDLE, compiled.bundle)):
            for name, content in parts.items():
                self.send(kind, sandbox.named(name, content))
        self.send(sandbox.DONE, b"")

    def converted(self, document: dict[str, Any], findings: list[Finding]) -> None:
        self.send(sandbox.META, orjson.dumps({"findings": [asdict(one) for one in findings]}))
        self.send(sandbox.SOURCE, orjson.dumps(document))
        self.send(sandbox.DONE, b"")


def _where(error: BaseException) -> str:
    """Kind and place of a mistake in the engine; never its text, which may hold the document."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}" if last else type(error).__name__


def main() -> None:
    """Serve one document and end."""
    answers = _Answers(sys.stdin.buffer, sys.stdout.buffer)
    _kind, payload = sandbox.read_frame(answers.asking, 1 << 20)
    settings = orjson.loads(payload)
    answers.file_bytes = int(settings["file_bytes"])
    root = str(settings["root"])
    _limit(settings)
    try:
        if settings["task"] == sandbox.CONVERT:
            answers.converted(*convert_document(answers.read, root, upgraded=settings["upgraded"]))
        else:
            answers.document(compile_document(answers.read, root, lint_levels=settings["lint"]))
    except DocumentRefused as refused:
        answers.send(sandbox.REFUSED, orjson.dumps([asdict(one) for one in refused.findings]))
    except MemoryError:
        text = f"Reading took more than {int(settings['memory_bytes']) >> 20} MB of memory."
        answers.send(sandbox.REFUSED, orjson.dumps([asdict(Finding("limit-memory", "error", text, "", root))]))
    except SystemError:
        # What C code raises when it fails without saying why: seen when memory ends inside a parser.
        text = f"A parser broke on this document, most likely for want of memory ({int(settings['memory_bytes']) >> 20} MB)."
        answers.send(sandbox.REFUSED, orjson.dumps([asdict(Finding("limit-crash", "error", text, "", root))]))
    except Exception as error:  # noqa: BLE001 (the one wall every mistake of the engine ends at; it is named, not hidden)
        answers.send(sandbox.BROKEN, _where(error).encode())
    answers.answering.flush()


if __name__ == "__main__":
    main()
