"""Every promise about running holds whatever the cache keeps."""

from collections.abc import Callable

import pytest

from engine.run.cache import Cache
from tests.run.small_nodes import POLICIES


@pytest.fixture(params=POLICIES)
def new_cache(request: pytest.FixtureRequest) -> Callable[[], Cache]:
    return POLICIES[request.param]


@pytest.fixture
def cache(new_cache: Callable[[], Cache]) -> Cache:
    return new_cache()
