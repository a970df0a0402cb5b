"""Texts in sounds."""

import struct
from io import BytesIO

import pytest

from engine.graph.carriers.sounds import flac_texts, mp3_texts, ogg_texts
from engine.graph.carriers.texts import BadCarrier, Reader


def reading(data: bytes) -> Reader:
    return Reader(BytesIO(data), 1 << 20)


def comments(*texts: str) -> bytes:
    packed = [struct.pack("<I", len(data)) + data for data in (text.encode() for text in texts)]
    return struct.pack("<I", 2) + b"me" + struct.pack("<I", len(packed)) + b"".join(packed)


def synchsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def test_flac_comments_are_read_behind_other_blocks() -> None:
    block = comments("WORKFLOW={=}", "artist=nobody")
    flac = b"fLaC" + b"\x00\0\0\x03abc" + b"\x84" + len(block).to_bytes(3, "big") + block
    assert flac_texts(reading(flac)) == {"workflow": "{=}", "artist": "nobody"}


def test_comments_that_are_cut_off_are_refused() -> None:
    block = comments("workflow={}")[:-13]
    with pytest.raises(BadCarrier, match="cut off"):
        flac_texts(reading(b"fLaC\x84" + len(block).to_bytes(3, "big") + block))


def test_ogg_comments_are_joined_over_pages_of_the_same_stream() -> None:
    packet = b"OpusTags" + comments("workflow=" + "x" * 1000)

    def page(stream: int, pieces: list[bytes]) -> bytes:
        sizes = bytes(len(piece) for piece in pieces)
        return b"OggS" + bytes(10) + struct.pack("<III", stream, 0, 0) + bytes([len(sizes)]) + sizes + b"".join(pieces)

    pieces = [packet[at : at + 255] for at in range(0, len(packet), 255)]
    ogg = page(1, [b"OpusHead"]) + page(2, [b"other"]) + page(1, pieces[:2]) + page(1, pieces[2:])
    assert ogg_texts(reading(ogg)) == {"workflow": "x" * 1000}


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        (0, b"Workflow\0{}\0"),
        (1, "Workflow".encode("utf-16") + b"\0\0" + "{}".encode("utf-16")),
        (2, "Workflow\0{}".encode("utf-16-be")),
        (3, b"Workflow\0{}"),
    ],
)
def test_mp3_frames_are_read_in_every_encoding(version: int, encoding: int, content: bytes) -> None:
    body = bytes([encoding]) + content
    size = synchsafe(len(body)) if version == 4 else struct.pack(">I", len(body))
    frames = b"TIT2\0\0\0\x02\0\0\0a" + b"TXXX" + size + b"\0\0" + body + bytes(20)
    assert mp3_texts(reading(b"ID3" + bytes([version, 0, 0]) + synchsafe(len(frames)) + frames)) == {"workflow": "{}"}
