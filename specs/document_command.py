"""``specs bundle``, ``upgrade``, ``slice`` and ``sample``: one document in, one document or message out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

import orjson

from specs.compiler import CompiledDocument, CompiledOperation
from specs.errors import DocumentRefused, UsageWrong
from specs.findings import Finding
from specs.sample import example_request, example_response
from specs.sandbox import compile_in_child, convert_in_child
from specs.slice import operation_document
from specs.sources import Source, source_of
from specs.yaml_writing import yaml_text

WHOLE = 1 << 30
"""Bytes of a slice that is not cut."""

_HELP = {
    "bundle": "One document out of all its files.",
    "upgrade": "A Swagger 2.0 document as OpenAPI 3.0, bundled; 3.x stays what it is.",
    "slice": "One operation as a self-contained document.",
    "sample": "A message of an operation as the document describes it.",
}
_EXAMPLES = {
    "bundle": "  specs bundle apis/crm/openapi.yaml --output crm.json --format json\n  specs bundle main:apis/crm/openapi.yaml\n",
    "upgrade": "  specs upgrade swagger.json --format yaml\n",
    "slice": "  specs slice openapi.yaml getUser\n  specs slice openapi.yaml 'POST /users' --bytes 65536\n",
    "sample": "  specs sample openapi.yaml createUser\n  specs sample openapi.yaml 'GET /users' --part response --status 404 --seed 3\n",
}
_NOTE = """
A name that is no file and has a colon is GITREF:path: the file in that commit of the repository around the current
folder. References are followed inside the same tree, or the same commit, only.

