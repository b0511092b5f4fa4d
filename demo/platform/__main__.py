"""``python -m demo.platform``: serve the demo platform on loopback until told to stop."""

from __future__ import annotations

import logging

from aiohttp import web

from demo.platform.server import application
from demo.world import LOOPBACK, read_world
from portal.env import home


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    world = read_world(home())
    web.run_app(
        application(world),
        host=LOOPBACK,
        port=world.platform_port,
        print=lambda *_: None,
        shutdown_timeout=1.0,
        handler_cancellation=True,
    )


if __name__ == "__main__":
    main()
