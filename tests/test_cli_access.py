from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from controller.__main__ import cli
from controller.api.accounts import Accounts, Role, Who

PASSWORD = "correct horse battery"  # noqa: S105  of this test alone


def run(directory: Path, *arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(cli, ["access", "--token-dir", str(directory), *arguments], input=stdin)


def test_users_and_tokens_are_made_listed_and_revoked(tmp_path: Path) -> None:
    assert "nobody yet" in run(tmp_path, "list").output
    assert run(tmp_path, "user", "anna", "--role", "manager", stdin=f"{PASSWORD}\n{PASSWORD}\n").exit_code == 0
    assert run(tmp_path, "user", "jan", "--role", "viewer", "--password-stdin", stdin=f"{PASSWORD}\n").exit_code == 0
    made = run(tmp_path, "token", "scada", "--role", "attendant")
    token = made.output.strip()
    with Accounts(tmp_path) as accounts:
        assert accounts.check_password("anna", PASSWORD, 0.0) == Who("anna", Role.MANAGER, "user")
        assert accounts.check_password("jan", PASSWORD, 0.0) == Who("jan", Role.VIEWER, "user")
        assert accounts.check_token(token, 0.0) == Who("scada", Role.ATTENDANT, "token")
    assert run(tmp_path, "revoke", "token", "scada").exit_code == 0
    listed = run(tmp_path, "list").output
    assert [line.split()[:3] for line in listed.splitlines()] == [
        ["user", "anna", "manager"],
        ["user", "jan", "viewer"],
        ["token", "scada", "attendant"],
    ]
    assert "revoked" in listed.splitlines()[2]
    assert "revoked" not in listed.splitlines()[0]
    for secret in (PASSWORD, token):
        assert secret not in listed


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        (["user", "anna", "--role", "manager", "--password-stdin"], "short\n", "write at least 10"),
        (["revoke", "user", "nobody"], "", "no user is named 'nobody'"),
        (["user", "anna", "--role", "king", "--password-stdin"], "", "king"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_mend(tmp_path: Path, arguments: list[str], stdin: str, says: str) -> None:
    result = run(tmp_path, *arguments, stdin=stdin)
    assert result.exit_code == 2
    assert says in result.output
