#!/usr/bin/env python3
"""Run a management command of the portal: ``./manage.py help``."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        # A bare clone: the project's own virtual environment is where `make setup` put it.
        local_python = os.path.join(os.path.dirname(os.path.abspath(__file__)), ".venv", "bin", "python")
        if os.path.exists(local_python) and os.path.realpath(sys.prefix) != os.path.realpath(
            os.path.dirname(os.path.dirname(local_python))
        ):
            os.execv(local_python, [local_python, *sys.argv])
        sys.exit("Django is not installed here. Run `make setup` first, then try again.")
    from portal.env import EnvironmentInvalid

    try:
        execute_from_command_line(sys.argv)
    except EnvironmentInvalid as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
