"""Where the tests find the interface specification and the reference figures."""

import gc
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side: more threads would only wait for each other

# What whoever runs the tests has set for their own Heddle is none of the tests' business.
for _name in [each for each in os.environ if each.startswith("HEDDLE_")]:
    del os.environ[_name]
os.environ["HEDDLE_CONFIG"] = os.devnull

ROOT = Path(__file__).parent.parent
REFERENCES = Path(__file__).parent / "references"
SPEC = ROOT.parent / "shared" / "spec"

hypothesis.settings.register_profile(
    "heddle", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("heddle")

Records = list[dict[str, Any]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--golden", type=Path, help="a folder of reference figures in the format of tests/references/golden"
    )
    parser.addoption("--workflow-pairs", type=Path, help="a folder of saved workflows with the prompts they become")


def pytest_collection_finish() -> None:
    """Spare every collection of garbage the half million objects that importing made, and that all stay."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def spec_dir() -> Path:
    """The folder of the interface specification, which lies beside the clone where it is at hand."""
    if not SPEC.is_dir():
        pytest.skip("the interface specification is not beside this clone")
    return SPEC


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Callable[[str], Records]:
    """Reads the records of one file of reference figures: all of them where they are at hand, else the kept ones."""
    chosen: Path | None = request.config.getoption("--golden")
    folders = [chosen] if chosen else [SPEC / "golden", REFERENCES / "golden"]
    folder = next((each for each in folders if each.is_dir()), None)
    if folder is None:
        pytest.fail(f"no folder of reference figures among {[str(each) for each in folders]}")

    def read(name: str) -> Records:
        return json.loads((folder / f"{name}.json").read_text("utf-8"))["records"]

    return read


@pytest.fixture
def few_steps_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have training show samples of two steps: twelve take longer than all else that the run of a test does."""
    monkeypatch.setattr("engine.training.denoising.SHOWN_STEPS", 2)
