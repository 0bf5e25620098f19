"""The disk that can be hurt (``disk.c``): built, put under a process, and what is left of it when the power goes."""

import ctypes
import os
import random
import struct
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("disk.c")
SECTOR = 512
"""A disk writes so many bytes whole or not at all."""
_HEAD = struct.Struct("<cIIq")


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the log (see ``disk.c``)."""

    op: str
    path: str
    offset: int
    data: bytes


def built(folder: Path) -> Path:
    """Compile the library into a folder; return its path."""
    library = folder / "disk.so"
    command = ["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return library


def environment(library: Path, folder: Path, log: Path | None) -> dict[str, str]:
    """Return the environment of a process that has this disk under a folder."""
    logged = {} if log is None else {"DISK_LOG": str(log)}
    return {**os.environ, "LD_PRELOAD": str(library), "DISK_DIR": str(folder), **logged}


@cache
def preloaded() -> ctypes.CDLL:
    """Return the library's own functions, in a process that has it."""
    return ctypes.CDLL(None)


def note(text: str) -> None:
    """Write a line of our own into the log."""
    preloaded().disk_note(text.encode())


def fail(after: int, number: int, *, lasts: bool = False) -> None:
    """Let an operation fail: the one after so many more, with this error number; 0 ends it."""
    preloaded().disk_fail(ctypes.c_long(after), number, int(lasts))


def dies(syncs: int) -> None:
    """Kill this process right after so many fsyncs."""
    preloaded().disk_dies(ctypes.c_long(syncs))


def operations(log: Path) -> Iterator[Operation]:
    """Read a log."""
    content = log.read_bytes()
    at = 0
    while at < len(content):
        op, path, data, offset = _HEAD.unpack_from(content, at)
        at += _HEAD.size
        name = content[at : at + path].decode()
        at += path
        yield Operation(op.decode(), name, offset, content[at : at + data])
        at += data


@dataclass
class _File:
    """What is on the disk for certain, and what may be."""

    content: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list)


class Platter:
    """The files as a disk has them: what was written is there for certain only after an fsync of its file."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self.notes: list[str] = []

    def take(self, operation: Operation) -> None:
        """Let the next operation of the log happen."""
        match operation.op:
            case "N":
                self.notes.append(operation.data.decode())
            case "U":
                self._files.pop(operation.path, None)
            case "R":
                self._files[operation.data.decode()] = self._files.pop(operation.path, _File())
            case "S":
                file = self._files.setdefault(operation.path, _File())
                for change in file.pending:
                    _apply(file.content, change)
                file.pending.clear()
            case _:
                self._files.setdefault(operation.path, _File()).pending.append(operation)

    def after_a_cut(self, chance: random.Random) -> Mapping[str, bytes]:
        """Return what the files hold when the power went just now; of what was not synced: all, nothing, or some."""
        kept_share = chance.choice((0.0, 0.5, 0.9, 1.0))
        left = {}
        for name, file in self._files.items():
            content = bytearray(file.content)
            for number, change in enumerate(file.pending):
                last = number == len(file.pending) - 1
                if last and change.op == "W":
                    _tear(content, change, chance)
                elif chance.random() < kept_share:
                    _apply(content, change)
            left[name] = bytes(content)
        return left


def _apply(content: bytearray, change: Operation) -> None:
    if change.op == "T":
        del content[change.offset :]
        content.extend(bytes(change.offset - len(content)))
        return
    content.extend(bytes(max(0, change.offset - len(content))))
    content[change.offset : change.offset + len(change.data)] = change.data


def _tear(content: bytearray, change: Operation, chance: random.Random) -> None:
    """Write some sectors of the last write and not the others."""
    for start in range(0, len(change.data), SECTOR):
        if chance.random() < 0.5:
            part = change.data[start : start + SECTOR]
            _apply(content, Operation("W", change.path, change.offset + start, part))
