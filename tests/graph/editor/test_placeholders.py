"""Placeholders in file names."""

from datetime import datetime

import pytest

from engine.graph.editor.placeholders import format_time


@pytest.mark.parametrize(
    ("format", "text"),
    [("yyyy-MM-dd", "2025-03-09"), ("yy.M.d", "25.3.9"), ("hh:mm:ss", "17:04:00"), ("h-m-s", "17-4-0"), ("x", "x")],
)
def test_times_are_written_by_patterns(format: str, text: str) -> None:
    assert format_time(datetime(2025, 3, 9, 17, 4, 0), format) == text
