import dataclasses
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from count_on_air import CountOnAir, site_in
from fastapi import FastAPI
from web_in_thread import serving

from controller.api.server import WebConfig, create_app
from controller.link import default_address
from controller.site import ApiSpec


@pytest.fixture
def config(tmp_path: Path) -> WebConfig:
    for name in ("run", "state"):
        (tmp_path / name).mkdir()
    site = dataclasses.replace(site_in(tmp_path), api=ApiSpec(port=0))
    run_dir, state_dir = tmp_path / "run", tmp_path / "state"
    return WebConfig(
        site=site,
        link_address=default_address(run_dir),
        run_dir=run_dir,
        state_dir=state_dir,
        token_dir=state_dir,
    )


@pytest.fixture
def count(config: WebConfig) -> Iterator[CountOnAir]:
    with CountOnAir(config.run_dir, config.state_dir) as count:
        yield count


@pytest.fixture
def app(config: WebConfig) -> FastAPI:
    return create_app(config)


@pytest.fixture
def address(app: FastAPI) -> Iterator[str]:
    with serving(app) as address:
        yield address


@pytest.fixture
def api(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=10) as client:
        yield client


@pytest.fixture
def token(app: FastAPI, config: WebConfig) -> str:  # noqa: ARG001  the application makes it
    return (config.token_dir / "api.token").read_text().strip()
