"""``./manage.py rules check DIR``: are these rules sound? Needs no database and no server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog import rules_check


class Command(BaseCommand):
    help = "Check a rules directory: every finding with file and line. Exit 1 on errors."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        check = verbs.add_parser("check", help="is this directory sound?")
        check.add_argument("directory", type=Path)
        check.add_argument("--format", choices=("text", "json"), default="text")
        check.add_argument("--production", action="store_true", help="also refuse what only a development installation may do")

    def handle(self, *args: Any, **options: Any) -> None:
        directory: Path = options["directory"]
        if not directory.is_dir():
            raise CommandError(f"{directory} is no directory.", returncode=2)
        reading = rules_check.read_directory(directory, production=options["production"])
        errors = sum(one.level == "error" for one in reading.findings)
        warnings = len(reading.findings) - errors
        if options["format"] == "json":
            document = {"sound": reading.sound, "findings": [one.as_dict() for one in reading.findings]}
            self.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
        else:
            for finding in reading.findings:
                self.stdout.write(str(finding))
            self.stdout.write(f"{'Sound' if reading.sound else 'Not sound'}: {errors} errors, {warnings} warnings.")
        if not reading.sound:
            sys.exit(1)
