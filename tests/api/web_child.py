"""The web process alone, as a child of a test: SITE.toml FOLDER PORT. Prints its address when it answers."""

import dataclasses
import logging
import sys
from pathlib import Path

from controller.api.server import WebConfig, run
from controller.link import default_address
from controller.site import ApiSpec, load


def main() -> None:
    site_file, folder, port = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    config = WebConfig(
        site=dataclasses.replace(load(site_file), api=ApiSpec(port=port)),
        link_address=default_address(folder / "run"),
        run_dir=folder / "run",
        state_dir=folder / "state",
        token_dir=folder / "state",
    )
    run(config, ready=lambda address: print(address, flush=True))  # noqa: T201  the test reads it
    print("returned", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
