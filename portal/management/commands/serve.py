"""``./manage.py serve``: the web process, with the bounds of ``portal.edge``."""

from __future__ import annotations

from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.edge.protocol import StrictProtocol


class Command(BaseCommand):
    help = "Serve pages, API, gateway and webhooks. Without Redis one process serves a PORTAL_HOME; with it, start as many as you like."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
        parser.add_argument("--port", type=int, default=settings.PORT, help="port to listen on (default PORT)")

    def handle(self, *args: Any, **options: Any) -> None:
        server = uvicorn.Server(configuration(options["host"], options["port"]))
        server.run()
        if not server.started:
            raise CommandError("The server did not start; the reason is above.")


def configuration(host: str, port: int) -> uvicorn.Config:
    """How uvicorn runs the portal: strict heads, one process, no log line of its own per request."""
    return uvicorn.Config(
        "portal.asgi:application",
        host=host,
        port=port,
        http=StrictProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
        backlog=1024,
    )
