"""Texts in MP4 (also MOV, M4V) and WebM files; the pictures are stepped over."""

from collections.abc import Iterator

from engine.graph.carriers.texts import BadCarrier, Reader, Texts, decode, keep

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_TAGS, _TAG, _SIMPLE_TAG, _TAG_NAME, _TAG_STRING = 0x1254C367, 0x7373, 0x67C8, 0x45A3, 0x4487
_WITHIN = {_SEGMENT, _TAGS, _TAG}


def mp4_texts(reader: Reader) -> Texts:
    """The items of `meta`, which stands in `udta` or `moov`, or in `udta` at the top level."""
    texts: Texts = {}
    for _, start, end in _found(reader, 0, reader.size, {b"moov", b"udta"}, b"meta"):
        names: list[str] = []
        items: list[tuple[int, bytes]] = []
        for kind, first, last in _boxes(reader, _first_box_of_meta(reader, start), end):
            reader.go_to(first)
            if kind == b"keys":
                names = _key_names(reader.take(last - first, "the names of the MP4 metadata"))
            elif kind == b"ilst":
                items = list(_items(reader, first, last))
        for index, value in items:
            if 0 < index <= len(names):
                keep(texts, names[index - 1], decode(value))
    return texts


def _found(reader: Reader, start: int, end: int, within: set[bytes], wanted: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Every box of a kind, in boxes of some other kinds."""
    waiting = [(start, end)]
    while waiting:
        for box in _boxes(reader, *waiting.pop(0)):
            if box[0] == wanted:
                yield box
            elif box[0] in within:
                waiting.append(box[1:])


def _boxes(reader: Reader, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Each box between two positions: its kind, and where its content begins and ends."""
    while at + 8 <= end:
        reader.go_to(at)
        size, kind = reader.number(4, "an MP4 box"), reader.take(4, "an MP4 box")
        first = at + 8
        if size == 1:
            size, first = reader.number(8, "an MP4 box"), at + 16
        last = end if size == 0 else at + size
        if last < first or last > end:
            raise BadCarrier(f"the MP4 box {decode(kind)!r} at byte {at:,} ends outside the one around it")
        yield kind, first, last
        at = last


def _first_box_of_meta(reader: Reader, start: int) -> int:
    """MP4 puts a version before the boxes in `meta`; QuickTime does not."""
    reader.go_to(start)
    return start if reader.take(8, "the MP4 metadata")[4:] == b"hdlr" else start + 4


def _key_names(data: bytes) -> list[str]:
    """The names: behind a version and a count, each with its size and a namespace of four letters."""
    names: list[str] = []
    at = 8
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        names.append(decode(data[at + 8 : at + size]))
        at += max(size, 8)
    return names


def _items(reader: Reader, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    for index, first, last in _boxes(reader, start, end):
        for kind, value, value_end in _boxes(reader, first, last):
            if kind == b"data" and value_end - value >= 8:
                reader.go_to(value + 8)  # behind the type and the locale
                yield int.from_bytes(index, "big"), reader.take(value_end - value - 8, "an MP4 text")


def webm_texts(reader: Reader) -> Texts:
    """The simple tags, each a name and a text."""
    texts: Texts = {}
    for start, end in _tags(reader):
        fields = dict(_texts_in(reader, start, end))
        if _TAG_NAME in fields and _TAG_STRING in fields:
            keep(texts, fields[_TAG_NAME], fields[_TAG_STRING])
    return texts


def _tags(reader: Reader) -> Iterator[tuple[int, int]]:
    waiting = [(0, reader.size)]
    while waiting:
        for id, start, end in _elements(reader, *waiting.pop(0)):
            if id == _SIMPLE_TAG:
                yield start, end
            elif id in _WITHIN:
                waiting.append((start, end))


def _texts_in(reader: Reader, start: int, end: int) -> Iterator[tuple[int, str]]:
    for id, first, last in _elements(reader, start, end):
        if id in (_TAG_NAME, _TAG_STRING):
            reader.go_to(first)
            yield id, decode(reader.take(last - first, "a WebM text").rstrip(b"\0"))


def _elements(reader: Reader, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Each element between two positions: its id, and where its content begins and ends."""
    while at + 2 <= end:
        reader.go_to(at)
        id, _ = _variable_number(reader, keeps_marker=True)
        size, is_unknown = _variable_number(reader, keeps_marker=False)
        first = reader.position
        if is_unknown:  # a live recording: a segment reaches to the end, and a cluster's parts are stepped over singly
            size = 0 if id == _CLUSTER else end - first
        if first + size > end:
            raise BadCarrier(f"the WebM element {id:X} at byte {at:,} ends outside the one around it")
        yield id, first, first + size
        at = first + size


def _variable_number(reader: Reader, keeps_marker: bool) -> tuple[int, bool]:
    """A number whose first byte tells how many bytes follow, and whether it is all ones, which means unknown."""
    first = reader.number(1, "a WebM element")
    if first == 0:
        raise BadCarrier("a WebM element has a number of more than eight bytes")
    more = 8 - first.bit_length()
    bits = 7 * (more + 1)
    value = first << 8 * more | reader.number(more, "a WebM element")
    number = value & (1 << bits) - 1
    return (value if keeps_marker else number), number == (1 << bits) - 1
