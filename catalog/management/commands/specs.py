"""``./manage.py specs check PATH…`` and its neighbours: the engine's command. Needs no database and no server."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from specs.command import add_arguments, run
from specs.errors import UsageWrong


class Command(BaseCommand):
    """Check, compare and convert OpenAPI documents; exit 1 on what was to fail, 2 on wrong use."""

    help = "OpenAPI documents: specs check PATH…, diff OLD NEW, bundle, upgrade, slice, sample, rules"
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """The engine's own arguments."""
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the engine's command and end with its status."""
        try:
            status = run(Namespace(**options), sys.stdout)
        except UsageWrong as error:
            raise CommandError(str(error), returncode=2) from None
        if status:
            sys.exit(status)
