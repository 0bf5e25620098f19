import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import httpx
import pytest
from count_on_air import CountOnAir, site_in
from fastapi import FastAPI
from web_in_thread import serving

from controller.api.access import SESSION
from controller.api.accounts import Accounts, Role, Who
from controller.api.server import WebConfig, create_app
from controller.link import default_address
from controller.site import ApiSpec, Part


@pytest.fixture
def config(tmp_path: Path) -> WebConfig:
    for name in ("run", "state"):
        (tmp_path / name).mkdir()
    site = dataclasses.replace(site_in(tmp_path), api=ApiSpec(port=0, public=get_args(Part)))
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
def token(config: WebConfig) -> str:
    with Accounts(config.token_dir) as accounts:
        return accounts.make_token("scada", Role.MANAGER, time.time())


@pytest.fixture
def staff(config: WebConfig, api: httpx.Client) -> httpx.Client:
    """``api`` as the browser of a manager who is logged in."""
    with Accounts(config.token_dir) as accounts:
        accounts.set_user("anna", "correct horse", Role.MANAGER, time.time())
        cookie = accounts.begin_session(Who("anna", Role.MANAGER, "user"), time.time())
    api.cookies.set(SESSION, cookie)
    return api
