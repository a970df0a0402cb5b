"""Texts in films."""

import struct
from io import BytesIO

import pytest

from engine.graph.carriers.films import mp4_texts, webm_texts
from engine.graph.carriers.texts import BadCarrier, Reader


def reading(data: bytes) -> Reader:
    return Reader(BytesIO(data), 1 << 20)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def metadata(version: bytes = bytes(4)) -> bytes:
    keys = box(b"keys", bytes(4) + struct.pack(">I", 2) + box(b"mdta", b"Workflow") + box(b"mdta", b"other"))
    items = box(struct.pack(">I", 1), box(b"data", bytes(8) + b"{}")) + box(struct.pack(">I", 9), b"")
    return box(b"meta", version + box(b"hdlr", bytes(25)) + keys + box(b"ilst", items))


def element(id: int, content: bytes) -> bytes:
    return id.to_bytes((id.bit_length() + 7) // 8, "big") + (0x10000000 | len(content)).to_bytes(4, "big") + content


@pytest.mark.parametrize(
    "film",
    [
        box(b"ftyp", b"") + box(b"mdat", bytes(99)) + box(b"moov", box(b"udta", metadata())),
        box(b"moov", metadata(version=b"")),
        box(b"udta", metadata()),
        struct.pack(">I4sQ", 1, b"mdat", 20) + bytes(4) + box(b"moov", metadata()),
    ],
)
def test_mp4_items_are_read_wherever_they_stand(film: bytes) -> None:
    assert mp4_texts(reading(film)) == {"workflow": "{}"}


def test_an_mp4_box_that_ends_outside_is_refused() -> None:
    with pytest.raises(BadCarrier, match="the MP4 box 'mdat' at byte 8 ends outside"):
        mp4_texts(reading(box(b"ftyp", b"") + struct.pack(">I", 99) + b"mdat"))


def test_webm_tags_are_read_behind_clusters_also_of_unknown_size() -> None:
    tags = b"".join(
        element(0x67C8, element(0x45A3, name) + element(0x4487, text))
        for name, text in ((b"WORKFLOW", b"{}"), (b"TITLE", b"t"))
    )
    cluster = (0x1F43B675).to_bytes(4, "big") + b"\xff" + element(0xA3, bytes(50))
    inside = cluster + element(0x1254C367, element(0x7373, tags))
    segment = (0x18538067).to_bytes(4, "big") + b"\x01" + b"\xff" * 7 + inside
    assert webm_texts(reading(element(0x1A45DFA3, b"") + segment)) == {"workflow": "{}", "title": "t"}
    assert webm_texts(reading(element(0x1A45DFA3, b"") + element(0x18538067, inside)))["workflow"] == "{}"


def test_a_webm_element_that_ends_outside_is_refused() -> None:
    with pytest.raises(BadCarrier, match="the WebM element 18538067 at byte 0 ends outside"):
        webm_texts(reading(element(0x18538067, bytes(9))[:-4]))
