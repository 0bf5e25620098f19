"""These tests need the guest's GPIO chip and SPI bus: `make test-kernel` runs them there."""

import os
import random

import pytest

collect_ignore_glob = [] if os.environ.get("PARKING_GUEST") else ["test_*.py"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, help="Let chance happen again as it did under this seed.")


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    seed = request.config.getoption("--seed")
    if seed is None:
        seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    return random.Random(seed)
