"""``./manage.py worker``: the background work of an installation without a broker."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from django.utils.module_loading import import_string

logger = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Sweep due rows: syncs, sealing, expiries, revocations. Started by `make run`; in production Celery does it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--interval", type=float, default=1.0, help="seconds between sweeps (default 1)")
        parser.add_argument("--once", action="store_true", help="sweep once and stop")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()

        def on_signal(number: int, frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, on_signal)
        signal.signal(signal.SIGINT, on_signal)
        sweeps: dict[str, Callable[[], int]] = {name: import_string(name) for name in settings.SWEEPS}
        if options["once"]:
            for name, sweep in sweeps.items():
                self.stdout.write(f"{name}: {sweep()}")
            return
        # One thread a sweep: a sync that takes a minute must not hold back a token that is due now.
        threads = [
            threading.Thread(target=run_until, args=(stop, name, sweep, options["interval"]), name=name, daemon=True)
            for name, sweep in sweeps.items()
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        for thread in threads:
            thread.join(timeout=10)


def run_until(stop: threading.Event, name: str, sweep: Callable[[], int], interval: float) -> None:
    """Call ``sweep`` until ``stop`` is set. A sweep that fails is logged and called again later."""
    pause = interval
    while not stop.is_set():
        try:
            sweep()
            pause = interval
        except Exception:
            # The one place where every exception is caught: the loop must outlive any bug in a sweep.
            logger.exception("sweep_failed", sweep=name)
            pause = min(pause * 2, 60.0)
        finally:
            close_old_connections()
        stop.wait(pause)
