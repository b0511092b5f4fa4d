"""One portal for the whole room's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway import elevations
from tests.gateway.world import World, portal_world


@pytest.fixture(scope="session")
def running_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with portal_world(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture(autouse=True)
def forget_elevations() -> Iterator[None]:
    elevations.forget()
    yield
    elevations.forget()


@pytest.fixture
def world(running_world: World) -> World:
    running_world.platform.forget()
    return running_world
