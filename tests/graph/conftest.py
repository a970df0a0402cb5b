"""Where the tests of workflow files find files made elsewhere."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
REFERENCES = TESTS / "references"
SPEC = TESTS.parent.parent / "shared" / "spec"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `workflow_pair` every file of the folder that was chosen, else of the spec, else of the references."""
    if "workflow_pair" in metafunc.fixturenames:
        chosen: Path | None = metafunc.config.getoption("--workflow-pairs")
        folders = [chosen] if chosen else [SPEC / "workflows", REFERENCES / "workflow_pairs"]
        files = sorted(next((each for each in folders if each.is_dir()), folders[-1]).glob("*.json"))
        metafunc.parametrize("workflow_pair", files, ids=[file.stem for file in files])


@pytest.fixture(scope="session")
def carriers() -> Path:
    """A folder of small files that carry workflows and prompts."""
    return next(each for each in (SPEC / "carriers", REFERENCES / "carriers") if each.is_dir())
