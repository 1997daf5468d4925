from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from context_manager import Client
from real_server import LAUNCHER, RealServer, node


@pytest.fixture(scope="session")
def server() -> Iterator[RealServer]:
    """One for all tests: each works in a namespace of its own."""
    if node() is None or not LAUNCHER.exists():
        pytest.skip("no checkout of the server around this package, or no Node")
    real = RealServer()
    yield real
    real.clean_up()


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in request.node.nodeid.split("/")[-1])[-120:]


@pytest.fixture
def options(server: RealServer, namespace: str) -> dict[str, Any]:
    """Of a client whose namespace is the test's."""
    return {**server.options, "namespace": namespace}


@pytest.fixture
def client(options: dict[str, Any]) -> Iterator[Client]:
    with Client(**options) as connected:
        yield connected
