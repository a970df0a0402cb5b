import pytest


@pytest.fixture(autouse=True)
def quick(few_steps_shown: None) -> None:
    """Short runs show their samples after few steps too."""
