"""A frame comes out as it went in, and what is no frame is said to be none."""

import asyncio
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.queue.wire import Frame, FrameError, pack, read_frame, read_frame_from

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=5)


@given(st.text(), st.dictionaries(st.text().filter(lambda key: key != "kind"), JSON), st.binary())
def test_a_frame_comes_out_as_it_went_in(kind: str, data: dict[str, object], blob: bytes) -> None:
    frame = Frame(kind, data, blob)
    assert read_frame(io.BytesIO(pack(frame))) == frame


def test_frames_are_read_from_a_stream_until_it_ends() -> None:
    async def read() -> list[Frame | None]:
        reader = asyncio.StreamReader()
        reader.feed_data(pack(Frame("a", {"n": 1}, b"x")) + pack(Frame("b")) + pack(Frame("cut"))[:-1])
        reader.feed_eof()
        return [await read_frame_from(reader) for _ in range(3)]

    assert asyncio.run(read()) == [Frame("a", {"n": 1}, b"x"), Frame("b"), None]


@pytest.mark.parametrize("noise", [b"Loading model...\n" * 4, b"\0\0\0\x04\0\0\0\x02[]xx"])
def test_noise_is_no_frame(noise: bytes) -> None:
    with pytest.raises(FrameError):
        read_frame(io.BytesIO(noise))


def test_what_has_no_form_in_json_is_refused_by_name() -> None:
    with pytest.raises(FrameError, match="kind event cannot be sent: object has no form"):
        pack(Frame("event", {"x": object()}))
