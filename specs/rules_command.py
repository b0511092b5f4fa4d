"""``specs rules``: every rule documents are checked, linted and compared by."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any, TextIO

from specs.check.rules import RULES
from specs.diff.rules import REGISTRY
from specs.lint.registry import LINT_RULES

Row = dict[str, str]

_COLUMNS: dict[str, dict[str, str]] = {
    "check": {"id": "rule", "summary": "what is checked"},
    "lint": {"id": "rule", "level": "level", "area": "area", "summary": "a good document"},
    "diff": {"id": "rule", "level": "level", "direction": "direction", "area": "area", "summary": "what it says"},
}
_TITLES = {"check": "What a check finds", "lint": "Lint", "diff": "Changes"}


def add_rule_arguments(verbs: Any) -> None:
    """The verb ``rules``."""
    rules = verbs.add_parser("rules", help="The rules documents are checked, linted and compared by.")
    rules.add_argument("kind", nargs="?", choices=sorted(_COLUMNS), help="which of them (all)")
    rules.add_argument("--format", choices=("json", "markdown", "text"), default="text", help="how they are written (text)")


def _rows(kind: str) -> list[Row]:
    if kind == "check":
        return [{"id": name, "summary": summary} for name, summary in RULES.items()]
    return [
        {name: str(getattr(rule, name)) for name in _COLUMNS[kind]} for rule in (LINT_RULES if kind == "lint" else REGISTRY.rules.values())
    ]


def run_rules(options: argparse.Namespace, out: TextIO) -> int:
    """List the rules."""
    kinds = [options.kind] if options.kind else list(_COLUMNS)
    if options.format == "json":
        out.write(json.dumps([{"kind": kind, **row} for kind in kinds for row in _rows(kind)], indent=2) + "\n")
        return 0
    for kind in kinds:
        if len(kinds) > 1:
            out.write(f"{_TITLES[kind]}\n\n")
        out.write(_table(kind) if options.format == "markdown" else _lines(kind))
        if kind != kinds[-1]:
            out.write("\n")
    return 0


def _table(kind: str) -> str:
    columns = _COLUMNS[kind]
    rows = ["".join(f"| `{row[name]}` " if name == "id" else f"| {row[name]} " for name in columns) + "|" for row in _rows(kind)]
    return "\n".join([f"| {' | '.join(columns.values())} |", "|" + "---|" * len(columns), *rows]) + "\n"


def _lines(kind: str) -> str:
    before = [name for name in ("level", "direction") if name in _COLUMNS[kind]]
    return "".join("".join(f"{row[name]:<8}  " for name in before) + f"{row['id']}: {row['summary']}\n" for row in _rows(kind))


RULE_VERBS: dict[str, Callable[[argparse.Namespace, TextIO], int]] = {"rules": run_rules}
"""Verb → what does it."""
