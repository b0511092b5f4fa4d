"""``python -m demo.identity_provider``: prepare the provider's database, then serve it on loopback."""

from __future__ import annotations

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "demo.identity_provider.settings"

import django
import uvicorn
from django.core.asgi import get_asgi_application
from django.core.management import call_command

from demo.identity_provider import settings
from demo.identity_provider.accounts import provision
from demo.world import LOOPBACK


def main() -> None:
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    provision()
    uvicorn.run(
        get_asgi_application(),
        host=LOOPBACK,
        port=settings.WORLD.identity_port,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=2,
        server_header=False,
    )


if __name__ == "__main__":
    main()
