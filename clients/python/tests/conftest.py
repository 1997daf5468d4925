from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from driver import DRIVERS, Driver
from real_server import LAUNCHER, RealServer, node
from scripted_server import SECRET, ScriptedServer

OPTIONS = {"key_id": "default", "secret": SECRET, "sender": "agent-1", "backoff_min_ms": 1, "backoff_max_ms": 8}


@pytest.fixture(params=list(DRIVERS))
def open_client(request: pytest.FixtureRequest) -> Iterator[Callable[..., Driver]]:
    """A client of either kind, not connected yet."""
    drivers: list[Driver] = []

    def make(server: ScriptedServer | None = None, **options: Any) -> Driver:
        where = {} if server is None else {"host": "127.0.0.1", "port": server.port}
        driver = DRIVERS[request.param](**{**OPTIONS, **where, **options})
        drivers.append(driver)
        return driver

    yield make
    for driver in drivers:
        driver.end()


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.down()


@pytest.fixture(scope="module")
def server() -> Iterator[RealServer]:
    if node() is None or not LAUNCHER.exists():
        pytest.skip("no checkout of the server around this package, or no Node")
    real = RealServer()
    yield real
    real.clean_up()
