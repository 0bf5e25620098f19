"""These tests need the guest's GPIO chip and SPI bus: `make test-kernel` and `make test-systemd` run them there."""

import os

collect_ignore_glob = [] if os.environ.get("PARKING_GUEST") else ["test_*.py"]
