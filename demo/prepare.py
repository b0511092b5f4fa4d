"""``python -m demo.prepare migrate|sync``: what must be done before the portal can be used, in a process of its own."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

import django
from django.core.management import call_command


def main() -> None:
    django.setup()
    if sys.argv[1] == "migrate":
        call_command("migrate", verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
    else:
        call_command("sync", wait=True)


if __name__ == "__main__":
    main()
