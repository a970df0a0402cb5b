"""A worker's last act on a job's files: each staged file has a name of its own below the outputs."""

from pathlib import PurePosixPath

from engine.queue.job import File
from engine.queue.publish import staged_files
from engine.weights.staging import Stage


def manifest(stage: Stage) -> tuple[tuple[File, ...], dict[str, str]]:
    """The files to publish, and those that must be called otherwise since their name went to another job.

    That happens to packs which count files by themselves; what is saved through the engine reserved its name.
    """
    files: list[File] = []
    renamed: dict[str, str] = {}
    for name in staged_files(stage.folder):
        final = name if stage.holds(name) or stage.reserve(name) else _free(stage, name)
        files.append(File(name, final))
        if final != name:
            renamed[name] = final
    return tuple(files), renamed


def _free(stage: Stage, name: str) -> str:
    path = PurePosixPath(name)
    count = 1
    while not stage.reserve(other := str(path.with_name(f"{path.stem} ({count}){path.suffix}"))):
        count += 1
    return other
