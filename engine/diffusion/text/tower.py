"""One text encoder of a model: its transformer, how it pads, and from tokens to the states that were asked for."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.device import memory
from engine.device.resident import resident
from engine.diffusion.patched import Patches, with_patches
from engine.diffusion.text import embeddings
from engine.diffusion.text.tokens import Chunk, Frame, empty_chunk, tokenize
from engine.diffusion.text.transformer import ClipTransformer
from engine.diffusion.text.vocabulary import CLIP_END, CLIP_START, clip_ids
from engine.diffusion.text.weighting import Encoded, encode_weighted

_log = logging.getLogger(__name__)

_LENGTH = 77
_WIDEST = 12  # numbers alive per token and channel inside a layer, beside the states that are kept
_TOGETHER = 16  # chunks per pass: prompts may be long, memory is not


@dataclass(frozen=True)
class Tower:
    """A CLIP text encoder. `embedding` is what embedding files call it: `clip_l`, `clip_g` or `clip_h`.

    `network` is as it was loaded; `patches` change its weights when it is called.
    """

    network: ClipTransformer
    embedding: str
    pad: int
    patches: Patches = ()

    @property
    def patched(self) -> ClipTransformer:
        """The network with its patches. Raises OutOfMemory."""
        return with_patches(self.network, self.patches)

    @property
    def frame(self) -> Frame:
        return Frame(CLIP_START, CLIP_END, self.pad, _LENGTH, _LENGTH)

    @property
    def empty(self) -> Chunk:
        """The chunk of an empty prompt."""
        return empty_chunk(self.frame)

    def tokenize(self, text: str) -> list[Chunk]:
        """The chunks of a prompt, each of 77 tokens."""
        return tokenize(text, clip_ids, self._find if embeddings.are_configured() else None, self.frame)

    def encode(self, chunks: Sequence[Chunk], layer: int, *, is_normed: bool) -> Encoded:
        """The weighted states (1, 77 n, width) after a layer, and the projected pooled vector (1, P), on the CPU.

        `layer` counts from the end: -1 is the last; a number beyond the first means the last, then always normed.
        """

        def plain(chunks: Sequence[Chunk]) -> Encoded:
            some = [chunks[at : at + _TOGETHER] for at in range(0, len(chunks), _TOGETHER)]
            passed = [self._pass(each, layer, is_normed) for each in some]
            return Encoded(torch.cat([z for z, _ in passed]), torch.cat([pooled for _, pooled in passed]))

        with torch.no_grad(), memory.named_shortage("encoding text", self.network.device):
            return encode_weighted(chunks, self.empty, plain)

    def pool(self, chunks: Sequence[Chunk]) -> Tensor:
        """The pooled vector (1, width) as it is before its projection."""
        encoded = self.encode(chunks[:1], -1, is_normed=True)
        return encoded.cond[:, self._end(chunks[0])]

    def _pass(self, chunks: Sequence[Chunk], layer: int, is_normed: bool) -> tuple[Tensor, Tensor]:
        network = self.patched
        with resident(network, self._work(len(chunks)), f"encoding text with {self.embedding}"):
            return self._passed(network, chunks, layer, is_normed)

    def _work(self, chunks: int) -> int:
        """Bytes that a pass of so many chunks takes beside the weights: all states, and the widest layer's values."""
        network = self.network
        return chunks * _LENGTH * network.width * (network.depth + _WIDEST) * torch.float32.itemsize

    def _passed(
        self, network: ClipTransformer, chunks: Sequence[Chunk], layer: int, is_normed: bool
    ) -> tuple[Tensor, Tensor]:
        hidden = network(torch.stack([self._vectors(network, chunk) for chunk in chunks]))
        is_there = -layer <= network.depth
        z = hidden[layer] if is_there else hidden[-1]
        if is_normed or not is_there:
            z = network.norm(z)
        ends = torch.tensor([self._end(chunk) for chunk in chunks], device=z.device)
        last = hidden[-1][torch.arange(len(chunks), device=z.device), ends]  # (n, width)
        return z.cpu(), network.project(network.norm(last)).cpu()

    def _vectors(self, network: ClipTransformer, chunk: Chunk) -> Tensor:
        """The vectors (T, width) of a chunk."""
        fitting = self._fitting(chunk)
        device = self.network.device
        ids = [value if isinstance(value, int) else self.pad for value in fitting]
        vectors = network.embed(torch.tensor(ids, device=device))
        for place, value in enumerate(fitting):
            if isinstance(value, Tensor):
                vectors[place] = value.to(device)
        return vectors

    def _fitting(self, chunk: Chunk) -> list[int | Tensor]:
        """What stands in a chunk, without learned vectors of another width; pads at its end keep its length."""
        width = self.network.width
        kept = [token.value for token in chunk if isinstance(token.value, int) or len(token.value) == width]
        return kept + [self.pad] * (len(chunk) - len(kept))

    def _end(self, chunk: Chunk) -> int:
        """Where the first end token stands; a chunk that someone made without one is pooled at its first place."""
        values = self._fitting(chunk)
        return next((at for at, value in enumerate(values) if isinstance(value, int) and value == CLIP_END), 0)

    def _find(self, name: str) -> Tensor | None:
        path = embeddings.find(name)
        if path is None:
            return None
        vectors = embeddings.read_vectors(path, self.embedding, self.network.width)
        if vectors.shape[1] != self.network.width:
            _log.warning(
                "embedding %r has vectors of width %d, but %s wants %d: it is left out; take the file for this model",
                name,
                vectors.shape[1],
                self.embedding,
                self.network.width,
            )
        return vectors
