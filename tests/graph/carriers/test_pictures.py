"""Texts in pictures."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from engine.graph.carriers.pictures import avif_texts, png_texts, svg_texts, webp_texts
from engine.graph.carriers.texts import BadCarrier, Reader


def reading(data: bytes, limit: int = 1 << 20) -> Reader:
    return Reader(BytesIO(data), limit)


def test_png_texts_are_read_in_every_form_and_after_the_picture() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", "Größe")
    info.add_itxt("Prompt", "画像", zip=True)
    info.add(b"comf", b"extra\0late", after_idat=True)
    file = BytesIO()
    Image.new("L", (1, 1)).save(file, "PNG", pnginfo=info)
    assert png_texts(reading(file.getvalue())) == {"workflow": "Größe", "prompt": "画像", "extra": "late"}


def test_a_png_text_that_unpacks_beyond_the_limit_is_refused() -> None:
    text = b"workflow\0\1\0\0\0" + zlib.compress(b"0" * 100_000)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(text)) + b"iTXt" + text + b"\0\0\0\0"
    with pytest.raises(BadCarrier, match="more than the limit of 9,000 bytes"):
        png_texts(reading(png, 9_000))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_webp_tags_are_read_in_either_byte_order(order: str, prefix: bytes) -> None:
    text = b"Workflow:{}\0"
    tiff = (b"II" if order == "<" else b"MM") + struct.pack(
        order + "HIHHHIIHHI4sI", 42, 8, 2, 0x010F, 2, len(text), 38, 0x0110, 2, 4, b"p:1\0", 0
    )
    exif = prefix + tiff + text
    chunk = b"EXIF" + struct.pack("<I", len(exif)) + exif
    webp = b"RIFF\0\0\0\0WEBP" + b"VP8X\x01\0\0\0?\0" + chunk
    assert webp_texts(reading(webp)) == {"workflow": "{}", "p": "1"}


@pytest.mark.skipif(
    ".avif" not in Image.registered_extensions(), reason="this installation of pillow writes no AVIF files"
)
def test_avif_tags_are_read() -> None:
    exif = Image.Exif()
    exif[0x010F] = 'workflow:{"a": 1}'
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, "AVIF", exif=exif)
    assert avif_texts(reading(file.getvalue())) == {"workflow": '{"a": 1}'}


def test_svg_metadata_of_other_programs_is_no_error() -> None:
    assert svg_texts(reading(b"<svg><metadata><rdf/></metadata></svg>")) == {}
    assert svg_texts(reading(b"<svg/>")) == {}
    assert svg_texts(reading(b'<svg><metadata id="m">{"prompt": {"1": 2}}</metadata></svg>')) == {"prompt": '{"1": 2}'}
