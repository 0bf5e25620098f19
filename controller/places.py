"""Where the processes of one site keep things and meet."""

from dataclasses import dataclass
from pathlib import Path

from controller.link import default_address


@dataclass(frozen=True, slots=True)
class Places:
    """Where the processes keep things: ``state_dir`` survives a reboot, ``run_dir`` need not."""

    state_dir: Path
    run_dir: Path

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.state_dir / "journal.sqlite"

    @property
    def key(self) -> Path:
        """The file with the link's secret for commands."""
        return self.state_dir / "command.key"

    @property
    def link(self) -> str:
        """The local link's address."""
        return default_address(self.run_dir)
