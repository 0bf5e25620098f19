"""Each write of each role, at the real count process: its audit row is in the transaction of its input, or neither."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from count_on_air import SITE
from fixtures_site import Product, wait_until
from test_access import CORRECTION, WRITES
from test_many_streams import free_port

from controller.api.accounts import Accounts, Role

MAY = [(*write, role) for write in WRITES for role in Role if role.covers(write[3])]


@pytest.fixture(scope="module")
def lot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Product, httpx.Client, dict[Role, str]]]:
    """Count and web as children, and a token for each role."""
    folder = tmp_path_factory.mktemp("audit")
    site, port = folder / "site.toml", free_port()
    site.write_text(f'{SITE}\n[api]\nport = {port}\n[gpio]\npin_factory = "mock"\n', "utf-8")
    product = Product(folder, site)
    try:
        product.start_count()
        with Accounts(product.state_dir) as accounts:
            tokens = {role: accounts.make_token(f"of a {role}", role, time.time()) for role in Role}
        product.start("web")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as api:
            wait_until(lambda: is_live(api), "web is live", 30)
            yield product, api, tokens
    finally:
        product.end()


def is_live(api: httpx.Client) -> bool:
    try:
        return bool(api.get("/api/v1/status").json()["live"])
    except httpx.HTTPError:
        return False


def rows(product: Product, what: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(product.state_dir / "journal.sqlite")) as db:
        return db.execute(what).fetchall()


FIRST = {
    "/api/v1/zones/customers/adjustment": [("POST", CORRECTION)],
    "/api/v1/zones/customers/recount": [("DELETE", "/api/v1/zones/customers/recount?reason=rain")],
    "/api/v1/zones/staff/recount/result": [("POST", "/api/v1/zones/staff/recount")],
    "/api/v1/zones/staff/recount?reason=rain": [("POST", "/api/v1/zones/staff/recount")],
    "/api/v1/zones/customers/undo": [("POST", CORRECTION)],
}
"""What must have been done before such a write means anything."""

AUDIT = "SELECT a.who, a.reason, i.line FROM audit a JOIN input i ON i.id = a.input_id ORDER BY a.id"


@pytest.mark.parametrize(("verb", "path", "body", "needs", "role"), MAY)
def test_a_write_is_on_record_with_its_input(
    lot: tuple[Product, httpx.Client, dict[Role, str]],
    verb: str,
    path: str,
    body: dict[str, object],
    needs: Role,
    role: Role,
) -> None:
    assert role.covers(needs)
    product, api, tokens = lot
    headers = {"Authorization": f"Bearer {tokens[role]}"}
    why = {"reason": "first"}
    for how, where in FIRST.get(path, []):
        api.request(how, where, json={"occupied": 5} | why if where == CORRECTION else why, headers=headers)
    before = rows(product, AUDIT)
    answer = api.request(verb, path, json=body or None, headers=headers)
    assert answer.status_code == 200, answer.text
    ((who, reason, line),) = rows(product, AUDIT)[len(before) :]  # when it is acknowledged, it is durable
    assert (who, reason) == (f"token of a {role}", body.get("reason") or path.partition("=")[2])
    assert line


def test_what_no_role_may_leaves_no_row(lot: tuple[Product, httpx.Client, dict[Role, str]]) -> None:
    product, api, tokens = lot
    before = rows(product, AUDIT)
    for verb, path, body, needs in WRITES:
        for role in Role:
            if not role.covers(needs):
                headers = {"Authorization": f"Bearer {tokens[role]}"}
                assert api.request(verb, path, json=body or None, headers=headers).status_code == 403
        assert api.request(verb, path, json=body or None).status_code == 401
    assert rows(product, AUDIT) == before


@pytest.mark.parametrize("role", [Role.ATTENDANT, Role.MANAGER])
def test_without_its_audit_row_a_write_is_neither_kept_nor_acknowledged(
    lot: tuple[Product, httpx.Client, dict[Role, str]], role: Role
) -> None:
    product, api, tokens = lot
    journal = product.state_dir / "journal.sqlite"
    trigger = "CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'not today'); END"
    execute(journal, trigger)
    inputs = "SELECT count(*) FROM input WHERE line LIKE '%correct%'"
    before = rows(product, inputs), rows(product, AUDIT)
    verb, path, body, _ = WRITES[0]
    headers = {"Authorization": f"Bearer {tokens[role]}"}
    try:
        answer = api.request(verb, path, json=body, headers=headers)
        assert answer.status_code in {502, 504}
        assert (rows(product, inputs), rows(product, AUDIT)) == before
    finally:
        execute(journal, "DROP TRIGGER no_audit")
    # The store tries again: then both are there, and the next one is acknowledged.
    wait_until(lambda: api.request(verb, path, json=body, headers=headers).status_code == 200, "it is taken again")
    (more,), (had,) = rows(product, inputs)[0], before[0][0]
    assert isinstance(more, int)
    assert isinstance(had, int)
    assert more - had == len(rows(product, AUDIT)) - len(before[1]) >= 1


def execute(journal: Path, sql: str) -> None:
    with closing(sqlite3.connect(journal, timeout=10)) as db, db:
        db.execute(sql)
