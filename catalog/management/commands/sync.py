"""``./manage.py sync [SOURCE] [--wait]``: fetch sources and publish, here and now."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from catalog import actions, selectors
from catalog.models import SyncRun
from portal.errors import NotFound


class Command(BaseCommand):
    help = "Read the rules and every source (or one), and publish what changed. Exit 1 when something failed or was refused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", nargs="?", help="only this source; `rules` is the rules repository")
        parser.add_argument("--wait", action="store_true", help="when another worker is reading the source, wait until it is done")

    def handle(self, *args: Any, **options: Any) -> None:
        actions.ensure_rules_source()
        names = self._names(options["source"])
        if not names:
            raise CommandError("There is nothing to read: set PORTAL_RULES to the rules repository.")
        good = self._sync(names[0], wait=options["wait"])
        if options["source"] is None:
            # The rules may just have named other sources.
            names = names[:1] + [row.name for row in selectors.sources() if row.name != names[0]]
        for name in names[1:]:
            good = self._sync(name, wait=options["wait"]) and good
        self._compare()
        if not good:
            sys.exit(1)

    def _compare(self) -> None:
        """What now differs between environments, so that nobody has to wait for a worker to find it out."""
        console = Console(stderr=True)
        with console.status("Comparing environments") as shown:
            done = actions.compare_due(listener=lambda count: shown.update(f"Comparing environments: {count}"))
        if done:
            self.stdout.write(f"{done} comparison{'' if done == 1 else 's'} between environments made.")

    def _names(self, wanted: str | None) -> list[str]:
        if wanted is None:
            return [row.name for row in selectors.sources()]
        try:
            return [selectors.source(wanted).name]
        except NotFound as missing:
            raise CommandError(missing.detail) from None

    def _sync(self, name: str, *, wait: bool) -> bool:
        console = Console(stderr=True)
        columns = (
            TextColumn("{task.fields[source]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[step]}"),
        )
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("sync", source=name, step="", total=None)

            def show(run: SyncRun) -> None:
                bar.update(task, completed=run.done, total=run.total or None, step=run.step)

            began = timezone.now()
            run = actions.sync_now(name, listener=show)
            while run is None and wait:
                time.sleep(0.5)
                run = self._finished_elsewhere(name, began) or actions.sync_now(name, listener=show)
        if run is None:
            self.stdout.write(f"{name}: another worker is reading it.")
            return True
        self.stdout.write(f"{name}: {run.outcome}. {run.sentence}")
        return run.outcome in {"published", "unchanged"}

    @staticmethod
    def _finished_elsewhere(name: str, began: datetime) -> SyncRun | None:
        return SyncRun.objects.filter(source__name=name, finished_at__gt=began).order_by("-pk").first()