exit status: 0; 1 when the document is refused; 2 when something was asked that cannot be done.
"""


def add_document_arguments(verbs: Any) -> None:
    """The verbs ``bundle``, ``upgrade``, ``slice`` and ``sample``."""
    for verb, told in _HELP.items():
        one = verbs.add_parser(
            verb,
            help=told,
            description=told,
            epilog=f"examples:\n{_EXAMPLES[verb]}{_NOTE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        one.add_argument("path", metavar="PATH", help="a document, or GITREF:path")
        if verb in ("slice", "sample"):
            one.add_argument("operation", metavar="OPERATION", help="an operationId, a key of the portal, or 'METHOD /path'")
        if verb == "slice":
            one.add_argument("--bytes", type=int, default=WHOLE, help="cut deeper schemas beyond this size (the slice is whole)")
        if verb == "sample":
            one.add_argument("--part", choices=("request", "response"), default="request", help="which message (request)")
            one.add_argument("--status", type=int, help="of which answer (the first success)")
            one.add_argument("--seed", type=int, default=0, help="other numbers give other values, the same one the same (0)")
        one.add_argument("--root", metavar="DIR", help="top of the tree references may stay in (the Git repository)")
        one.add_argument("--format", choices=("json", "yaml"), help="how it is written (as the input is)")
        one.add_argument("--output", metavar="FILE", help="where to (standard output)")


def run_bundle(options: argparse.Namespace, out: TextIO) -> int:
    """All files of a document as one, in its own version."""
    return _convert(options, out, upgraded=False)


def run_upgrade(options: argparse.Namespace, out: TextIO) -> int:
    """A document as 3.x; what could not be carried over is told on standard error."""
    return _convert(options, out, upgraded=True)


def run_slice(options: argparse.Namespace, out: TextIO) -> int:
    """One operation and what it needs."""

    def make(source: Source) -> Any:
        compiled = compile_in_child(source.read, source.path)
        return slice_of(compiled, _operation(compiled, options.operation), byte_budget=options.bytes)

    return _written(options, out, make)


def run_sample(options: argparse.Namespace, out: TextIO) -> int:
    """A request to start from, or an answer as a mock would give it."""

    def make(source: Source) -> Any:
        compiled = compile_in_child(source.read, source.path)
        operation = _operation(compiled, options.operation)
        resolve = _resolver(compiled)
        if options.part == "request":
            return example_request(operation.detail, resolve, seed=options.seed)
        status, media, body = example_response(operation.detail, resolve, status=options.status, seed=options.seed)
        if options.status is not None and not media and str(options.status) not in operation.detail["responses"]:
            described = ", ".join(operation.detail["responses"]) or "none"
            raise UsageWrong(f"The operation has no answer {options.status}; it has {described}.")
        return {"status": status, "media_type": media, "body": body}

    return _written(options, out, make)


def slice_of(compiled: CompiledDocument, operation: CompiledOperation, *, byte_budget: int = WHOLE) -> dict[str, Any]:
    """The operation as a self-contained document of OpenAPI 3."""
    meta = {
        "openapi": "3.0.3" if compiled.openapi.startswith("2") else compiled.openapi,  # details are upgraded to 3
        "info": compiled.info,
        "tags": compiled.tags,
        "servers": compiled.servers,
        "security_schemes": compiled.security_schemes,
    }
    words = {
        "operationId": operation.operation_id,
        "summary": operation.summary,
        "description": operation.description,
        "tags": operation.tags,
        "deprecated": operation.deprecated,
    }
    detail = {name: value for name, value in words.items() if value} | operation.detail
    described = {"path": operation.path, "method": operation.method, "detail": detail}
    return operation_document(meta, described, _resolver(compiled), byte_budget=byte_budget)


def _resolver(compiled: CompiledDocument) -> Callable[[str], Any]:
    read: dict[str, Any] = {}

    def resolve(pointer: str) -> Any:
        if pointer not in read:
            text = compiled.schemas.get(pointer)
            read[pointer] = orjson.loads(text) if text is not None else None
        return read[pointer]

    return resolve


def _operation(compiled: CompiledDocument, wanted: str) -> CompiledOperation:
    """The operation of that key, operationId, or ``METHOD /path``. Raises UsageWrong."""
    method, _, path = wanted.strip().partition(" ")
    for one in compiled.operations:
        if wanted in (one.key, one.operation_id) or (one.method.lower(), one.path) == (method.lower(), path.strip()):
            return one
    names = [name for one in compiled.operations for name in (one.operation_id or one.key, f"{one.method.upper()} {one.path}")]
    near = get_close_matches(wanted, names, 3, 0.5)
    raise UsageWrong(f"There is no operation {wanted[:120]!r}.{f' Did you mean {_listed(near)}?' if near else ''}")


def _listed(names: Iterable[str]) -> str:
    return ", or ".join(repr(name) for name in names)


def _convert(options: argparse.Namespace, out: TextIO, *, upgraded: bool) -> int:
    def make(source: Source) -> Any:
        document, findings = convert_in_child(source.read, source.path, upgraded=upgraded)
        _tell(findings, source)
        return document

    return _written(options, out, make)


def _written(options: argparse.Namespace, out: TextIO, make: Callable[[Source], Any]) -> int:
    source = source_of(options.path, Path(options.root).resolve() if options.root else None)
    try:
        value = make(source)
    except DocumentRefused as refused:
        _tell(refused.findings, source)
        return 1
    suffix = PurePosixPath(source.path).suffix.lower()
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if (options.format or ("yaml" if suffix in (".yaml", ".yml") else "json")) == "yaml":
        text = yaml_text(text)
    if options.output is None:
        out.write(text.decode())
        return 0
    try:
        Path(options.output).write_bytes(text)
    except OSError as error:
        raise UsageWrong(f"{options.output} cannot be written: {error.strerror}.") from None
    return 0


def _tell(findings: Iterable[Finding], source: Source) -> None:
    for finding in findings:
        place = finding.place()
        shown = source.shown_file(finding.file) + place.removeprefix(finding.file) if finding.file else source.shown
        sys.stderr.write(f"{shown}: {finding.level}: {finding.text} [{finding.rule}]\n")


DOCUMENT_VERBS: dict[str, Callable[[argparse.Namespace, TextIO], int]] = {
    "bundle": run_bundle,
    "upgrade": run_upgrade,
    "slice": run_slice,
    "sample": run_sample,
}
"""Verb → what does it."""
