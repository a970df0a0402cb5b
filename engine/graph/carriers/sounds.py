"""Texts in FLAC, Ogg (Opus, Vorbis) and MP3 files."""

import struct
from collections.abc import Iterator

from engine.graph.carriers.texts import BadCarrier, Reader, Texts, decode, keep

_COMMENTS_OF_FLAC = 4
_ENCODINGS = {1: "utf-16", 2: "utf-16-be", 3: "utf-8"}


def flac_texts(reader: Reader) -> Texts:
    """The Vorbis comments in the block that holds them."""
    reader.skip(4)
    is_last = False
    while not is_last and reader.left >= 4:
        head, length = reader.number(1, "a FLAC block"), reader.number(3, "a FLAC block")
        is_last = bool(head & 0x80)
        if head & 0x7F == _COMMENTS_OF_FLAC:
            return vorbis_texts(reader.take(length, "the FLAC comments"))
        reader.skip(length)
    return {}


def ogg_texts(reader: Reader) -> Texts:
    """The Vorbis comments in the second packet of the first stream."""
    packet = _second_packet(reader)
    for start in (b"OpusTags", b"\x03vorbis"):
        if packet.startswith(start):
            return vorbis_texts(bytes(packet.removeprefix(start)))
    return {}


def _second_packet(reader: Reader) -> bytearray:
    packet, ended = bytearray(), 0
    serial: bytes | None = None
    while reader.left >= 27:
        if reader.take(4, "an Ogg page") != b"OggS":
            raise BadCarrier("an Ogg page does not begin where the last one ends")
        reader.skip(10)
        stream = reader.take(4, "an Ogg page")
        serial = serial or stream
        reader.skip(8)
        sizes = reader.take(reader.number(1, "an Ogg page"), "an Ogg page")
        for size in sizes:
            piece = reader.take(size, "an Ogg packet")
            if stream != serial:
                continue
            if ended == 1:
                packet += piece
                if len(packet) > reader.limit:
                    raise BadCarrier(f"the Ogg comments are larger than the limit of {reader.limit:,} bytes")
            ended += size < 255  # a packet goes on while its pieces are full
            if ended == 2:
                return packet
    return packet


def vorbis_texts(data: bytes) -> Texts:
    """Comments `key=value`, behind the name of the program that wrote them; all lengths are little-endian."""
    texts: Texts = {}
    try:
        (at,) = struct.unpack_from("<I", data)
        at += 4
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
        for _ in range(count):
            (length,) = struct.unpack_from("<I", data, at)
            key, equals, text = data[at + 4 : at + 4 + length].partition(b"=")
            at += 4 + length
            if equals:
                keep(texts, decode(key), decode(text))
    except struct.error as error:
        raise BadCarrier(f"its comments are cut off: {error}") from error
    return texts


def mp3_texts(reader: Reader) -> Texts:
    """The TXXX frames of an ID3v2 tag, by their descriptions."""
    reader.skip(3)
    version, _, flags, *size = reader.take(7, "the ID3 tag")
    tag = reader.take(_synchsafe(bytes(size)), "the ID3 tag")
    if flags & 0x80 and version < 4:
        tag = tag.replace(b"\xff\0", b"\xff")
    if flags & 0x40:
        extended = _synchsafe(tag[:4]) if version == 4 else int.from_bytes(tag[:4], "big") + 4
        tag = tag[extended:]
    texts: Texts = {}
    for content in _user_frames(tag, version):
        key, text = _described(content)
        keep(texts, key, text)
    return texts


def _user_frames(tag: bytes, version: int) -> Iterator[bytes]:
    at = 0
    while at + 10 <= len(tag) and tag[at] != 0:  # zeros are padding
        size = _synchsafe(tag[at + 4 : at + 8]) if version == 4 else int.from_bytes(tag[at + 4 : at + 8], "big")
        content = tag[at + 10 : at + 10 + size]
        if version == 4 and tag[at + 9] & 1:
            content = content[4:]  # the length it would have without the marks below
        if version == 4 and tag[at + 9] & 2:
            content = content.replace(b"\xff\0", b"\xff")
        if tag[at : at + 4] == b"TXXX" and content:
            yield content
        at += 10 + size


def _described(content: bytes) -> tuple[str, str]:
    """The description and the text of a frame, which is in one of four encodings."""
    encoding = _ENCODINGS.get(content[0])
    if encoding is None:
        key, _, text = content[1:].partition(b"\0")
        return decode(key), decode(text.rstrip(b"\0"))
    key, _, text = content[1:].decode(encoding, "replace").partition("\0")
    return key.lstrip("\ufeff"), text.lstrip("\ufeff").rstrip("\0")


def _synchsafe(data: bytes) -> int:
    """A number in seven bits of each byte."""
    number = 0
    for byte in data:
        number = number << 7 | byte & 0x7F
    return number
