"""Predictions that are wanted together, in as few network calls as possible.

Pieces may come from several prompts, lists and running samplers. Those that a network can take side by side share a
call, as far as memory allows; what a call will need is known before it is made.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from engine.device import memory
from engine.device.memory import OutOfMemory
from engine.diffusion.deep_cache import Kept
from engine.diffusion.model import Block, BlockHook, Predictor
from engine.diffusion.tiling import Window

MOST_CELLS = 1 << 18  # latent cells (rows * height * width) in one call: 16 images of 1024² pixels
MOST_REPEATS = 4  # how often the shortest text of a call may be repeated to reach the common length


@dataclass(frozen=True, eq=False)
class Piece:
    """What one conditioning entry wants predicted: rows x (B, C, …, h, w) at sigma (B,), text (b, T, dim).

    `window` is where x lies in the entry's latent if it is a tile of it. What the network's deep blocks say of it is
    kept in `keeps`, or taken from `reuses`, for models with `Hooks.deep`.
    """

    model: Predictor
    x: Tensor
    sigma: Tensor
    context: Tensor
    extras: Mapping[str, Tensor]
    control: "Control | None" = None
    window: Window | None = None
    keeps: Kept | None = None
    reuses: Kept | None = None

    @property
    def cells(self) -> int:
        return self.x[:, 0].numel()


@dataclass(frozen=True, eq=False)
class Call:
    """One network call: the rows of its pieces one after the other, `rows` of each; `windows` of those in tiles."""

    model: Predictor
    x: Tensor
    sigma: Tensor
    context: Tensor
    extras: Mapping[str, Tensor]
    rows: tuple[int, ...]
    windows: tuple[Window | None, ...] = ()


class Control(Protocol):
    """What an entry's `control` setting steers a network with: hooks for one call, made once for all rows of it."""

    def blocks(self, call: Call) -> tuple[BlockHook, ...]: ...


@runtime_checkable
class LayerControl(Control, Protocol):
    """A control that steers a network's transformers too."""

    def layered(self, call: Call) -> Predictor:
        """The call's model with what it hooks into them, for this call."""
        ...


def predictions(pieces: Sequence[Piece], most_cells: int = MOST_CELLS) -> list[Tensor]:
    """The clean latents of every piece, in their order. A call that memory does not hold is made in two halves.

    Where it does not hold a single row, that is tried once more with no weights near but those at work. Raises
    OutOfMemory where that fails too.
    """
    made: dict[int, Tensor] = {}
    for group in _groups(pieces, most_cells):
        for index, x0 in zip(group, _predicted([pieces[each] for each in group]), strict=True):
            made[index] = x0
    return [made[index] for index in range(len(pieces))]


