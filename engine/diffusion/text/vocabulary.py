"""Text to vocabulary ids, as CLIP and T5 read it; the vocabularies lie in `data`."""

import gzip
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import NFC, Lowercase, Replace, Sequence
from tokenizers.pre_tokenizers import ByteLevel, Split
from tokenizers.pre_tokenizers import Sequence as Stages

CLIP_START, CLIP_END = 49406, 49407
CLIP_SIZE = 49408
T5_END, T5_PAD = 1, 0

_SPECIAL = ("<|startoftext|>", "<|endoftext|>")
_WORD = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_END_OF_WORD = "</w>"


def clip_ids(text: str) -> list[int]:
    """The ids of a text (0 to 49407), without start and end tokens. Radford et al. (2021), section 2.4."""
    return _clip_tokenizer().encode(text, add_special_tokens=False).ids


def t5_ids(text: str) -> list[int]:
    """The ids of a text (0 to 32099) in T5's SentencePiece vocabulary, without the end token. Raffel et al. (2020)."""
    return _t5_tokenizer().encode(text, add_special_tokens=False).ids


@cache
def _clip_tokenizer() -> Tokenizer:
    merges = [(left, right) for left, right in map(str.split, _read("clip_merges.txt.gz").splitlines())]
    letters = list(_byte_letters())
    words = [*letters, *(letter + _END_OF_WORD for letter in letters), *map("".join, merges), *_SPECIAL]
    tokenizer = Tokenizer(
        BPE(
            vocab={word: id for id, word in enumerate(words)},
            merges=merges,
            unk_token=_SPECIAL[1],
            continuing_subword_prefix="",
            end_of_word_suffix=_END_OF_WORD,
        )
    )
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.normalizer = Sequence([NFC(), Replace(Regex(r"\s+"), " "), Lowercase()])
    tokenizer.pre_tokenizer = Stages(
        [Split(Regex(_WORD), behavior="removed", invert=True), ByteLevel(add_prefix_space=False)]
    )
    return tokenizer


@cache
def _t5_tokenizer() -> Tokenizer:
    return Tokenizer.from_str(_read("t5_tokenizer.json.gz"))


def _byte_letters() -> Iterator[str]:
    """The letters that stand for the 256 byte values, in vocabulary order: first the bytes that are printable."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    yield from map(chr, printable)
    yield from (chr(256 + n) for n in range(256 - len(printable)))


def _read(name: str) -> str:
    return gzip.decompress((files(__package__ or "") / "data" / name).read_bytes()).decode()
