"""One nursery for the tests of the second tier: it imports everything once."""

import pytest

from tests.sockets.world import Nursery


@pytest.fixture(scope="session")
def nursery() -> Nursery:
    """What starts the processes."""
    return Nursery()
