"""The wall: same answer as without it, and nothing a document does reaches the other side."""

from __future__ import annotations

import contextlib
import io
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.compiler import compile_document
from specs.errors import DocumentRefused
from specs.findings import Finding
from specs.sandbox import DEFAULT, FILE, Limits, compile_in_child, read_frame, write_frame
from tests.specs.documents import openapi, operation, reader, rules

FILES: dict[str, Any] = {
    "openapi.json": openapi(
        paths={"/a": {"get": operation(operationId="a", parameters=[{"name": "q", "in": "query", "schema": {"$ref": "s.yaml"}}])}},
        security=[{"gone": []}],
    ),
    "s.yaml": "type: string\nenum: [a, b]\n",
}


def test_the_answer_is_the_same_as_without_the_wall() -> None:
    assert asdict(compile_in_child(reader(FILES), "openapi.json")) == asdict(compile_document(reader(FILES), "openapi.json"))


def test_refusals_come_back_with_their_places() -> None:
    with pytest.raises(DocumentRefused) as caught:
        compile_in_child(reader({"a.yaml": "a: 1\nb: [\n"}), "a.yaml")
    (finding,) = caught.value.findings
    assert (finding.rule, finding.file, finding.line) == ("not-yaml", "a.yaml", 3)


def children_left() -> list[str]:
    """The compilers this process started that still run, or ended and were not waited for."""
    parents = (path for path in Path("/proc").glob("[0-9]*/stat"))
    mine: list[str] = []
    for path in parents:
        with contextlib.suppress(OSError):
            name, _, rest = path.read_text().partition(") ")
            command = (path.parent / "cmdline").read_bytes().decode(errors="replace")
            if int(rest.split()[1]) == os.getpid() and ("sandbox_child" in command or rest.startswith("Z")):
                mine.append(name)
    return mine


def test_too_much_time_on_the_wall_is_refused_and_nothing_is_left_running() -> None:
    def slow(path: str) -> bytes | None:
        time.sleep(0.6)
        return reader(FILES)(path)

    started = time.monotonic()
    with pytest.raises(DocumentRefused) as caught:
        compile_in_child(slow, "openapi.json", limits=Limits(wall_seconds=0.5))
    assert rules(caught.value.findings) == ["limit-time"]
    assert time.monotonic() - started < 5
    assert children_left() == []


def _large() -> dict[str, str]:
    return {"a.yaml": "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {}\nx-a:\n" + "  - {a: 1, b: 2, c: [1, 2, 3]}\n" * 300_000}


def test_too_much_memory_is_refused() -> None:
    wide = '{"openapi": "3.0.3", "x-a": [' + ",".join(["{}"] * 1_000_000) + "]}"
    with pytest.raises(DocumentRefused) as caught:
        compile_in_child(reader({"a.json": wide}), "a.json", limits=Limits(memory_bytes=130 << 20))
    assert set(rules(caught.value.findings)) <= {"limit-memory", "limit-crash"}


def test_too_much_processor_time_is_refused() -> None:
    with pytest.raises(DocumentRefused) as caught:
        compile_in_child(reader(_large()), "a.yaml", limits=Limits(cpu_seconds=1))
    assert rules(caught.value.findings) == ["limit-time"]


@pytest.mark.parametrize("limits", [Limits(file_bytes=10), Limits(tree_bytes=10), Limits(tree_files=1)])
def test_too_many_bytes_or_files_are_refused(limits: Limits) -> None:
    with pytest.raises(DocumentRefused) as caught:
        compile_in_child(reader(FILES), "openapi.json", limits=limits)
    assert rules(caught.value.findings) == ["too-large"]


def test_an_answer_beyond_its_limit_is_not_read() -> None:
    with pytest.raises(DocumentRefused) as caught:
        compile_in_child(reader(FILES), "openapi.json", limits=Limits(answer_bytes=50))
    assert rules(caught.value.findings) == ["engine-broken"]


def test_an_error_of_the_reader_is_the_callers_and_ends_the_child() -> None:
    def broken(path: str) -> bytes | None:
        raise LookupError(path)

    with pytest.raises(LookupError):
        compile_in_child(broken, "openapi.json")
    assert children_left() == []


def test_the_child_sees_no_secret_of_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setenv("PORTAL_TEST_SECRET", "hunter2")

    def look(path: str) -> bytes | None:
        children = [process for process in Path("/proc").iterdir() if process.name.isdigit() and _parent(process) == os.getpid()]
        seen.extend((process / "environ").read_text() for process in children)
        return reader(FILES)(path)

    compile_in_child(look, "openapi.json")
    assert seen
    assert not any("hunter2" in environ for environ in seen)


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from([FILE, b"x"]))
def test_frames_are_read_as_written(payload: bytes, kind: bytes) -> None:
    stream = io.BytesIO()
    write_frame(stream, kind, payload)
    whole = stream.getvalue()
    assert read_frame(io.BytesIO(whole), DEFAULT.answer_bytes) == (kind, payload)
    with pytest.raises(EOFError):
        read_frame(io.BytesIO(whole[:-1]), DEFAULT.answer_bytes)


def test_a_finding_survives_the_journey() -> None:
    finding = Finding("standard", "warning", "text", "/a", "f.yaml", 3, 4)
    assert Finding.from_dict({**finding.as_dict(), "more": 1}) == finding
    assert finding.sentence() == "f.yaml:3:4: text [standard]"