def _predicted(pieces: Sequence[Piece], *, is_last_try: bool = False) -> list[Tensor]:
    halves = _halves(pieces)
    model, shape = pieces[0].model, pieces[0].x.shape
    rows = sum(len(piece.x) for piece in pieces)
    cells = f"{' x '.join(str(n) for n in reversed(shape[2:]))} cells"
    what = f"one call of the model for {rows} latent{'s' if rows > 1 else ''} of {cells}"
    work = model.bytes_per_cell * sum(piece.cells for piece in pieces)
    try:
        if halves is not None and not model.fits_whole(work) and model.fits_whole(work // 2):
            raise OutOfMemory(what)  # two calls beside all weights are faster than one for which they come and go
        model.require(work, what)
        with memory.named_shortage(what, model.device):
            return _call(pieces)
    except OutOfMemory:
        if halves is None and is_last_try:
            raise
    # Outside the handler, which holds on to the failed call's tensors.
    if halves is None:
        with model.sparing():
            return _predicted(pieces, is_last_try=True)
    first, second = halves
    if len(pieces) > 1:
        return _predicted(first) + _predicted(second)
    return [torch.cat(_predicted(first) + _predicted(second))]


def _halves(pieces: Sequence[Piece]) -> tuple[Sequence[Piece], Sequence[Piece]] | None:
    """The pieces in two groups, or a piece's rows in two; None for what cannot be divided.

    A control is made for all rows of its piece: they stay together.
    """
    if len(pieces) > 1:
        return pieces[: len(pieces) // 2], pieces[len(pieces) // 2 :]
    (piece,) = pieces
    if len(piece.x) == 1 or piece.control is not None:
        return None
    half = len(piece.x) // 2
    return [_of_rows(piece, slice(0, half))], [_of_rows(piece, slice(half, None))]


def _of_rows(piece: Piece, rows: slice) -> Piece:
    """A piece of some of the rows."""
    count = len(piece.x)
    return replace(
        piece,
        x=piece.x[rows],
        sigma=piece.sigma[rows],
        context=_rows(piece.context, count)[rows],
        extras={name: _rows(value, count)[rows] for name, value in piece.extras.items()},
    )


def _call(pieces: Sequence[Piece]) -> list[Tensor]:
    first = pieces[0]
    rows = tuple(len(piece.x) for piece in pieces)
    length = math.lcm(*(piece.context.shape[1] for piece in pieces))
    call = Call(
        model=first.model,
        x=torch.cat([piece.x for piece in pieces]),
        sigma=torch.cat([piece.sigma for piece in pieces]),
        context=torch.cat([_repeated(_rows(piece.context, len(piece.x)), length) for piece in pieces]),
        extras={
            name: torch.cat([_rows(piece.extras[name], len(piece.x)) for piece in pieces]) for name in first.extras
        },
        rows=rows,
        windows=tuple(piece.window for piece in pieces),
    )
    blocks = first.control.blocks(call) if first.control is not None else ()
    states: list[Tensor] = []
    if first.keeps is not None and first.model.hooks.deep is not None:
        blocks = (_keeper(states, first.model.hooks.deep.first), *blocks)
    model = first.control.layered(call) if isinstance(first.control, LayerControl) else first.model
    x0 = model.predict(call.x, call.sigma, call.context, call.extras, blocks)
    for state in states:  # after the call: one that memory did not hold is made again in halves
        for piece, of_piece in zip(pieces, state.split(list(rows)), strict=True):
            if piece.keeps is not None:
                piece.keeps.add(piece.window, of_piece)
    return list(torch.split(x0, list(rows)))


def _keeper(states: list[Tensor], first: int) -> BlockHook:
    """The hook that keeps the state before an output block."""

    def keep(h: Tensor, skip: Tensor | None, block: Block) -> tuple[Tensor, Tensor | None]:
        if block == Block("output", first):
            states.append(h)
        return h, skip

    return keep


def _rows(tensor: Tensor, count: int) -> Tensor:
    """A tensor's rows cut, or repeated from the first on, to a count."""
    if tensor.shape[0] == count:
        return tensor
    return tensor[torch.arange(count, device=tensor.device) % tensor.shape[0]]


def _repeated(context: Tensor, length: int) -> Tensor:
    """Text (B, T, dim) repeated to a length; cross-attention does not notice."""
    return context.repeat(1, length // context.shape[1], 1)


def _groups(pieces: Sequence[Piece], most_cells: int) -> Iterator[list[int]]:
    """The pieces' numbers, by call."""
    left = list(range(len(pieces)))
    while left:
        group: list[int] = []
        for index in left:
            together = [pieces[each] for each in group]
            if not group or _fits(pieces[index], together, most_cells):
                group.append(index)
        yield group
        left = [index for index in left if index not in group]


def _fits(piece: Piece, group: Sequence[Piece], most_cells: int) -> bool:
    first = group[0]
    if piece.model is not first.model or piece.x.shape[1:] != first.x.shape[1:]:
        return False
    if piece.control is not first.control or (piece.control is not None and piece.sigma is not first.sigma):
        return False  # a control may be active at one level and not at another
    if (piece.keeps is None) != (first.keeps is None):
        return False
    if _shapes(piece.extras) != _shapes(first.extras) or piece.context.shape[2:] != first.context.shape[2:]:
        return False
    if sum(each.cells for each in group) + piece.cells > most_cells:
        return False
    lengths = [each.context.shape[1] for each in (*group, piece)]
    if not piece.model.repeats_text:
        return len(set(lengths)) == 1
    return math.lcm(*lengths) <= MOST_REPEATS * min(lengths)


def _shapes(extras: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape[1:]) for name, value in extras.items()}
