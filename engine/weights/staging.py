"""Files of a job lie apart until the job ends: names are chosen and reserved, and nothing is visible yet."""

import os
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from engine.node import crash_points
from engine.weights.write_whole import written_whole

RESERVED, STAGED = ".heddle/reserved", ".heddle/staging"  # below the outputs: a rename from there is one step


@dataclass(frozen=True)
class Stage:
    """The place of one lease of one job below an output directory."""

    output: Path
    lease: str  # names the lease among all others

    @property
    def folder(self) -> Path:
        """What stands in for the outputs while the job runs."""
        return self.output / STAGED / self.lease

    def reserve(self, name: str) -> bool:
        """Take a name below the outputs, unless a file or another lease has it. Safe between processes."""
        if (self.output / name).exists():
            return False
        place = self.output / RESERVED / name
        place.parent.mkdir(parents=True, exist_ok=True)
        crash_points.point("before a reservation")
        try:
            handle = os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return False
        crash_points.point("in the middle of a reservation")
        try:
            os.write(handle, self.lease.encode())
        except OSError:  # a full disk: a name that nobody holds would be taken for ever
            place.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)
        crash_points.point("after a reservation")
        return True

    def holds(self, name: str) -> bool:
        """Whether this lease reserved the name."""
        try:
            return (self.output / RESERVED / name).read_text("utf-8") == self.lease
        except OSError:
            return False

    def release(self, name: str) -> None:
        """Give a reserved name free: its file is published, or will never be."""
        if self.holds(name):
            with crash_points.around("release of a name"):
                (self.output / RESERVED / name).unlink(missing_ok=True)

    def drop(self) -> None:
        """Forget what was staged."""
        with crash_points.around("end of a stage"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def abandon(self) -> None:
        """Forget what was staged, and give its names free: the lease is over and published nothing."""
        self.drop()
        names = self.output / RESERVED
        for place in names.rglob("*") if names.is_dir() else ():
            if place.is_file():
                self.release(place.relative_to(names).as_posix())

    def write(self, folder: Path, name: Callable[[int], str], counter: int, write: Callable[[Path], object]) -> Path:
        """Write a file under the first name that is free below the outputs: `name(counter)`, or of those after it."""
        below = folder.relative_to(self.folder)
        while not self.reserve((below / name(counter)).as_posix()):
            counter += 1
        path = folder / name(counter)
        with written_whole(path) as temporary:
            write(temporary)
        return path


def tidy(output: Path, leases: Collection[str]) -> None:
    """Remove the stages and the reserved names of all leases but these, as after a crash."""
    stages, names = output / STAGED, output / RESERVED
    for stage in stages.iterdir() if stages.is_dir() else ():
        if stage.name not in leases:
            shutil.rmtree(stage, ignore_errors=True)
    for name in names.rglob("*") if names.is_dir() else ():
        if name.is_file() and name.read_text("utf-8") not in leases:
            name.unlink(missing_ok=True)
