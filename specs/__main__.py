"""``python -m specs check PATH…``."""

from __future__ import annotations

import argparse
import sys

from specs.command import UsageWrong, add_arguments, run


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 sound, 1 errors found, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="specs", description="OpenAPI documents: are they sound?")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    try:
        return run(options, sys.stdout)
    except UsageWrong as error:
        sys.stderr.write(f"specs: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
