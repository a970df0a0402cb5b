"""One server for these tests alone: they empty its queue and history, and count what its packs did."""

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.server.serving import Server, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    base = tmp_path_factory.mktemp("conformance")
    shutil.copytree(Path(__file__).parent / "packs", base / "custom_nodes")
    (base / "custom_nodes" / "off.py.disabled").write_text("raise SystemExit")
    (base / "custom_nodes" / "broken.py").write_text("import nothing_of_this_name")
    with serving(base) as started:
        yield started
