"""``python -m specs check PATH…`` and its neighbours; ``--help`` says what each does."""

from __future__ import annotations

import argparse
import sys

from specs.command import add_arguments, run
from specs.errors import UsageWrong


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 what was looked for was found, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="specs", description="OpenAPI documents: are they sound, what do they say, and what changed?")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    try:
        return run(options, sys.stdout)
    except UsageWrong as error:
        sys.stderr.write(f"specs: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
