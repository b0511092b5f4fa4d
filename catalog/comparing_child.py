"""The other side of ``catalog.comparing``: started as a program, limited, reads two documents, answers in JSON."""

from __future__ import annotations

import datetime
import resource
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import orjson

from specs.compiler import read_document
from specs.diff import LEVELS, Change, Deadlines, compare, count_levels
from specs.diff.lifecycle import parse_sunset
from specs.errors import DocumentRefused
from specs.sandbox import read_frame

_DOCUMENT_BYTES = 256 << 20
_NAME = "document.json"
_RECURSION = 5_000


def _limit(settings: dict[str, Any]) -> None:
    for what, bound in (
        (resource.RLIMIT_AS, int(settings["memory_bytes"])),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, int(settings["answer_bytes"])),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(what, (bound, bound))
    seconds = int(settings["cpu_seconds"])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    sys.setrecursionlimit(_RECURSION)


def _answer(settings: dict[str, Any], texts: Sequence[bytes]) -> dict[str, Any]:
    today = datetime.date.fromisoformat(str(settings["today"]))
    old, new = (read_document({_NAME: text}.get, _NAME) for text in texts)
    changes = compare(old, new, Deadlines(today))
    return {
        "counts": count_levels(changes),
        "operations": _by_operation(changes),
        "changes": [change.as_dict() for change in changes[: int(settings["changes"])]],
        "judge_again": min((day.isoformat() for document in (old, new) for day in _sunsets(document) if day > today), default=None),
    }


def _by_operation(changes: Sequence[Change]) -> dict[str, list[int]]:
    counted: dict[str, list[int]] = {}
    for change in changes:
        counted.setdefault(change.operation, [0, 0, 0])[LEVELS.index(change.level)] += 1
    return counted


def _sunsets(document: dict[str, Any]) -> list[datetime.date]:
    """Every day a part of the document may end: when one has come, what is gone may be judged otherwise."""
    found, waiting = list[datetime.date](), list[Any]([document])
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            day = parse_sunset(value.get("x-sunset"))
            found.extend([day] if day else [])
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return found


def _where(error: BaseException) -> str:
    """Kind and place of a mistake in the engine; never its text, which may hold the document."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"


def main() -> None:
    """Compare once and end."""
    _kind, payload = read_frame(sys.stdin.buffer, 1 << 20)
    settings = orjson.loads(payload)
    _limit(settings)
    try:
        texts = [read_frame(sys.stdin.buffer, _DOCUMENT_BYTES)[1] for _side in range(2)]
        told = _answer(settings, texts)
    except DocumentRefused as refused:
        told = {"failed": "; ".join(one.text for one in refused.findings[:3])[:900]}
    except MemoryError:
        told = {"failed": f"Comparing took more than {int(settings['memory_bytes']) >> 20} MB of memory."}
    except Exception as error:  # noqa: BLE001 (the one wall every mistake of the engine ends at; it is named, not hidden)
        told = {"failed": f"The engine failed on these documents ({_where(error)}). This is a mistake of the portal."}
    answer = orjson.dumps(told)
    if len(answer) > int(settings["answer_bytes"]):
        answer = orjson.dumps({"failed": f"What changed takes more than {int(settings['answer_bytes']):,} bytes to say."})
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
