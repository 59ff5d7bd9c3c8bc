"""Three servers on one store and one bus."""

from contextlib import ExitStack

import pytest

import engines
from cluster import Cluster


@pytest.fixture(scope="module")
def _engines_are_here():
    if not engines.are_here():
        pytest.skip("PostgreSQL or nats-server is not installed")


@pytest.fixture
def cluster(_engines_are_here):
    """Three nodes of its own."""
    with ExitStack() as stack:
        cluster = Cluster(stack)
        for _ in range(3):
            cluster.add()
        yield cluster


@pytest.fixture(scope="module")
def _shared_cluster(_engines_are_here):
    with ExitStack() as stack:
        cluster = Cluster(stack)
        for _ in range(3):
            cluster.add()
        yield cluster


@pytest.fixture
def shared(_shared_cluster):
    """Three nodes that a module's tests share, with nobody on them."""
    yield _shared_cluster
    for node in _shared_cluster.nodes:
        node.dismiss()
    engines.wait_until(lambda: not _shared_cluster.on())
