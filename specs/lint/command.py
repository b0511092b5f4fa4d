"""``specs rules``: every rule ``specs check`` knows."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any, TextIO

from specs.check.rules import RULES
from specs.lint.registry import LINT_RULES


def add_rule_arguments(verbs: Any) -> None:
    """The verb ``rules``."""
    rules = verbs.add_parser("rules", help="The rules documents are checked by.")
    rules.add_argument("--format", choices=("json", "text"), default="text", help="how they are written (text)")


def run_rules(options: argparse.Namespace, out: TextIO) -> int:
    """List the rules: what a check finds, whose levels are fixed, and lint."""
    lint = [{"id": rule.id, "kind": "lint", "level": rule.level, "area": rule.area, "summary": rule.summary} for rule in LINT_RULES]
    check = [{"id": name, "kind": "check", "level": None, "area": None, "summary": summary} for name, summary in RULES.items()]
    if options.format == "json":
        out.write(json.dumps([*check, *lint], indent=2) + "\n")
        return 0
    out.write("What a check finds\n")
    out.writelines(f"  {one['id']}: {one['summary']}\n" for one in check)
    out.write("\nLint\n")
    out.writelines(f"  {one['level']:<8} {one['area']:<12} {one['id']}: {one['summary']}\n" for one in lint)
    return 0


RULE_VERBS: dict[str, Callable[[argparse.Namespace, TextIO], int]] = {"rules": run_rules}
"""Verb → what does it."""
