"""A lot whose sign is a model of chips under the real sign process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chips_seen import Chips
from fixtures_site import LANE_SITE, Product

from controller.link import default_address


@contextmanager
def side(folder: Path, site: str = LANE_SITE) -> Iterator[tuple[Product, Chips]]:
    """A lot in a folder of its own, its sign dark; nothing counts yet."""
    folder.mkdir()
    path = folder / "site.toml"
    path.write_text(site, "utf-8")
    product = Product(folder, path)
    product.run_dir.mkdir(parents=True)
    chips = Chips("sign_child.py", default_address(product.run_dir), str(product.run_dir))
    try:
        assert chips.next("dark")
        yield product, chips
    finally:
        product.end()
        chips.end()
