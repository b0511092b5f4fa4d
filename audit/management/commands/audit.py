"""``./manage.py audit verify`` and ``./manage.py audit export``."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from audit.actions import Actor
from audit.export import CHUNK, Export
from audit.models import Seal
from audit.selectors import facets_from
from audit.verification import verify_and_keep
from portal.errors import PortalError


class Command(BaseCommand):
    help = "Prove that the log was not altered, or write it out."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="verify|export")
        verbs.add_parser(
            "verify", help="compare every entry with its seal, every seal with its chain and its checkpoint; exit 1 on problems"
        )
        export = verbs.add_parser("export", help="write matching entries, oldest first; recorded in the log")
        export.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
        export.add_argument("--output", help="a file; standard output by default")
        for facet in ("actor", "action", "api", "environment", "outcome", "since", "until", "request_id"):
            export.add_argument(f"--{facet.replace('_', '-')}", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verb"] == "verify":
            self._verify()
        else:
            self._export(options)

    def _verify(self) -> None:
        total = sum(Seal.objects.values_list("count", flat=True))
        with _progress() as progress:
            task = progress.add_task("Comparing entries", total=total)
            result = verify_and_keep(lambda done: progress.update(task, completed=done))
        for note in result.notes:
            self.stdout.write(f"note: {note}")
        waiting = f" {result.waiting} newer ones wait for their seal." if result.waiting else ""
        if result.ok:
            self.stdout.write(f"Nothing was altered: {result.entries} entries compared, sealed to entry {result.sealed_to}.{waiting}")
            return
        for problem in result.problems:
            self.stdout.write(f"{problem.kind}: {problem.text}")
        raise CommandError(f"The log is not what was sealed: {len(result.problems)} problems in {result.entries} entries.", returncode=1)

    def _export(self, options: dict[str, Any]) -> None:
        actor = Actor(name=f"{getpass.getuser()} (command line)")
        try:
            made = Export(facets_from(options), options["format"], by=actor, via="command")
        except PortalError as error:
            details = "; ".join(str(item.get("message", "")) for item in error.errors)
            raise CommandError(f"{error.detail} {details}".strip()) from None
        if options["output"]:
            with Path(options["output"]).open("wb") as file:
                self._write(made, file)
            self.stdout.write(f"{made.count} entries written to {options['output']}.")
        else:
            self._write(made, sys.stdout.buffer)

    def _write(self, made: Export, file: IO[bytes]) -> None:
        with _progress() as progress:
            task = progress.add_task("Writing entries", total=made.count)
            for lines in made:
                file.write(lines)
                progress.advance(task, CHUNK)
        file.flush()


def _progress() -> Progress:
    """On a terminal only, and on standard error: standard output belongs to the result."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
