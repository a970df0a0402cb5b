"""Modules that wait until they are needed."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.node.deferred import deferred


def run(code: str, folder: Path) -> str:
    ran = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "slow.py").write_text("print('loaded', end=' ')\nvalue = 7\n")
    root = str(Path(__file__).parent.parent.parent)
    (tmp_path / "sitecustomize.py").write_text("")
    (tmp_path / "start.py").write_text(f"import sys; sys.path.insert(0, {root!r})\n")
    return tmp_path


BEGIN = "import start\nfrom engine.node.deferred import deferred\nwith deferred():\n    import slow\n"


def test_a_deferred_module_loads_at_its_first_attribute(folder: Path) -> None:
    assert run(BEGIN + "print('waiting', end=' '); print(slow.value)", folder) == "waiting loaded 7"


def test_naming_it_again_does_not_load_it(folder: Path) -> None:
    again = (
        "with deferred():\n    import slow as second\nprint('waiting', end=' '); print(second.value, second is slow)"
    )
    assert run(BEGIN + again, folder) == "waiting loaded 7 True"


def test_an_ordinary_import_finds_the_same_module(folder: Path) -> None:
    assert run(BEGIN + "from slow import value\nprint(value, slow.value)", folder) == "loaded 7 7"


def test_an_error_while_loading_is_raised_at_each_use(folder: Path) -> None:
    (folder / "slow.py").write_text("raise RuntimeError('broken')\n")
    use = "\ntry:\n    slow.value\nexcept RuntimeError as error:\n    print(error, end=' ')\n"
    assert run(BEGIN + use + use, folder) == "broken broken"


def test_a_module_that_is_not_there_is_missed_at_once() -> None:
    with pytest.raises(ModuleNotFoundError), deferred():
        import nowhere_to_be_found  # pyright: ignore[reportMissingImports, reportUnusedImport]  # noqa: F401
