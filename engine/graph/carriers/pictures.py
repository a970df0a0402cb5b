"""Texts in PNG (still or animated), WebP, AVIF and SVG files."""

import json
import struct
import zlib
from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

from engine.graph.carriers.texts import BadCarrier, Reader, Texts, decode, keep, texts_of

_ASCII = 2  # the type of a text among the tags of TIFF
_USER_COMMENT = 0x9286
_EXIF_IFD = 0x8769


def png_texts(reader: Reader) -> Texts:
    """The chunks tEXt, iTXt (plain or compressed) and comf, before the picture or after it."""
    texts: Texts = {}
    reader.skip(8)
    while reader.left >= 12:
        length, kind = reader.number(4, "a PNG chunk"), reader.take(4, "a PNG chunk")
        if kind in (b"tEXt", b"comf"):
            key, _, text = reader.take(length, "a PNG text").partition(b"\0")
            keep(texts, decode(key), decode(text))
        elif kind == b"iTXt":
            key, _, rest = reader.take(length, "a PNG text").partition(b"\0")
            keep(texts, decode(key), _international(rest, reader.limit))
        else:
            reader.skip(length)
        reader.skip(4)  # the checksum: a broken one is no reason to lose a workflow
    return texts


def _international(data: bytes, limit: int) -> str:
    """The text of an iTXt chunk: behind a flag, a method, a language and a translated keyword."""
    is_compressed, text = data[:1] == b"\1", data[2:].split(b"\0", 2)[-1]
    if not is_compressed:
        return decode(text)
    unpacking = zlib.decompressobj()
    try:
        unpacked = unpacking.decompress(text, limit)
    except zlib.error as error:
        raise BadCarrier(f"a compressed PNG text cannot be unpacked: {error}") from error
    if unpacking.unconsumed_tail:
        raise BadCarrier(f"a compressed PNG text unpacks to more than the limit of {limit:,} bytes")
    return decode(unpacked)


def webp_texts(reader: Reader) -> Texts:
    """The texts `key:value` among the tags of the EXIF chunk."""
    reader.skip(12)
    while reader.left >= 8:
        kind, length = reader.take(4, "a WebP chunk"), reader.number(4, "a WebP chunk", "little")
        if kind == b"EXIF":
            return _exif_texts(reader.take(length, "the EXIF chunk").removeprefix(b"Exif\0\0"))
        reader.skip(length + length % 2)
    return {}


def _exif_texts(tiff: bytes) -> Texts:
    texts: Texts = {}
    for value in _first_directory(tiff):
        key, colon, text = decode(value.rstrip(b"\0")).partition(":")
        if colon:
            keep(texts, key, text)
    return texts


def _first_directory(tiff: bytes) -> Iterator[bytes]:
    """The values of the ASCII tags of the first directory; short ones stand in the tag itself."""
    order = "<" if tiff[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        for index in range(count):
            at = start + 2 + 12 * index
            _, type, length, offset = struct.unpack_from(order + "HHII", tiff, at)
            if type == _ASCII:
                first = offset if length > 4 else at + 8
                yield tiff[first : first + length]
    except struct.error as error:
        raise BadCarrier(f"its EXIF tags are cut off: {error}") from error


def avif_texts(reader: Reader) -> Texts:
    """The texts `key:value` among the EXIF tags, or a user comment that is an object of them."""
    try:
        with Image.open(reader.file) as image:
            exif = image.getexif()
            values = [*exif.values(), *exif.get_ifd(_EXIF_IFD).values()]
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise BadCarrier(f"pillow does not open the AVIF file: {error}") from error
    texts: Texts = {}
    for value in values:
        text = decode(value.removeprefix(b"ASCII\0\0\0")) if isinstance(value, bytes) else str(value)
        if text.startswith("{"):
            texts |= texts_of(json.loads(text))
        elif ":" in text:
            keep(texts, *text.rstrip("\0").split(":", 1))
    return texts


def svg_texts(reader: Reader) -> Texts:
    """The object in the element `metadata`. The file is searched, not parsed: entities of strangers stay unread."""
    _, _, rest = decode(reader.take(reader.size, "the SVG file")).partition("<metadata")
    _, _, content = rest.partition("</metadata>")[0].partition(">")
    try:
        return texts_of(json.loads(content.strip().removeprefix("<![CDATA[").removesuffix("]]>")))
    except ValueError:  # metadata of other programs, or none
        return {}
