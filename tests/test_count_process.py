"""The real counting process: killed, ended, started twice, on a full disk."""

import subprocess
from contextlib import closing
from typing import Any

from fixtures_site import LANE_SITE, Product, drive_in, edited, wait_until

from controller.domain.report import Reason
from controller.journal import open_reader, passages


def test_kill_9_of_count_loses_nothing_that_the_sign_showed(product: Product) -> None:
    process = product.start_count()
    with product.pins() as pins:
        drive_in(pins)
        wait_until(lambda: product.occupied() == 11, "the car is counted")
        process.kill()
        process.wait()
    product.start_count()
    assert product.occupied() == 11
    with product.link() as link:
        assert link.state()["lot"]["zones"][0]["reason"] == Reason.COUNTED
        assert link.command(do="correct", zone="customers", occupied=3, by="test") is None
    assert product.occupied() == 3
    with product.pins() as pins:
        drive_in(pins)
        wait_until(lambda: product.occupied() == 4, "and counting goes on")
    with closing(open_reader(product.state_dir / "journal.sqlite")) as db:
        assert [row["kind"] for row in passages(db, 10)] == ["entry", "entry"]


def test_sigterm_ends_count_cleanly(product: Product) -> None:
    process = product.start_count()
    process.terminate()
    assert process.wait(5) == 0
    assert not (product.run_dir / "link.sock").exists()
    assert not (product.state_dir / "journal.sqlite-wal").exists(), "all is folded into the one file"


def test_a_second_count_in_the_same_place_ends_and_the_first_keeps_its_pins(product: Product) -> None:
    product.start_count()
    second = product.start("count")
    assert second.wait(20) == 1
    assert "another count process is already running here; stop it first" in product.said()
    with product.pins() as pins:
        drive_in(pins)
        wait_until(lambda: product.occupied() == 11, "the first one still counts")


def test_when_the_disk_is_full_nothing_is_told_and_it_goes_on_when_there_is_room(product: Product) -> None:
    limit = ("bash", "-c", 'ulimit -S -f 256; exec "$@"', "-")  # no file may grow beyond 256 KiB
    process = product.start_count(before=limit)

    def zone() -> dict[str, Any]:
        with product.link() as link:
            state = link.state()
        return {**state["lot"]["zones"][0], "trouble": state["journal"]["trouble"]}

    with product.pins() as pins:

        def fill() -> bool:
            for _ in range(50):
                pins.set(17, False)
                pins.set(17, True)
            return zone()["trouble"] is not None

        wait_until(fill, "the journal is full", 60.0)
        assert (zone()["free"], zone()["reason"]) == (None, "not_written")
        assert "can't be written" in product.said()
        assert "Traceback" not in product.said()
        subprocess.run(["prlimit", f"--pid={process.pid}", "--fsize=unlimited"], check=True)
        wait_until(lambda: zone()["trouble"] is None, "it goes on by itself")
        assert process.poll() is None


def test_a_site_file_without_a_lot_starts_nothing(product: Product) -> None:
    product.site.write_text(edited(LANE_SITE, r"\[lot\]", "[plot]"), "utf-8")
    assert product.start("count").wait(20) == 2
    assert "plot: unknown key. Did you mean lot?" in product.said()
    assert not product.state_dir.exists()


def test_a_damaged_journal_is_set_aside_and_counting_goes_on(product: Product) -> None:
    product.state_dir.mkdir()
    content = b"no database" * 1000
    (product.state_dir / "journal.sqlite").write_bytes(content)
    product.start_count()
    assert (product.state_dir / "journal.sqlite.damaged-1").read_bytes() == content
    assert "was set aside as journal.sqlite.damaged-1" in product.said()
    assert "Traceback" not in product.said()
